"""What `evaluate.py` is asked to render: the whole of a signal's domain or a window of it, at a scale or of a size."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siren_pl.errors import UserError

if TYPE_CHECKING:
    from siren_pl.problems.pictures.windows import Window
    from siren_pl.problems.sampled.signal import SampledSignal

# Larger pictures than this take hours to compute and more memory than PNG writers manage.
MOST_PIXELS = 1 << 31


def read(options: Mapping[str, str]) -> Wanted:
    """What `size`, `scale` and `window` among a command's options ask for.

    Raises:
        UserError: One of them is not what it must be, or two contradict each other.
    """
    size, scale = _size(options.get("size")), _scale(options.get("scale"))
    if size is not None and scale is not None:
        raise UserError("give scale= or size=, not both.")
    return Wanted(size, scale, _window(options.get("window")))


@dataclass(frozen=True)
class Wanted:
    """A picture that is asked for.

    Attributes:
        size: Pixels along each axis, or along the longer side; of the window, where there is one.
        scale: Pixels per pixel of the signal's own grid along each axis; any positive number.
        window: [top, left, height, width] in pixels of the signal's own grid; None for the whole.
    """

    size: tuple[int, ...] | None = None
    scale: float | None = None
    window: tuple[float, ...] | None = None

    def whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The grid to render of all of a signal of this shape.

        Raises:
            UserError: It has too many pixels.
        """
        if self.size is not None and len(self.size) == len(shape):
            return _renderable(self.size)
        factor = self.scale or (self.size[0] / max(shape) if self.size else 1.0)
        return _renderable(tuple(max(1, round(n * factor)) for n in shape))

    def part(self, signal: SampledSignal) -> Window | None:
        """The window to render; None for the whole.

        Raises:
            UserError: It leaves the image, holds no pixel, or has too many.
        """
        if self.window is None:
            return None
        from siren_pl.problems.pictures.windows import at_scale, divided

        if self.size is None:
            window = at_scale(self.window, self.scale or 1.0, signal)
        else:
            window = divided(self.window, self.size[0] if len(self.size) == 1 else self.size, signal)
        _renderable(window.size)
        return window

    def name(self, shape: tuple[int, ...]) -> str:
        """What the directory of the results is called: the shape of the picture, or window and scale as asked for."""
        size = "x".join(map(str, shape))
        if self.window is None:
            return size
        fineness = f"size_{size}" if self.size else f"scale_{self.scale or 1:.12g}"
        return "_".join(["window", *(f"{number:.12g}" for number in self.window), fineness])


def _size(text: str | None) -> tuple[int, ...] | None:
    """`512` or `512,768` (brackets allowed) as whole numbers."""
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
    """`10,20.5,32,32` (brackets allowed) as four numbers."""
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
