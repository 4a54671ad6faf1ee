"""Kernels of downsampling: the weight of each place of the fine field in a coarse sample.

A kernel is a function of the distance from the coarse sample's centre, in coarse samples. Because it is stretched over
the coarse grid, it removes what the coarse grid cannot represent (antialiasing), as Pillow's and MATLAB's resizing do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from siren_pl.field.activations import lanczos

# Keys 1981, equation 8: the cubic that reproduces quadratics; Pillow, MATLAB and torch (antialiased) use it.
CUBIC = -0.5
LANCZOS_LOBES = 3
# The Gaussian blur of an ideal camera whose sensor just resolves the coarse grid, and the distance of truncation.
GAUSSIAN_SIGMA, GAUSSIAN_CUT = 0.5, 4.0


@dataclass(frozen=True)
class Kernel:
    """A kernel of downsampling.

    Attributes:
        name: Its name in configurations.
        weigh: Maps distances (…, m, n) in coarse samples to unnormalised weights of n places in each of m samples.
        radius: Distance beyond which weights are zero.
    """

    name: str
    weigh: Callable[[Tensor], Tensor]
    radius: float

    def weights(self, positions: Tensor, centres: Tensor) -> Tensor:
        """Weights (…, m, n) of n positions (…, n) for m coarse samples (…, m), in coarse samples; rows sum to 1."""
        raw = self.weigh((positions[..., None, :] - centres[..., :, None]).abs())
        return raw / raw.sum(-1, keepdim=True)


def _cubic(x: Tensor) -> Tensor:
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * CUBIC - 4 * CUBIC
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))  # noqa: PLR2004 - its support


def _triangle(x: Tensor) -> Tensor:
    return (1 - x).clamp(min=0)


def _box(x: Tensor) -> Tensor:
    # A place on the border between two samples has half its weight in each.
    return torch.where((x - 0.5).abs() < 1e-6, 0.5, (x < 0.5).to(x))  # noqa: PLR2004 - half a sample


def gaussian(sigma: float = GAUSSIAN_SIGMA) -> Kernel:
    """Make a Gaussian of standard deviation `sigma` in coarse samples, truncated at a half-integer number of them.

    If it is far narrower than the distance between places, the nearest place has all the weight.
    """
    radius = math.ceil(GAUSSIAN_CUT * sigma * 2) / 2

    def weigh(x: Tensor) -> Tensor:
        nearest = x.amin(-1, keepdim=True)
        # Weights are relative to that of the nearest place, which could underflow; rows are normalised anyway.
        exponents = (x - nearest) / sigma * ((x + nearest) / sigma)
        return torch.where((x < radius) | (x == nearest), torch.exp(-0.5 * exponents), 0)

    return Kernel("gaussian", weigh, radius)


KERNELS: dict[str, Kernel] = {
    "bicubic": Kernel("bicubic", _cubic, 2.0),
    "bilinear": Kernel("bilinear", _triangle, 1.0),
    "area": Kernel("area", _box, 0.5),
    "lanczos": Kernel("lanczos", lanczos(LANCZOS_LOBES).f, float(LANCZOS_LOBES)),
    "gaussian": gaussian(),
}
