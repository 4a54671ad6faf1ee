"""What of two frames must agree along a path: blurred colours, and their gradients, which survive a change of light.

The widest blur sees motions of many pixels, the narrowest places edges to a tenth of a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

# Standard deviations in pixels, coarse to fine. Below 0.6 the noise of single pixels counts as motion.
SIGMAS = (6.0, 3.0, 1.5, 0.8)
# A Gaussian is cut off at this many standard deviations, where it has fallen to 1 %.
CUT = 3.0
# A slope counts as much as the colours at both ends of one blur's width, times this.
SLOPES = 1.0


def features(frames: Tensor, sigmas: Sequence[float] = SIGMAS) -> Tensor:
    """Colours and slopes of frames at every width of blur.

    Args:
        frames: Frames (T, H, W, C).
        sigmas: Standard deviations of the Gaussians, in pixels.

    Returns:
        For each blur the C colours, then their mean's slopes along rows and columns, times the blur's width, so that
        they are in units of values: (S, C + 2, T, H, W).
    """
    pictures = frames.movedim(-1, 1)
    return torch.stack([_with_slopes(blurred(pictures, sigma), sigma).movedim(1, 0) for sigma in sigmas])


def blurred(pictures: Tensor, sigma: float) -> Tensor:
    """Pictures (T, C, H, W) after a Gaussian; beyond the edges they go on as they end."""
    radius = max(1, round(CUT * sigma))
    kernel = torch.exp(-torch.arange(-radius, radius + 1).to(pictures).square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    count = pictures.shape[1]
    for size, margin in (((-1, 1), (0, 0, radius, radius)), ((1, -1), (radius, radius, 0, 0))):
        row = kernel.view(1, 1, *size).expand(count, 1, *kernel.view(size).shape)
        pictures = conv2d(pad(pictures, margin, "replicate"), row, groups=count)
    return pictures


def _with_slopes(pictures: Tensor, sigma: float) -> Tensor:
    """Pictures (T, C, H, W) and central differences of their mean over the channels, (T, C + 2, H, W)."""
    around = pad(pictures.mean(1, keepdim=True), (1, 1, 1, 1), "replicate")
    rows = (around[..., 2:, 1:-1] - around[..., :-2, 1:-1]) / 2
    columns = (around[..., 1:-1, 2:] - around[..., 1:-1, :-2]) / 2
    return torch.cat([pictures, SLOPES * sigma * rows, SLOPES * sigma * columns], 1)
