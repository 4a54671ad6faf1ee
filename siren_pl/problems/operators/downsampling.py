"""Downsampling: each sample of a smaller picture is a weighted mean of the field around it.

On a grid of fine samples the map is a matrix along each axis, whose rows sum to one. At its border the picture is
continued by reflection, as in MATLAB's imresize (Pillow truncates the kernel there). Both pictures cover the same area,
so a coarse sample is n / m fine ones wide, as in Pillow, torch and imresize(A, [m_1 m_2]). imresize(A, 1/scale) makes
it `scale` wide instead, which is the same if n is a multiple of the scale; otherwise its last sample extends over the
edge. The same kernel can weigh a field at any places between the samples, and fields are trained that way
(`siren_pl.problems.pictures.enlargement`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.operators.kernels import KERNELS, Kernel, gaussian
from siren_pl.problems.sampled.grid import transform
from siren_pl.problems.sampled.observations.base import Observation, Shape, mismatch
from siren_pl.problems.sampled.observations.noise import NOISES, Noise

# In samples: far more than the rounding error of a size times a scale, and far less than one.
ROUNDING = 1e-6
# How many times finer than the data a field's frequencies may be. On butterfly at scale 4, a factor of 1.6 gains 2.3 dB
# over bicubic and a factor of 3.2 gains 2.8 dB, both with the same penalty against ringing.
MOST_DETAIL = 4.0
# Entries of the matrix of an axis: 2 GB, and as much again while it is made. A side of 32,768 pixels at scale 4 has as
# many.
MOST_ENTRIES = 1 << 28


class Downsampling(Observation):
    """A picture `scale` times smaller along each axis.

    Args:
        scale: How many times smaller the picture becomes, a real number of at least 1.
        kernel: The weights of the mean.
    """

    def __init__(self, scale: float, kernel: Kernel = KERNELS["bicubic"]) -> None:
        self.scale, self.kernel, self.option = scale, kernel, f"task.scale={scale:g}"
        if not scale >= 1:
            raise UserError(f"task.scale={scale} must be a number from 1: how many times larger the picture becomes.")

    def coarse(self, shape: Shape) -> Shape:
        """The shape of the smaller picture, rounded up as in MATLAB's imresize(A, 1/scale)."""
        return tuple(max(1, math.ceil(n / self.scale - ROUNDING)) for n in shape)

    def fine(self, coarse: Shape) -> Shape:
        """The shape of the unknown picture: the largest whose smaller picture is not larger than `coarse`."""
        return tuple(max(1, math.floor(m * self.scale + ROUNDING)) for m in coarse)

    @override
    def require_pair(self, measured: Shape, truth: Shape) -> None:
        """Refuse a truth whose smaller picture would not have the measured size.

        Raises:
            UserError: The sizes do not match; the message names both.
        """
        if self.coarse(truth) != measured:
            small = " × ".join(map(str, self.coarse(truth)))
            raise mismatch(measured, truth, f"{self.option} makes {small} of the reference")

    def matrix(self, fine: int, coarse: int) -> Tensor:
        """The map along one axis (coarse, fine), float64.

        Raises:
            UserError: It would fill memory, as on the one long axis of a sound.
        """
        if fine * coarse > MOST_ENTRIES:
            raise UserError(
                f"{self.option} maps {fine:,} samples of an axis to {coarse:,} by {fine * coarse:,} numbers; "
                f"the limit is {MOST_ENTRIES:,}: choose a smaller or shorter signal."
            )
        per_coarse = fine / coarse
        centres = torch.arange(coarse, dtype=torch.float64) + 0.5
        reach = math.ceil(self.kernel.radius * per_coarse)
        cells = torch.arange(-reach, fine + reach)
        weights = self.kernel.weights((cells.double() + 0.5) / per_coarse, centres)
        return torch.zeros(coarse, fine, dtype=torch.float64).index_add_(1, reflected(cells, fine), weights)

    def _matrices(self, shape: Shape) -> list[Tensor]:
        return [self.matrix(n, m) for n, m in zip(shape, self.coarse(shape), strict=True)]

    @override
    def apply(self, values: Tensor) -> Tensor:
        """Compute the smaller picture (m_1, …, m_D, C) in double precision."""
        return transform(values.double(), self._matrices(tuple(values.shape[:-1]))).to(values)

    @override
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        return transform(data.double(), [matrix.T for matrix in self._matrices(shape)]).to(data)

    def observed(self, shape: Shape) -> Tensor:
        """Mark no sample as directly measured, unless the scale is 1 and the kernel interpolates the samples."""
        return torch.zeros((), dtype=torch.bool).expand(shape)

    def count(self, shape: Shape) -> int:
        """The number of samples of the smaller picture."""
        return math.prod(self.coarse(shape))

    def density(self, shape: Shape) -> float:
        """The number of samples along the longest axis of the smaller picture."""
        return float(max(self.coarse(shape)))

    def resolution(self, shape: Shape) -> float:
        """That of the fine picture, at most `MOST_DETAIL` times that of the data: edges are sharper than the data."""
        return self.density(shape) * min(self.scale, MOST_DETAIL)

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """Show each coarse sample as a block."""
        found = data
        for axis, (n, m) in enumerate(zip(shape, data.shape[:-1], strict=True)):
            rows = ((torch.arange(n) + 0.5) * m / n).long().clamp(max=m - 1)
            found = found.index_select(axis, rows)
        return found


def reflected(cells: Tensor, n: int) -> Tensor:
    """Map sample numbers beyond a grid of n into it by reflection: -1 to 0, n to n - 1."""
    folded = cells.remainder(2 * n)
    return torch.where(folded < n, folded, 2 * n - 1 - folded)


def reflected_places(places: Tensor, length: int) -> Tensor:
    """Map places beyond the domain [0, length] into it by reflection at both ends."""
    folded = places.remainder(2 * length)
    return torch.where(folded < length, folded, 2 * length - folded)


def downsampling(
    scale: float,
    kernel: str = "bicubic",
    blur: float | None = None,
    noise: str = "gaussian",
    sigma: float = 0.0,
    seed: int = 0,
) -> Downsampling:
    """Make an observation by downsampling, optionally with noise.

    Args:
        scale: How many times smaller the picture becomes, a real number of at least 1.
        kernel: bicubic, bilinear, area, lanczos or gaussian, each stretched over the coarse grid.
        blur: Standard deviation of the gaussian kernel in coarse samples; None for 0.5.
        noise: gaussian, poisson or salt_and_pepper.
        sigma: Strength of the noise, in pixels of [0, 1]; 0 for none.
        seed: Seeds the noise.

    Raises:
        UserError: An option is out of its range.
    """
    clean = Downsampling(scale, gaussian(blur) if kernel == "gaussian" and blur else KERNELS[kernel])
    return clean.under(Noise(NOISES[noise], sigma, seed)) if sigma else clean
