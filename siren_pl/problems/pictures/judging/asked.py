"""What `evaluate.py` may be asked for about a picture: all of it or a window, at a scale or of a size."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.pictures.containers import write_picture
from siren_pl.problems.pictures.judging.drawings import draw_windows, figures_of, seen_in
from siren_pl.problems.pictures.windows import Window, at_scale, divided
from siren_pl.problems.sampled.evaluation import Evaluation
from siren_pl.problems.sampled.kind import View
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Draw, Write

# Larger pictures than this take hours to compute and more memory than PNG writers manage.
MOST_PIXELS = 1 << 31


@dataclass(frozen=True)
class Resized(View):
    """Shows the whole picture at a given size, and every figure if that is the signal's own size."""

    size: tuple[int, ...]

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        picture = partial(found.resampled, self.size)
        return {_file(found.signal): lambda path: write_picture(picture(), path, found.signal.container)}

    @override
    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        return figures_of(found) if self.size == found.signal.shape else {}


@dataclass(frozen=True)
class Part(View):
    """Shows a window of the picture."""

    window: Window

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        picture = partial(seen_in, found, self.window)
        return {_file(found.signal): lambda path: write_picture(picture(), path, found.signal.container)}

    @override
    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        return {"window.png": lambda path, _: draw_windows(found, [self.window], path)}


def _file(signal: SampledSignal) -> str:
    return f"{signal.name}.png"


def asked(signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
    """Interpret `size`, `scale` and `window`: return the name of a directory and the view for it.

    Args:
        signal: The picture that a field was fitted to.
        options: `size`: pixels along each axis, or along the longer side, of the picture or of the window if there
            is one. `scale`: pixels per pixel of the signal's own grid along each axis, any positive number.
            `window`: [top, left, height, width] in pixels of the signal's own grid.

    Raises:
        UserError: An option has a bad value, two contradict each other, the window leaves the picture or holds no
            pixel, or there are too many pixels.
    """
    size, scale, rectangle = _size(options.get("size")), _scale(options.get("scale")), _window(options.get("window"))
    if size is not None and scale is not None:
        raise UserError("give scale= or size=, not both.")
    if rectangle is None:
        shape = _whole(signal.shape, size, scale)
        return "x".join(map(str, shape)), Resized(shape)
    if size is None:
        window = at_scale(rectangle, scale or 1.0, signal)
    else:
        window = divided(rectangle, size[0] if len(size) == 1 else size, signal)
    shape = _renderable(window.size)
    fineness = f"size_{'x'.join(map(str, shape))}" if size else f"scale_{scale or 1:.12g}"
    return "_".join(["window", *(f"{number:.12g}" for number in rectangle), fineness]), Part(window)


def _whole(shape: tuple[int, ...], size: tuple[int, ...] | None, scale: float | None) -> tuple[int, ...]:
    """The grid on which to render the whole of a signal of this shape."""
    if size is not None and len(size) == len(shape):
        return _renderable(size)
    factor = scale or (size[0] / max(shape) if size else 1.0)
    return _renderable(tuple(max(1, round(n * factor)) for n in shape))


def _size(text: str | None) -> tuple[int, ...] | None:
    """Parse `512` or `512,768` (brackets allowed) as whole numbers."""
    if text is None:
        return None
    if not re.fullmatch(r"\[?\s*[1-9]\d*\s*(,\s*[1-9]\d*\s*)?\]?", text):
        raise UserError(f"size={text} must be height,width or the length of the longer side, in pixels from 1.")
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _scale(text: str | None) -> float | None:
    try:
        scale = None if text is None else float(text)
    except ValueError:
        scale = -1.0
    if scale is not None and not 0 < scale < float("inf"):
        raise UserError(f"scale={text} must be a positive number.")
    return scale


def _window(text: str | None) -> tuple[float, ...] | None:
    """Parse `10,20.5,32,32` (brackets allowed) as four numbers."""
    if text is None:
        return None
    try:
        numbers = tuple(float(number) for number in text.strip().removeprefix("[").removesuffix("]").split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):  # noqa: PLR2004 - as the message says
        raise UserError(f"window={text} must be top,left,height,width: four numbers, in pixels of the signal's grid.")
    return numbers


def _renderable(shape: tuple[int, ...]) -> tuple[int, ...]:
    total = math.prod(shape)
    if total > MOST_PIXELS:
        raise UserError(
            f"size={','.join(map(str, shape))} has {total:.2g} pixels, more than 2^31: choose a smaller one."
        )
    return shape
