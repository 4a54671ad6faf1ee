"""Warping: what pictures show at places that a motion leads to.

A motion v is in pixels per interval between two frames, rows first. What is at x at the fraction τ of an interval was
at x - τ v in the frame before and will be at x + (1 - τ) v in the frame after: paths are straight within an interval.
Places are in pixels, with pixel i at i, and pictures go on beyond their edges as they end there.

Letters: N points, H × W pixels, C channels, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

BILINEAR, BICUBIC = "bilinear", "bicubic"


def pixel_places(height: int, width: int) -> Tensor:
    """The places of all pixels, (H, W, 2), float32.

    >>> pixel_places(2, 2).tolist()
    [[[0.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]]]
    """
    rows, columns = torch.arange(height).float(), torch.arange(width).float()
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)


def seen(picture: Tensor, places: Tensor, kernel: str = BILINEAR) -> Tensor:
    """What a picture (H, W, C) shows at places (h, w, 2), as (h, w, C)."""
    on_unit = _on_unit(places, picture.shape[:2])
    found = grid_sample(picture.movedim(-1, 0)[None], on_unit[None], kernel, "border", align_corners=False)
    return found[0].movedim(0, -1)


def seen_at_points(frames: Tensor, number: Tensor, places: Tensor) -> Tensor:
    """What frames (C, T, H, W) show at N places, each in a frame of its own, as (N, C); bilinear, with gradients.

    Args:
        frames: The frames.
        number: The number of each place's frame, (N,).
        places: The places, (N, 2).
    """
    depth = (2 * number.to(places) + 1) / frames.shape[1] - 1
    on_unit = torch.cat([_on_unit(places, frames.shape[2:]), depth[:, None]], 1)
    return grid_sample(frames[None], on_unit[None, :, None, None], BILINEAR, "border", align_corners=False)[
        0, :, :, 0, 0
    ].T


def is_inside(places: Tensor, height: int, width: int) -> Tensor:
    """Whether places (..., 2) lie in a picture, edges included."""
    most = torch.tensor([height - 1, width - 1]).to(places)
    return ((places >= 0) & (places <= most)).all(-1)


def presence(places: Tensor, height: int, width: int) -> Tensor:
    """How far places (..., 2) lie in a picture: 1 inside, falling to 0 half a pixel beyond its outer pixels' edges."""
    most = torch.tensor([height - 1, width - 1]).to(places)
    beyond = torch.maximum(-places, places - most).amax(-1)
    return (1 - beyond).clamp(0, 1)


def origins(motion: Tensor, places: Tensor, fraction: Tensor | float) -> tuple[Tensor, Tensor]:
    """Where what is at `places` at a fraction of the interval is in the frame before and in the frame after."""
    return places - fraction * motion, places + (1 - fraction) * motion


def _on_unit(places: Tensor, shape: torch.Size) -> Tensor:
    """Places in pixels as `grid_sample` wants them: column first, the edges of the picture at -1 and 1."""
    size = torch.tensor([shape[0], shape[1]]).to(places)
    return ((2 * places + 1) / size - 1).flip(-1)
