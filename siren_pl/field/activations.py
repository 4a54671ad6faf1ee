"""Activations: each is a triple of a function and its first two derivatives, which is all that a jet needs."""

from __future__ import annotations

import math

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


TANH = Activation(torch.tanh, _tanh_slope, lambda z: -2 * torch.tanh(z) * _tanh_slope(z))
SOFTPLUS = Activation(functional.softplus, torch.sigmoid, _sigmoid_slope)
# f'' is zero almost everywhere: no sample ever meets the delta at the kink.
RELU = Activation(torch.relu, lambda z: (z > 0).to(z), torch.zeros_like)
# 6t⁵ - 15t⁴ + 10t³ between 0 and 1, constant outside: a step with two continuous derivatives.
SMOOTH_STEP = Activation(_smooth_step, _smooth_step_slope, _smooth_step_curvature)
EXPONENTIAL = Activation(torch.exp, torch.exp, torch.exp)
