"""A field that is a sum of products of one-dimensional functions, each of which is a cosine series.

f_c(x) = Σ_r w_cr Π_d u_dr(x_d) with u_dr(x) = Σ_k a_drk cos(π k (x + 1) / 2) is a Fourier series whose coefficients
form a tensor of low rank, in canonical polyadic form. After FUTON (Ashtari et al. 2026, arXiv 2602.13414).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from siren_pl.field import jet
from siren_pl.field.activations import sine
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks.base import CoordinateNetwork, exact_linear
from siren_pl.field.seeds import seeded

_UNIT_SINE = sine(1.0)


def frequencies_rule(domain: Domain) -> int:
    """`model.frequencies=auto`: one cosine per sample."""
    return max(2, round(domain.resolution))


class TensorProduct(CoordinateNetwork):
    """The canonical polyadic Fourier series.

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: The rank, that is, the number of products in the sum.
        frequencies: Cosines per axis; one per sample reaches the Nyquist frequency.
        decay: Damps cosine k by 1 / (1 + k / decay), as the coefficients of natural images decay: the field is smoother
            between the samples, but fits them more slowly. None for no damping.
        init: Not used: the coefficients have an initial scale of their own.
        seed: Seeds the coefficients.
    """

    angular: Tensor
    damping: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_features: int = 256,
        frequencies: int = 256,
        decay: float | None = None,
        init: Init | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        generator = seeded(seed)
        k = torch.arange(frequencies)
        self.register_buffer("angular", math.pi / 2 * k, persistent=False)
        damping = torch.ones(frequencies) if decay is None else 1 / (1 + k / decay)
        self.register_buffer("damping", damping, persistent=False)
        # The initial mean square of each factor is 1, so that products neither vanish nor explode.
        spread = 1 / math.sqrt(float((self.damping**2).sum()) / 2)
        shape = (in_features, hidden_features, frequencies)
        self.coefficients = nn.Parameter(torch.randn(shape, generator=generator) * spread)
        self.last = nn.Linear(hidden_features, out_features)
        bound = 1 / math.sqrt(hidden_features)
        nn.init.uniform_(self.last.weight, -bound, bound, generator=generator)
        nn.init.zeros_(self.last.bias)

    @override
    def forward(self, coords: Tensor | Jet) -> Any:
        product: Any = None
        for axis in range(self.in_features):
            along = torch.zeros_like(self.angular)[:, None].repeat(1, self.in_features)
            along[:, axis] = self.angular
            # cos z = sin(z + π/2), and z = π k (x + 1) / 2.
            cosines = jet.elementwise(jet.linear(coords, along, self.angular + math.pi / 2), _UNIT_SINE)
            factor = jet.linear(cosines, self.coefficients[axis] * self.damping)
            product = factor if product is None else jet.multiply(product, factor)
        return exact_linear(product, self.last)
