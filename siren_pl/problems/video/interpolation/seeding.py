"""Block matching: a first guess of the motion, in whole coarse pixels, that finds motions of any length.

The gradient of a warped difference leads only to a motion that is nearer than the blur is wide, so a fit has to begin
in the right place. Matching is symmetric: what is at x half-way was at x - d/2 and will be at x + d/2, so the guess
belongs to the middle of the interval, and neither frame's occlusions are privileged.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

# The longer side of the coarse frames that are matched, and the longest motion, as a fraction of it, that is looked for.
COARSE, REACH = 160, 0.1
# Side of a block in coarse pixels: large enough to hold texture, small enough to hold one motion.
BLOCK = 7
# Costs per coarse pixel of motion, in units of values: among equals the shortest motion wins.
LENGTH = 2e-4


def matched(before: Tensor, after: Tensor) -> Tensor:
    """Find the motion between two frames by matching blocks.

    Args:
        before: A frame (H, W, C).
        after: The next frame.

    Returns:
        The motion in the middle of the interval, (h, w, 2), in pixels of the frames, at the centres of coarse pixels.
    """
    height, width, _ = before.shape
    factor = max(1, round(max(height, width) / COARSE))
    small = [avg_pool2d(each.movedim(-1, 0)[None], factor, ceil_mode=True) for each in (before, after)]
    reach = max(2, round(REACH * max(small[0].shape[2:])))
    padded = [pad(each, (reach,) * 4, "replicate") for each in small]
    shape, best, found = small[0].shape[2:], None, torch.zeros(*small[0].shape[2:], 2)
    for rows in range(-reach, reach + 1):
        for columns in range(-reach, reach + 1):
            # Half of an odd motion is rounded down before and up after, so that both add up to it.
            pieces = [
                frame[..., reach + by[0] : reach + by[0] + shape[0], reach + by[1] : reach + by[1] + shape[1]]
                for frame, by in zip(padded, ((-(rows // 2), -(columns // 2)), (-(-rows // 2), -(-columns // 2))))
            ]
            difference = (pieces[0] - pieces[1]).abs().mean(1, keepdim=True)
            cost = avg_pool2d(difference, BLOCK, 1, BLOCK // 2, count_include_pad=False)[0, 0]
            cost = cost + LENGTH * (rows**2 + columns**2) ** 0.5
            better = torch.ones_like(cost, dtype=torch.bool) if best is None else cost < best
            best = cost if best is None else torch.where(better, cost, best)
            found[better] = torch.tensor([float(rows), float(columns)])
    return _medians(found) * factor


def _medians(motion: Tensor, side: int = 5) -> Tensor:
    """The median of every neighbourhood, channel by channel: single blocks that were matched wrongly disappear."""
    around = pad(motion.movedim(-1, 0)[None], (side // 2,) * 4, "replicate").unfold(2, side, 1).unfold(3, side, 1)
    return around.flatten(4).median(-1).values[0].movedim(0, -1)


def enlarged(motion: Tensor, height: int, width: int) -> Tensor:
    """A motion (h, w, 2) on coarse pixels, at every pixel (H, W, 2)."""
    return interpolate(motion.movedim(-1, 0)[None], (height, width), mode="bilinear")[0].movedim(0, -1)
