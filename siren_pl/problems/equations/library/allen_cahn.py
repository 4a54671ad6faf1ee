"""The Allen-Cahn equation on a circle: interfaces sharpen from a smooth start (Raissi et al. 2019, section 3.2)."""

import functools
import math

import numpy as np
import torch
from scipy.interpolate import RectBivariateSpline
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at

# Waves and steps of the reference.
POINTS, STEPS = 512, 2000
# Points of the contour on which the reference's coefficients are averaged.
CONTOUR = 32


class AllenCahn(Equation):
    """u_t = 0.0001 u_xx + 5 (u - u³), periodic in x, from x² cos πx."""

    domain = Box(t=(0, 1), x=(-1, 1), periodic=("x",))
    diffusion, reaction = 1e-4, 5.0
    lattice, effort = 128, 4000

    def interior(self, d):
        """The equation."""
        return d.u_t - self.diffusion * d.u_xx - self.reaction * (d.u - d.u**3)

    @at(t=0)
    def initial(self, d):
        """A wave in a well."""
        return d.u - d.x**2 * torch.cos(math.pi * d.x)

    def reference(self, t: Tensor, x: Tensor) -> Tensor:
        """The solution of 512 Fourier modes in 2,000 steps of fourth order."""
        return torch.from_numpy(_reference(self.diffusion, self.reaction).ev(t.numpy(), x.numpy()))


@functools.cache
def _reference(diffusion: float, reaction: float) -> RectBivariateSpline:
    """The reference as a spline, by exponential time differencing (Kassam and Trefethen 2005, section 2)."""
    x = -1 + 2 * np.arange(POINTS) / POINTS
    u = np.fft.rfft(x**2 * np.cos(math.pi * x))
    waves = math.pi * np.arange(POINTS // 2 + 1)
    h, linear = 1 / STEPS, -diffusion * waves**2 + reaction
    turn = np.exp(1j * math.pi * (np.arange(1, CONTOUR + 1) - 0.5) / CONTOUR)
    z = h * linear[:, None] + turn
    whole, half = np.exp(h * linear), np.exp(h * linear / 2)
    q = h * np.real(np.mean((np.exp(z / 2) - 1) / z, 1))
    first = h * np.real(np.mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3, 1))
    second = h * np.real(np.mean((2 + z + np.exp(z) * (z - 2)) / z**3, 1))
    third = h * np.real(np.mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3, 1))

    def cubic(spectrum: np.ndarray) -> np.ndarray:
        return -reaction * np.fft.rfft(np.fft.irfft(spectrum) ** 3)

    moments = [np.fft.irfft(u)]
    for _ in range(STEPS):
        here = cubic(u)
        a = half * u + q * here
        at_a = cubic(a)
        b = half * u + q * at_a
        at_b = cubic(b)
        c = half * a + q * (2 * at_b - here)
        u = whole * u + here * first + 2 * (at_a + at_b) * second + cubic(c) * third
        moments.append(np.fft.irfft(u))
    values = np.stack(moments)
    return RectBivariateSpline(
        np.linspace(0, 1, STEPS + 1), np.append(x, 1.0), np.concatenate([values, values[:, :1]], 1)
    )
