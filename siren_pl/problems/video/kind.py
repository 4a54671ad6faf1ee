"""The kind of videos: results are MP4 files, drawn as strips of frames, and rendered at any time, slowness and size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from siren_pl.problems.sampled.evaluation import Evaluation
from siren_pl.problems.sampled.films import write_mp4
from siren_pl.problems.sampled.kind import Kind, View
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.training.judge import Draw, Write
from siren_pl.training.problem import Origin

if TYPE_CHECKING:
    from siren_pl.problems.sampled.signal import SampledSignal

# How much brighter errors are shown than they are: 40 dB are 1 % of the range, which no eye sees.
GAIN = 5.0
# Pixels between the pictures of a frame that stand side by side.
GAP = 4


@dataclass(frozen=True)
class Clip(Kind):
    """How a video was taken, and so how results are written, drawn and asked for.

    Attributes:
        rate: Frames per second, on the average.
        start: Seconds of the file before the first frame.
        path: The file or folder; None if the frames come from elsewhere.
        place: The file's path below the folder from which it was chosen by number; None if it was named.
    """

    rate: float
    start: float = 0.0
    path: Path | None = field(default=None, compare=False)
    place: str | None = field(default=None, compare=False)

    options: ClassVar[Mapping[str, str]] = {
        "size": "rows,columns or the longer side of the frames that are written",
        "scale": "pixels per pixel of the frames that are written",
        "slow": "frames per frame: 8 makes eight times as many, so that the video plays that much slower",
        "time": "seconds of the file at which a single frame is written, as PNG",
    }

    @property
    @override
    def origin(self) -> Origin:
        return Origin(self.path, self.place)

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        name, pixels = found.signal.name, found.pixels
        beside = {f"{name}_compared.mp4": partial(self._written, partial(side_by_side, pixels, found.signal))}
        return {f"{name}.mp4": partial(self._written, partial(iter, pixels)), **beside}

    @override
    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        from siren_pl.problems.video.figures import figures_of

        return figures_of(found)

    @override
    def asked(self, signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
        from siren_pl.problems.video.asked import asked

        return asked(signal, options)

    def _written(self, frames: partial[Iterator[NDArray]], path: Path) -> Path:
        return write_mp4((shown(each) for each in frames()), self.rate, path)


def shown(pixels: NDArray) -> NDArray:
    """The channels of a frame that a video can show: three colours, or one grey; alpha is left out."""
    return pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., :1]  # noqa: PLR2004 - red, green, blue


def side_by_side(pixels: NDArray, signal: SampledSignal) -> Iterator[NDArray[np.float64]]:
    """Yield frames, in [0, 1], that show the truth, the field and the error, five times brighter than it is."""
    for found, stored in zip(pixels, signal.stored, strict=True):
        field_, truth = found / 255 if found.dtype == np.uint8 else found, to_unit(decoded(stored))
        gap = np.ones((len(truth), GAP, truth.shape[-1]))
        yield np.concatenate([truth, gap, field_, gap, np.clip(GAIN * np.abs(field_ - truth), 0, 1)], axis=1)
