"""Frames in time: where their points lie in a field's coordinates, and the domain of a motion between them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from siren_pl.field.domain import Domain

# Coordinate units of half an interval between two frames. Time is no pixel: a motion changes within an interval where
# something passes, and hardly otherwise.
HALF_INTERVAL = 0.1
# A motion is as fine as a picture of this many samples along its longer side, whatever the frames' own size; the rule
# of omega_0 makes 12 of it.
RESOLUTION = 102.4
# Rows and columns of a motion.
COMPONENTS = 2


@dataclass(frozen=True)
class Paths:
    """Frames (T, H, W, C) with values in [-1, 1], one interval apart, from moment 0 to T - 1."""

    frames: Tensor

    @property
    def intervals(self) -> int:
        """Number of intervals."""
        return len(self.frames) - 1

    @property
    def per_pixel(self) -> tuple[float, float, float]:
        """Coordinate units of one interval, one row and one column."""
        pixel = 2 / max(self.frames.shape[1:3])
        return 2 * HALF_INTERVAL, pixel, pixel

    def coords(self, moments: Tensor, places: Tensor) -> Tensor:
        """Coordinates (N, 3) of moments (N,) in intervals and places (N, 2) in pixels; the middle is at the origin."""
        shape = torch.tensor(self.frames.shape[1:3]).to(places)
        steps = torch.tensor(self.per_pixel).to(places)
        centred = torch.cat([(moments - self.intervals / 2)[:, None], places - (shape - 1) / 2], 1)
        return centred * steps

    def domain(self) -> Domain:
        """The domain of a motion of these frames."""
        height, width = self.frames.shape[1:3]
        steps = self.per_pixel
        extent = (steps[0] * self.intervals / 2, steps[1] * height / 2, steps[2] * width / 2)
        return Domain(3, COMPONENTS, extent, steps, RESOLUTION, RESOLUTION, self.intervals * height * width)
