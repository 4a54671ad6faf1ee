"""What `evaluate.py` may be asked for about a video: all of it at a size and slowness, or one frame at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.sampled.evaluation import Evaluation
from siren_pl.problems.sampled.films import write_mp4
from siren_pl.problems.sampled.grid import Shape
from siren_pl.problems.sampled.kind import View
from siren_pl.problems.sampled.rendering import as_levels, slabs
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.video.kind import shown
from siren_pl.training.judge import Write

# More pixels than this, over all frames, take days to compute.
MOST_PIXELS = 1 << 33


@dataclass(frozen=True)
class Played(View):
    """Shows the whole video on a grid of another size: frames, rows and columns."""

    size: Shape

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        axes, rate = found.signal.grid.axes(found.signal.shape, self.size), found.signal.container.rate
        return {f"{found.signal.name}.mp4": lambda path: write_mp4(frames_on(found, axes), rate, path)}


@dataclass(frozen=True)
class Still(View):
    """Shows the frame at a time, in seconds after the first sample's frame began."""

    seconds: float
    size: Shape

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        signal = found.signal
        axes = signal.grid.axes(signal.shape, (1, *self.size[1:]))
        through = (self.seconds + 0.5 / signal.container.rate) * signal.container.rate / signal.shape[0]
        axes[0] = torch.tensor([(2 * through - 1) * signal.extent[0]], dtype=torch.float64)
        return {f"{signal.name}.png": partial(_still, found, axes)}


def frames_on(found: Evaluation, axes: list[Tensor]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames (H, W, C) of the answer on the grid that the axes span."""
    for _, values in slabs(found.answer, axes, found.signal.out_features):
        for frame in as_levels(values + found.offset, np.uint8):
            yield shown(frame)


def _still(found: Evaluation, axes: list[Tensor], path: Path) -> None:
    from PIL import Image

    (frame,) = frames_on(found, axes)
    Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).save(path)


def asked(signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
    """Interpret `size`, `scale`, `slow` and `time`: return the name of a directory and the view for it.

    Raises:
        UserError: An option has a bad value, two contradict each other, or there are too many pixels.
    """
    size, slow, time = _size(signal, options), _number(options, "slow"), options.get("time")
    if time is not None and slow is not None:
        raise UserError("give time= for a single frame or slow= for a video, not both.")
    shape = (max(1, round(signal.shape[0] * (slow or 1.0))), *size)
    if math.prod(shape) > MOST_PIXELS:
        raise UserError(f"{' × '.join(map(str, shape))} are more than 2^33 pixels: choose a smaller size= or slow=.")
    if time is None:
        told = f"_slow_{slow:.12g}" if slow else ""
        plain = shape == signal.shape
        return f"{'x'.join(map(str, size))}{told}", signal.container if plain else Played(shape)
    seconds, start = _seconds(signal, time), signal.container.start
    return f"{'x'.join(map(str, size))}_time_{seconds:.12g}", Still(seconds - start, shape)


def _size(signal: SampledSignal, options: Mapping[str, str]) -> Shape:
    """Rows and columns of the frames."""
    text, scale, shape = options.get("size"), _number(options, "scale"), signal.shape[1:]
    if text is not None and scale is not None:
        raise UserError("give scale= or size=, not both.")
    if text is None:
        return tuple(max(1, round(n * (scale or 1.0))) for n in shape)
    if not re.fullmatch(r"\[?\s*[1-9]\d*\s*(,\s*[1-9]\d*\s*)?\]?", text):
        raise UserError(f"size={text} must be height,width or the length of the longer side, in pixels from 1.")
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return tuple(numbers) if len(numbers) > 1 else tuple(max(1, round(n * numbers[0] / max(shape))) for n in shape)


def _number(options: Mapping[str, str], key: str) -> float | None:
    try:
        number = float(options[key]) if key in options else None
    except ValueError:
        number = -1.0
    if number is not None and not 0 < number < math.inf:
        raise UserError(f"{key}={options[key]} must be a positive number.")
    return number


def _seconds(signal: SampledSignal, text: str) -> float:
    start, rate = signal.container.start, signal.container.rate
    last = start + (signal.shape[0] - 1) / rate
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not start - 0.5 / rate <= seconds <= last + 0.5 / rate:
        raise UserError(f"time={text} must be a number of seconds from {start:.12g} to {last:.12g}, as in the file.")
    return seconds
