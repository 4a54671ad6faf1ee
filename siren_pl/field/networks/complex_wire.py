"""WIRE with complex wavelets, whose complex numbers are pairs of real channels, so that the rules of real jets suffice.

With z = u + iv, the complex Gabor wavelet exp(i omega_0 z - |scale z|²) is the product of exp(-omega_0 v - (scale v)²)
and exp(i omega_0 u - (scale u)²). It therefore needs two elementwise rules and the product rule.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from siren_pl.field import jet
from siren_pl.field.activations import bell, gabor
from siren_pl.field.inits import FIRST, HIDDEN, LAST, Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks.base import CoordinateNetwork, exact_linear
from siren_pl.field.seeds import seeded


class ComplexWire(CoordinateNetwork):
    """WIRE: complex Gabor wavelets in every hidden layer, the real part at the end (Saragadam et al., CVPR 2023).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Complex width: a hidden layer has twice as many real numbers per input.
        hidden_layers: Hidden-to-hidden layers.
        omega_0: Angular frequency of the wave.
        scale: Inverse width of its window; None for half of omega_0, the paper's ratio. With a much wider window the
            height of a wavelet, up to exp(omega_0² / 4 scale²), overflows.
        init: Draws the real and the imaginary halves of a layer; defaults to SIREN's scheme (see `Wire`).
        seed: Seeds the weights.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_features: int = 181,
        hidden_layers: int = 3,
        omega_0: float = 20.0,
        scale: float | None = None,
        init: Init | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        generator = seeded(seed)
        draw = init or Init()
        scale = omega_0 / 2 if scale is None else scale

        def linear(entry: int, width: int, place: str) -> nn.Linear:
            layer = nn.Linear(entry, width)
            draw(layer, place, omega_0, generator)
            return layer

        width = hidden_features
        self.first = linear(in_features, width, FIRST)
        self.real = nn.ModuleList(linear(width, width, HIDDEN) for _ in range(hidden_layers))
        self.imaginary = nn.ModuleList(linear(width, width, HIDDEN) for _ in range(hidden_layers))
        # The real part of a complex linear map is a real linear map of the pair (u, v).
        self.last = linear(2 * width, out_features, LAST)
        self._cosine, self._sine = gabor(omega_0, scale, math.pi / 2), gabor(omega_0, scale, 0.0)
        self._tilted = bell(scale, tilt=omega_0)

    @override
    def forward(self, coords: Tensor | Jet) -> Any:
        u = exact_linear(coords, self.first)  # real, as the coordinates are
        x = jet.concat([jet.elementwise(u, self._cosine), jet.elementwise(u, self._sine)])
        for real, imaginary in zip(self.real, self.imaginary, strict=True):
            assert isinstance(real, nn.Linear) and isinstance(imaginary, nn.Linear)
            u = jet.linear(x, torch.cat([real.weight, -imaginary.weight], dim=1), real.bias)
            v = jet.linear(x, torch.cat([imaginary.weight, real.weight], dim=1), imaginary.bias)
            height = jet.elementwise(v, self._tilted)
            x = jet.concat(
                [
                    jet.multiply(height, jet.elementwise(u, self._cosine)),
                    jet.multiply(height, jet.elementwise(u, self._sine)),
                ]
            )
        return exact_linear(x, self.last)
