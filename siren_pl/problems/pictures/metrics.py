"""Metrics of pictures. Both arguments are pixels (H, W, C) in [0, 1] unless noted, and results are plain floats.

SSIM itself is in `sampled/similarity.py`; torchmetrics computes MS-SSIM, which scikit-image lacks.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from siren_pl.problems.sampled.similarity import WANG_WINDOW

Array = NDArray[np.float64]

# torchmetrics uses five scales and requires the window of 11 to fit into a sixteenth of the picture's side.
MULTISCALE_SMALLEST = 16 * WANG_WINDOW
LUMA = np.array([0.299, 0.587, 0.114])
# ITU-R BT.601 for video, in levels, as in MATLAB's rgb2ycbcr: black is level 16 and white level 235 of 255.
STUDIO_LUMA, STUDIO_BLACK, LEVELS = np.array([65.481, 128.553, 24.966]), 16.0, 255.0


def rounded(pixels: Array) -> Array:
    """Pixels rounded to the levels of an 8-bit file."""
    return np.round(pixels * 255) / 255


def luma(pixels: Array) -> Array:
    """Luma (H, W, 1) of grey or colour pixels."""
    return pixels[..., :1] if pixels.shape[-1] < len(LUMA) else (pixels[..., :3] @ LUMA)[..., None]


def studio_luma(pixels: Array) -> Array:
    """Luma Y (H, W, 1) of grey or RGB pixels in the range of video, [16, 235] / 255 (ITU-R BT.601).

    Papers on super-resolution compare this Y; `luma` is the full-range one of photographs. Grey counts as three equal
    channels.
    """
    weights = STUDIO_LUMA if pixels.shape[-1] >= len(STUDIO_LUMA) else STUDIO_LUMA.sum(keepdims=True)
    return (STUDIO_BLACK + pixels[..., : len(weights)] @ weights)[..., None] / LEVELS


def shaved_luma(pixels: Array, border: int, shape: tuple[int, ...] | None = None, first: int = 0) -> Array:
    """`studio_luma` without `border` pixels at the edges, as papers on super-resolution compare it (peak 255 levels).

    The border is usually the scale. Papers compare files, so apply `rounded` to the pixels first.

    Args:
        pixels: A picture, or some of its rows.
        border: Pixels left out at each edge; all of them if the picture is no larger.
        shape: Shape of the picture; that of `pixels` if None.
        first: Index of the first of these rows in the picture.
    """
    starts = (first, 0)
    inside = [
        slice(max(0, border - start), max(0, n - border - start))
        for n, start in zip(shape or pixels.shape[:2], starts, strict=True)
    ]
    return studio_luma(pixels[tuple(inside)])


def ms_ssim(result: Array, target: Array) -> float | None:
    """Multi-scale SSIM of Wang et al. 2003, by torchmetrics in float32; None for images smaller than 176 pixels."""
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    if min(target.shape[:2]) < MULTISCALE_SMALLEST:
        return None
    first, second = (torch.from_numpy(pixels).movedim(-1, 0)[None].float() for pixels in (result, target))
    return float(multiscale_structural_similarity_index_measure(first, second, data_range=1.0))
