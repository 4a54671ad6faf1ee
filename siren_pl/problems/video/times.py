"""When frames are shown: evenly, or at times of their own, which a field of time should be asked at."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.sampled.grid import AxisExtents, Grid, PixelCentres, Shape

log = logging.getLogger(__name__)

# Frames count as evenly spread if each lies within this fraction of an interval of where it would then be: containers
# round times to milliseconds, which for 60 frames a second is a seventeenth of an interval.
JITTER = 0.1


class Clock(NamedTuple):
    """When frames are shown.

    Attributes:
        rate: Frames per second, on the average.
        places: The time of each frame in [0, 1], where a frame i of n lies at (i + 1/2) / n if they are spread evenly;
            None if they are.
    """

    rate: float
    places: tuple[float, ...] | None


def clock_of(name: str, seconds: Sequence[float]) -> Clock:
    """The clock of at least two frames that are shown at these times; says so if they are not spread evenly."""
    times = np.asarray(seconds, dtype=float)
    count, steps = len(times), np.diff(times)
    interval = float(times[-1] - times[0]) / (count - 1)
    if not (steps > 0).all():  # a file without times, or with damaged ones
        return Clock(1 / interval if interval > 0 else 1.0, None)
    late = (times - times[0]) / interval - np.arange(count)
    if np.abs(late).max() <= JITTER:
        return Clock(1 / interval, None)
    log.warning(
        "%s has a variable frame rate (%.3f to %.3f seconds from one frame to the next): values are fitted at the "
        "frames' own times, derivatives as if they were spread evenly",
        name,
        steps.min(),
        steps.max(),
    )
    return Clock(1 / interval, tuple((((times - times[0]) / interval + 0.5) / count).tolist()))


@dataclass(frozen=True)
class FrameTimes(AxisExtents):
    """Frames at times of their own: `places` in [0, 1] along the first axis. A grid of another size is even."""

    places: tuple[float, ...] = ()

    @override
    def axes(self, shape: Shape, size: Shape) -> list[Tensor]:
        axes = super().axes(shape, size)
        if size[0] == len(self.places):
            extent = shape[0] / 2 / self.pixels_per_unit(shape)[0]
            axes[0] = (2 * torch.tensor(self.places, dtype=torch.float64) - 1) * extent
        return axes


def grid_of(clock: Clock, shape: Shape, extent: float | None) -> Grid:
    """The grid of a video.

    Args:
        clock: When its frames are shown.
        shape: Frames, rows and columns.
        extent: Half the length of time in coordinate units; None for voxels that are cubes.
    """
    if clock.places is None:
        return PixelCentres() if extent is None else AxisExtents((extent, None, None))
    cubes = PixelCentres().pixels_per_unit(shape)
    extents = [n / 2 / unit for n, unit in zip(shape, cubes, strict=True)]
    whole = extents if extent is None else [extent, None, None]
    return FrameTimes(tuple(whole), clock.places)
