"""An activation is a triple: the function and its first two derivatives, which is all that a jet needs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from siren_pl.jet import Activation


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


def _tanh_slope(z: Tensor) -> Tensor:
    return 1 - torch.tanh(z).square()


def _sigmoid_slope(z: Tensor) -> Tensor:
    return torch.sigmoid(z) * torch.sigmoid(-z)


TANH = Activation(torch.tanh, _tanh_slope, lambda z: -2 * torch.tanh(z) * _tanh_slope(z))
SOFTPLUS = Activation(functional.softplus, torch.sigmoid, _sigmoid_slope)
# The kink at zero carries a delta in the second derivative, which no sample ever meets: f'' is zero almost everywhere.
RELU = Activation(torch.relu, lambda z: (z > 0).to(z), torch.zeros_like)
