"""Dense inverse search: patches that descend to where they match, averaged and then smoothed, from coarse to fine.

Kroeger et al. 2016, "Fast optical flow using dense inverse search" (arXiv 1603.03590). A patch of the first picture is
moved over the second by Gauss and Newton's steps, whose matrix is that of the patch's own slopes and is computed once
(section 2.1). Before it descends, a patch tries what its neighbours have found, as in PatchMatch. All patches of a
level move at the same time.

Letters: N patches, P pixels of a patch, H × W pixels.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, fold, pad, unfold

from siren_pl.problems.video.interpolation.refinement import refined
from siren_pl.problems.video.interpolation.warping import pixel_places, seen

# Side of a patch, and the distance of two patches, in pixels, as in the paper's finer settings.
PATCH, STRIDE = 8, 4
# The coarsest level's longer side has at least this many pixels: four patches.
COARSEST = 32
# Rounds of asking neighbours and descending, and steps of a descent.
ROUNDS, STEPS = 3, 8
# The neighbours asked: patches at these steps of rows and columns.
NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))
# Added to the matrix of a patch's slopes, in levels squared: a patch of one colour stays where it is.
DAMPING = 1.0
# Levels of grey; the methods' constants are for pictures of bytes.
LEVELS = 255.0


def inverse_search(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Find where each pixel of a picture is in the next one.

    Args:
        before: A picture (H, W) in [0, 1], at least 16 pixels along each side.
        after: The next one.

    Returns:
        The flow (2, H, W), rows first, in pixels.
    """
    pyramids = [_pyramid(torch.from_numpy(each.copy()) * LEVELS) for each in (before, after)]
    flow = torch.zeros(*pyramids[0][-1].shape, 2)
    for first, second in zip(*map(reversed, pyramids), strict=True):
        flow = refined(_searched(first, second, _enlarged(flow, first.shape)), first, second)
    return flow.movedim(-1, 0).numpy()


def _pyramid(picture: Tensor) -> list[Tensor]:
    """The picture (H, W) and halves of it, down to the coarsest."""
    levels = [picture]
    while max(levels[-1].shape) >= 2 * COARSEST and min(levels[-1].shape) >= 2 * PATCH:
        levels.append(avg_pool2d(levels[-1][None, None], 2, ceil_mode=True, count_include_pad=False)[0, 0])
    return levels


def _enlarged(flow: Tensor, shape: torch.Size) -> Tensor:
    """A coarser level's flow at the pixels of a level of `shape`, in its pixels."""
    if flow.shape[:2] == shape:
        return flow
    places = (pixel_places(*shape) + 0.5) / 2 - 0.5
    return 2 * seen(flow, places)


def _searched(first: Tensor, second: Tensor, flow: Tensor) -> Tensor:
    """The flow (H, W, 2) by patches that begin from a flow and descend."""
    height, width = first.shape
    rows, columns = (-(-(side - PATCH) // STRIDE) * STRIDE + PATCH for side in first.shape)
    margin = (0, columns - width, 0, rows - height)
    extended = pad(first[None, None], margin, "replicate")
    slopes = torch.stack(torch.gradient(extended[0, 0]))
    patches = _patches(extended[0])  # (N, P)
    patches = patches - patches.mean(1, keepdim=True)
    steep = torch.stack([_patches(each[None]) for each in slopes], -1)  # (N, P, 2)
    steep = steep - steep.mean(1, keepdim=True)
    matrix = torch.einsum("npi,npj->nij", steep, steep) + DAMPING * torch.eye(2)
    downhill = torch.linalg.solve(matrix, steep.transpose(1, 2))  # (N, 2, P)
    places = torch.stack([_patches(each[None]) for each in pixel_places(rows, columns).unbind(-1)], -1)
    grid = (rows - PATCH) // STRIDE + 1, (columns - PATCH) // STRIDE + 1

    def compared(motion: Tensor) -> tuple[Tensor, Tensor]:
        """Differences (N, P) of the patches from where a motion (N, 2) leads, and their sums of squares."""
        there = seen(second[..., None], places + motion[:, None])[..., 0]
        difference = there - there.mean(1, keepdim=True) - patches
        return difference, difference.square().sum(1)

    begin = pad(flow.movedim(-1, 0)[None], margin, "replicate")[0]
    motion = torch.stack([_patches(each[None]).mean(1) for each in begin], -1)  # (N, 2)
    start = motion
    difference, cost = compared(motion)
    for _ in range(ROUNDS):
        for step in NEIGHBOURS:
            asked = torch.roll(motion.reshape(*grid, 2), step, (0, 1)).reshape(-1, 2)
            motion, difference, cost = _better((motion, difference, cost), (asked, *compared(asked)))
        trial, change = motion, difference
        for _ in range(STEPS):
            trial = trial - torch.einsum("nip,np->ni", downhill, change)
            # A patch that runs farther than its own side from where its level began has lost its match.
            lost = (trial - start).abs().amax(1, keepdim=True) > 2 * PATCH
            trial = torch.where(lost, motion, trial)
            change, found = compared(trial)
            motion, difference, cost = _better((motion, difference, cost), (trial, change, found))
    return _averaged(motion, difference, (rows, columns))[:height, :width]


def _better(one: tuple[Tensor, Tensor, Tensor], other: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """For each patch the motion, the difference and the cost of the one that matches better."""
    wins = other[2] < one[2]
    return (
        torch.where(wins[:, None], other[0], one[0]),
        torch.where(wins[:, None], other[1], one[1]),
        torch.where(wins, other[2], one[2]),
    )


def _patches(picture: Tensor) -> Tensor:
    """All patches (N, P) of a picture (1, H, W)."""
    return unfold(picture[None], PATCH, stride=STRIDE)[0].T


def _averaged(motion: Tensor, difference: Tensor, shape: tuple[int, int]) -> Tensor:
    """The mean (H, W, 2) of the patches over each pixel, weighted by how well they match there (equation 3)."""
    weights = 1 / difference.abs().clamp(min=1)
    columns = torch.stack([weights * motion[:, :1], weights * motion[:, 1:], weights])  # (3, N, P)
    total = fold(columns.transpose(1, 2), shape, PATCH, stride=STRIDE)[:, 0]
    return (total[:2] / total[2]).movedim(0, -1)
