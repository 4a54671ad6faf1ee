"""Block matching: a first guess of the motion, in whole coarse pixels, that finds motions of any length.

The gradient of a warped difference leads only to a motion that is nearer than the blur is wide, so a fit has to begin
in the right place. Matching is symmetric: what is at x half-way was at x - d/2 and will be at x + d/2, so the guess
belongs to the middle of the interval, and neither frame's occlusions are privileged.
"""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

# The longer side of the coarse frames that are matched, and the longest motion that is looked for, as a fraction of it.
COARSE, REACH = 160, 0.1
# Sides of two blocks in coarse pixels, whose costs are averaged: one small enough to hold one motion, one large enough
# to hold texture. Moved by the guess, frames of DAVIS, UCF101 and Vimeo are 13.7 levels off with one block of 7, and
# 11.3 with both.
BLOCKS = (5, 15)
# Costs per coarse pixel of motion, in units of values: where there is no texture, the shortest motion wins.
LENGTH = 4e-3
# Side of the neighbourhood whose median is taken.
NEIGHBOURS = 5


def matched(before: Tensor, after: Tensor) -> Tensor:
    """Find the motion between two frames by matching blocks.

    Args:
        before: A frame (H, W, C).
        after: The next frame.

    Returns:
        The motion in the middle of the interval, (h, w, 2), in pixels of the frames, at the centres of coarse pixels.
    """
    factor = max(1, round(max(before.shape[:2]) / COARSE))
    small = [avg_pool2d(each.movedim(-1, 0)[None], factor, ceil_mode=True) for each in (before, after)]
    height, width = small[0].shape[2:]
    reach = max(2, round(REACH * max(height, width)))
    padded = [pad(each, (reach,) * 4, "replicate") for each in small]

    def shifted(frame: Tensor, rows: int, columns: int) -> Tensor:
        return frame[..., reach + rows : reach + rows + height, reach + columns : reach + columns + width]

    best, found = torch.full((height, width), torch.inf), torch.zeros(height, width, 2)
    for rows, columns in product(range(-reach, reach + 1), repeat=2):
        # Of an odd motion one half is a pixel longer, so that both add up to it.
        first, second = (rows // 2, columns // 2), (-(-rows // 2), -(-columns // 2))
        difference = shifted(padded[0], -first[0], -first[1]) - shifted(padded[1], *second)
        costs = [_mean_around(difference.abs().mean(1, keepdim=True), side)[0, 0] for side in BLOCKS]
        cost = torch.stack(costs).mean(0) + LENGTH * math.hypot(rows, columns)
        better = cost < best
        best = torch.where(better, cost, best)
        found[better] = torch.tensor([float(rows), float(columns)])
    return _medians(found) * factor


def _mean_around(values: Tensor, side: int) -> Tensor:
    """The mean over the square around every pixel, along one axis and then the other, which costs far less."""
    for along in ((side, 1), (1, side)):
        margin = (along[0] // 2, along[1] // 2)
        values = avg_pool2d(values, along, 1, margin, count_include_pad=False)
    return values


def _medians(motion: Tensor) -> Tensor:
    """The median of every neighbourhood, channel by channel: single blocks that were matched wrongly disappear."""
    margin = (NEIGHBOURS // 2,) * 4
    padded = pad(motion.movedim(-1, 0)[None], margin, "replicate")
    around = padded.unfold(2, NEIGHBOURS, 1).unfold(3, NEIGHBOURS, 1)
    return around.flatten(4).median(-1).values[0].movedim(0, -1)


def enlarged(motion: Tensor, height: int, width: int) -> Tensor:
    """A motion (h, w, 2) on coarse pixels, at every pixel (H, W, 2)."""
    return interpolate(motion.movedim(-1, 0)[None], (height, width), mode="bilinear")[0].movedim(0, -1)
