"""Rendering: both neighbours of a moment, moved there and averaged, the nearer one more, pixel by pixel from the files.

So a given frame comes out as it is, and a slow motion passes it without a jump. Weights that hide what one frame does
not show were worse wherever the motion was wrong; half-way, a plain mean halves the error there. Several motions are
weighted by how well they make both frames agree, which needs no truth: a learned motion is smoother than foliage, and
there a dense flow is better. Which kernel reads the frames is chosen without the truth too: bicubic keeps what clean
frames hold, bilinear smooths the blocks of compressed ones, and whichever moves the first frame onto the second better
does so half-way as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from siren_pl.problems.video.interpolation.warping import (
    BICUBIC,
    BILINEAR,
    is_inside,
    origins,
    pixel_places,
    presence,
    seen,
)

# Motions are weighted by the inverse of their costs: the mean differences between both moved frames, in values, in a
# window of this many places of a lattice of every COARSE-th pixel. Over seven triplets the error is 9.07 levels with
# equal weights, 9.00 with these, 9.08 with inverse squares, and hardly depends on the window.
COARSE, WINDOW = 4, 5
# Places whose cost is the mean of all, in every window: beyond the edges nothing tells how good a motion is.
PRIOR = 6
# A twentieth of a level: differences below it are rounding.
FLOOR = 0.1 / 255

# Finds the motion at a moment and at places (h, w, 2) in pixels, as (h, w, 2).
Motion = Callable[[float, Tensor], Tensor]


def moved(before: Tensor, after: Tensor, motion: Tensor, fraction: float, kernel: str, places: Tensor) -> Tensor:
    """Two frames (H, W, C), moved to a fraction of the interval and averaged, at places (h, w, 2).

    Each counts by how near it is in time, since it is moved, and so misplaced, by that much less. What comes from
    beyond the edge of one frame is taken from the other alone.
    """
    ends = origins(motion, places, fraction)
    shown = torch.stack([seen(frame, end, kernel) for frame, end in zip((before, after), ends, strict=True)])
    nearness = 1 - fraction, fraction
    weights = [near * presence(end, *before.shape[:2]) for near, end in zip(nearness, ends, strict=True)]
    weights = torch.stack(weights)[..., None]
    weights = torch.where(weights.sum(0) > 0, weights, torch.ones_like(weights))
    return (weights * shown).sum(0) / weights.sum(0)


def better_kernel(before: Tensor, after: Tensor, at_start: Tensor, at_end: Tensor) -> str:
    """The kernel by which each frame, moved onto the other, differs less from it (mean square).

    Args:
        before: A frame (H, W, C).
        after: The next frame.
        at_start: The motion at the time of the frame before, (H, W, 2).
        at_end: The motion at the time of the frame after.
    """
    places = pixel_places(*before.shape[:2])

    ends = origins(at_end, places, 1.0)[0], origins(at_start, places, 0.0)[1]
    # What lies beyond an edge says nothing about kernels.
    shown = [is_inside(end, *before.shape[:2]) for end in ends]

    def error(kernel: str) -> float:
        pairs = zip((before, after), ends, (after, before), shown, strict=True)
        return sum(
            float((seen(frame, end, kernel) - other)[inside].square().sum()) for frame, end, other, inside in pairs
        )

    return min((BICUBIC, BILINEAR), key=error)


@dataclass(frozen=True)
class Moved:
    """Frames at any moment, by one or several motions whose pictures are averaged, the better more than the worse.

    Attributes:
        frames: The given frames, (T, H, W, C), with values in [-1, 1].
        motions: The motions.
        kernels: The kernel of each interval.
    """

    frames: Tensor
    motions: Sequence[Motion]
    kernels: Sequence[str]

    def __call__(self, moment: float, places: Tensor) -> Tensor:
        """What is at places (h, w, 2), in pixels, at a moment in intervals from 0 to T - 1; (h, w, C) in [-1, 1]."""
        number = min(int(moment), len(self.frames) - 2)
        pair, fraction, kernel = self.frames[number : number + 2], moment - number, self.kernels[number]
        found = [moved(pair[0], pair[1], motion(moment, places), fraction, kernel, places) for motion in self.motions]
        if len(found) == 1:
            return found[0].clamp(-1, 1)
        weights = self._trust(moment, number)
        # The coarse lattice covers what the frames cover.
        per_pixel = torch.tensor(weights.shape[:2]) / torch.tensor(self.frames.shape[1:3])
        at_places = seen(weights, (places + 0.5) * per_pixel - 0.5)
        return (torch.stack(found) * at_places.movedim(-1, 0)[..., None]).sum(0).clamp(-1, 1)

    def _trust(self, moment: float, number: int) -> Tensor:
        """The weight of each motion on a coarse lattice, (h, w, motions): by how well both frames agree after it."""
        height, width = self.frames.shape[1:3]
        places = places_of(height, width, (-(-height // COARSE), -(-width // COARSE)))
        costs = []
        for motion in self.motions:
            ends = origins(motion(moment, places), places, moment - number)
            difference = (seen(self.frames[number], ends[0]) - seen(self.frames[number + 1], ends[1])).abs().mean(-1)
            told = (is_inside(ends[0], height, width) & is_inside(ends[1], height, width)).to(difference)
            of_all = (difference * told).sum() / told.sum().clamp(min=1)
            cost = (_summed_around(difference * told) + PRIOR * of_all) / (_summed_around(told) + PRIOR)
            costs.append(1 / (cost + FLOOR))
        return torch.stack(costs, -1) / torch.stack(costs).sum(0)[..., None]


def _summed_around(values: Tensor) -> Tensor:
    """The sum over the window around every place of (h, w)."""
    return avg_pool2d(values[None], WINDOW, 1, WINDOW // 2)[0] * WINDOW**2


def places_of(height: int, width: int, size: Sequence[int]) -> Tensor:
    """The places, in pixels of frames of H × W, of the pixels of pictures of another size that cover the same."""
    places = pixel_places(size[0], size[1])
    return (places + 0.5) * torch.tensor([height / size[0], width / size[1]]) - 0.5
