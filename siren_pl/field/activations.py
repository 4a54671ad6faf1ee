"""Activations: each is a triple of a function and its first two derivatives, which is all that a jet needs."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from siren_pl.field.jet import Activation


def sine(omega_0: float) -> Activation:
    """The sine of SIREN, `sin(omega_0 z)` (Sitzmann et al. 2020, arXiv 2006.09661, section 3.2).

    Args:
        omega_0: Angular frequency, a positive number; 30 in the paper.
    """
    return Activation(
        lambda z: torch.sin(omega_0 * z),
        lambda z: omega_0 * torch.cos(omega_0 * z),
        lambda z: -(omega_0**2) * torch.sin(omega_0 * z),
    )


def variable_sine(omega_0: float) -> Activation:
    """FINER's `sin(omega_0 (|z| + 1) z)`, whose frequency grows with |z| (Liu et al., CVPR 2024, equation 6).

    Differentiated as written; the authors' code treats |z| + 1 as a constant in the backward pass.
    """

    def phase(z: Tensor) -> Tensor:
        return omega_0 * (z.abs() + 1) * z

    def rate(z: Tensor) -> Tensor:
        return omega_0 * (2 * z.abs() + 1)

    return Activation(
        lambda z: torch.sin(phase(z)),
        lambda z: rate(z) * torch.cos(phase(z)),
        lambda z: 2 * omega_0 * torch.sign(z) * torch.cos(phase(z)) - rate(z).square() * torch.sin(phase(z)),
    )


def bell(scale: float, tilt: float = 0.0) -> Activation:
    """`exp(-(scale z)² - tilt z)`: a Gaussian, tilted for the imaginary half of a complex Gabor wavelet."""

    def value(z: Tensor) -> Tensor:
        return torch.exp(-((scale * z) ** 2) - tilt * z)

    def slope(z: Tensor) -> Tensor:
        return -2 * scale**2 * z - tilt

    return Activation(
        value,
        lambda z: slope(z) * value(z),
        lambda z: (slope(z).square() - 2 * scale**2) * value(z),
    )


def gaussian(deviation: float) -> Activation:
    """`exp(-z² / 2 deviation²)` (Ramasinghe and Lucey, ECCV 2022, table 1)."""
    return bell(1 / (math.sqrt(2) * deviation))


def gabor(omega_0: float, scale: float, phase: float = math.pi / 2) -> Activation:
    """`sin(omega_0 z + phase) exp(-(scale z)²)`, by default with the cosine of WIRE's real Gabor wavelet.

    Saragadam et al., CVPR 2023, equation 4.
    """
    window = bell(scale)

    def wave(z: Tensor) -> Tensor:
        return torch.sin(omega_0 * z + phase)

    def wave_slope(z: Tensor) -> Tensor:
        return omega_0 * torch.cos(omega_0 * z + phase)

    return Activation(
        lambda z: wave(z) * window.f(z),
        lambda z: wave_slope(z) * window.f(z) + wave(z) * window.df(z),
        lambda z: wave(z) * (window.ddf(z) - omega_0**2 * window.f(z)) + 2 * wave_slope(z) * window.df(z),
    )


def _tanh_slope(z: Tensor) -> Tensor:
    return 1 - torch.tanh(z).square()


def _sigmoid_slope(z: Tensor) -> Tensor:
    return torch.sigmoid(z) * torch.sigmoid(-z)


def _smooth_step(z: Tensor) -> Tensor:
    t = z.clamp(0, 1)
    return t**3 * (t * (6 * t - 15) + 10)


def _smooth_step_slope(z: Tensor) -> Tensor:
    t = z.clamp(0, 1)
    return 30 * (t * (1 - t)).square()


def _smooth_step_curvature(z: Tensor) -> Tensor:
    t = z.clamp(0, 1)
    return 60 * t * (1 - t) * (1 - 2 * t)


# Nearer to zero than this, the quotients below lose digits, and their power series gain them.
_NEAR = 0.25
# (π / 4)^14 / 15! < 3e-14: with these many terms the series are exact to the last digits of float64.
_TERMS = 7


def _quotient(z: Tensor, series: Callable[[int], float], far: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum a power series in z² near zero, and evaluate the closed form elsewhere."""
    near, square = z.abs() < _NEAR, z.square()
    total = torch.zeros_like(z)
    for n in reversed(range(_TERMS)):
        total = total * square + series(n)
    return torch.where(near, total, far(torch.where(near, torch.ones_like(z), z)))


def _sinc_term(n: int) -> float:
    """The factor of z^2n in sin(πz) / πz."""
    return (-1) ** n * math.pi ** (2 * n) / math.factorial(2 * n + 1)


def _sinc_slope(z: Tensor) -> Tensor:
    """The derivative, (cos πz - sinc z) / z, divided by z near zero."""
    return z * _quotient(
        z,
        lambda n: (2 * n + 2) * _sinc_term(n + 1),
        lambda far: (torch.cos(math.pi * far) - torch.sinc(far)) / far.square(),
    )


def _sinc_curvature(z: Tensor) -> Tensor:
    """The second derivative, -π² sinc z - 2 sinc' z / z."""
    return _quotient(
        z,
        lambda n: (2 * n + 2) * (2 * n + 1) * _sinc_term(n + 1),
        lambda far: -(math.pi**2) * torch.sinc(far) - 2 * _sinc_slope(far) / far,
    )


SINC = Activation(torch.sinc, _sinc_slope, _sinc_curvature)


def lanczos(radius: int) -> Activation:
    """`sinc(z) sinc(z / radius)` for |z| < radius, zero elsewhere: a cardinal sine with an end (Duchon 1979)."""

    def within(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda z: torch.where(z.abs() < radius, f(z), torch.zeros_like(z))

    def wide(f: Callable[[Tensor], Tensor], order: int) -> Callable[[Tensor], Tensor]:
        return lambda z: f(z / radius) / radius**order

    window, slope, curvature = wide(torch.sinc, 0), wide(_sinc_slope, 1), wide(_sinc_curvature, 2)
    return Activation(
        within(lambda z: torch.sinc(z) * window(z)),
        within(lambda z: _sinc_slope(z) * window(z) + torch.sinc(z) * slope(z)),
        within(lambda z: _sinc_curvature(z) * window(z) + 2 * _sinc_slope(z) * slope(z) + torch.sinc(z) * curvature(z)),
    )


LANCZOS = lanczos(3)
TANH = Activation(torch.tanh, _tanh_slope, lambda z: -2 * torch.tanh(z) * _tanh_slope(z))
SOFTPLUS = Activation(functional.softplus, torch.sigmoid, _sigmoid_slope)
# f'' is zero almost everywhere: no sample ever meets the delta at the kink.
RELU = Activation(torch.relu, lambda z: (z > 0).to(z), torch.zeros_like)
# 6t⁵ - 15t⁴ + 10t³ between 0 and 1, constant outside: a step with two continuous derivatives.
SMOOTH_STEP = Activation(_smooth_step, _smooth_step_slope, _smooth_step_curvature)
EXPONENTIAL = Activation(torch.exp, torch.exp, torch.exp)
