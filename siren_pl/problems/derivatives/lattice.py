"""Lattices: regular grids that are shifted at random at every step, and residuals converted to errors in values.

Two facts make derivative supervision hard; this module has a remedy for each.

1. Derivatives at pixel centres do not determine a field: a network can oscillate such that the derivative of the
   oscillation vanishes at every centre. So each step supervises between the pixels: it evaluates the cosine interpolant
   of the data on a lattice shifted by a random fraction of a cell. This adds no information, since the samples
   determine their interpolant.
2. The squared residual of a gradient gives little weight to low frequencies (a factor |ω|², for a Laplacian |ω|⁴), in
   which the error of the picture lies. On a lattice a cosine transform can integrate the residual, which gives the
   potential e whose derivatives are the residual. Its square is the squared error in values that the residual implies,
   a Sobolev norm of negative order; minimising it amounts to preconditioning from the left.

Letters: n samples and m lattice points along an axis, D axes, C channels; ω radians per pixel.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor

from siren_pl.problems.sampled.grid import Shape, transform
from siren_pl.training.term import Points


def lattice_shape(shape: Shape, points: int | None) -> Shape:
    """Lattice points along each axis: about `points` in all, equally dense along all axes; None for one per sample."""
    total = math.prod(shape)
    if points is None or points >= total:
        return shape
    density = (points / total) ** (1 / len(shape))
    return tuple(max(1, round(n * density)) for n in shape)


def cosines(positions: Tensor, n: int) -> Tensor:
    """Orthonormal cosines (m, n) of n samples at positions in pixels; the inverse DCT-II at the samples themselves."""
    k = torch.arange(n, device=positions.device, dtype=positions.dtype)
    norm = torch.full_like(k, math.sqrt(2 / n))
    norm[0] = math.sqrt(1 / n)
    return torch.cos(math.pi / n * positions[:, None] * k) * norm


def sines(positions: Tensor, n: int) -> Tensor:
    """Orthonormal sines (m, n) of frequencies k = 0 … n - 1 at positions in pixels (k = 0 is zero)."""
    k = torch.arange(n, device=positions.device, dtype=positions.dtype)
    return torch.sin(math.pi / n * positions[:, None] * k) * math.sqrt(2 / n)


def spectrum(values: Tensor, sine_axis: int | None = None) -> Tensor:
    """Orthonormal spectrum of samples (n_1, …, n_D, C): cosines along every axis, sines along `sine_axis`."""
    bases = [
        (sines if axis == sine_axis else cosines)(torch.arange(n).to(values) + 0.5, n).T
        for axis, n in enumerate(values.shape[:-1])
    ]
    return transform(values, bases)


class Lattice(NamedTuple):
    """The lattice of one step over a grid of samples.

    Attributes:
        shape: Number of lattice points along each axis.
        positions: Their positions in pixels, with sample i at i + 1/2; one tensor per axis.
    """

    shape: Shape
    positions: list[Tensor]

    def coords(self, samples: Shape, unit: Tensor) -> Tensor:
        """Coordinates (M, D); `unit` holds the pixels per coordinate unit along each axis."""
        axes = [(p - n / 2) / u for p, n, u in zip(self.positions, samples, unit, strict=True)]
        return torch.stack([axis.reshape(-1) for axis in torch.meshgrid(*axes, indexing="ij")], dim=-1)

    def interpolate(self, spectrum: Tensor, sine_axis: int | None = None) -> Tensor:
        """Evaluate the interpolant of a spectrum (n_1, …, n_D, C) on the lattice: (m_1, …, m_D, C)."""
        bases = [
            (sines if axis == sine_axis else cosines)(p.to(spectrum), n)
            for axis, (p, n) in enumerate(zip(self.positions, spectrum.shape[:-1], strict=True))
        ]
        return transform(spectrum, bases)


def shifted(samples: Shape, points: int | None, generator: torch.Generator) -> Lattice:
    """Make a lattice of about `points` points (None: one per sample), shifted by a random fraction of its cell."""
    shape = lattice_shape(samples, points)
    # The type is always float32, so that fits in every precision use the same lattices.
    shift = torch.rand(len(samples), generator=generator, device=generator.device, dtype=torch.float32)
    cells = zip(samples, shape, shift, strict=True)
    return Lattice(shape, [(torch.arange(m, device=shift.device) + s) * (n / m) for n, m, s in cells])


@functools.lru_cache(maxsize=8)
def integrator(
    samples: Shape, lattice: Shape, device: torch.device, dtype: torch.dtype, weights: tuple[float, ...] | None = None
) -> Points:
    """Make the named tensors that `potential_of_*` need: transforms along each axis, frequencies ω, and 1 / |ω|².

    Args:
        samples: Number of samples along each axis.
        lattice: Number of lattice points along each axis.
        device: Device of the tensors.
        dtype: Type of the tensors.
        weights: Factor of each axis's frequencies if the axes have different spacings.
    """
    tensors = {}
    omegas = []
    for axis, (n, m) in enumerate(zip(samples, lattice, strict=True)):
        centres = torch.arange(m, device=device, dtype=dtype) + 0.5
        tensors[f"cosines_{axis}"] = cosines(centres, m).T.contiguous()
        tensors[f"sines_{axis}"] = sines(centres, m).T.contiguous()
        omegas.append((weights[axis] if weights else 1.0) * math.pi * torch.arange(m, device=device, dtype=dtype) / n)
    omega = torch.stack(torch.meshgrid(*omegas, indexing="ij"))[..., None]  # (D, m_1, …, m_D, 1)
    power = omega.square().sum(0)
    # Derivatives do not determine the mean, at ω = 0.
    inverse = torch.where(power > 0, 1 / torch.where(power > 0, power, 1), 0)
    return tensors | {"omega": omega, "inverse": inverse}


def potential_of_gradient(residual: Tensor, tools: Points) -> Tensor:
    """The spectrum of the least-squares potential of a residual (D, m_1, …, m_D, C) given per pixel."""
    total = torch.zeros_like(residual[0])
    for axis, component in enumerate(residual.unbind(0)):
        bases = [tools[f"{'sines' if i == axis else 'cosines'}_{i}"] for i in range(len(residual))]
        total = total - tools["omega"][axis] * transform(component, bases)
    return total * tools["inverse"]


def potential_of_laplacian(residual: Tensor, tools: Points) -> Tensor:
    """The spectrum of the potential, without flux over the edge, of a residual (m_1, …, m_D, C) given per pixel²."""
    bases = [tools[f"cosines_{i}"] for i in range(residual.dim() - 1)]
    return -transform(residual, bases) * tools["inverse"]
