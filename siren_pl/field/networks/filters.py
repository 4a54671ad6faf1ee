"""Multiplicative filter networks, which multiply by a wave of the coordinates where others apply an activation.

z_1 = g_1(x), z_(i+1) = (W_i z_i + b_i) ∘ g_(i+1)(x), output W z + b. The field is a sum of exponentially many waves,
whose frequencies are sums of the filters' frequencies (Fathony et al., ICLR 2021, equation 3).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from siren_pl.field import jet
from siren_pl.field.activations import EXPONENTIAL, sine
from siren_pl.field.domain import Domain
from siren_pl.field.inits import HIDDEN, LAST, Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks.base import CoordinateNetwork, exact_linear, linear
from siren_pl.field.networks.mlp import FRAMEWORK
from siren_pl.field.seeds import seeded

_UNIT_SINE = sine(1.0)
# Gamma distribution of the inverse squared widths of Gabor filters, from the image experiments in the paper's code.
GABOR_SHAPE, GABOR_RATE = 6.0, 1.0


class FourierFilter(nn.Module):
    """sin(ω x + φ): frequencies drawn from U(±bound), phases from U(±π).

    Args:
        frequencies: ω, shape (C, D), in radians per coordinate unit.
        generator: Draws the phases.
        trained: Whether the frequencies are learned.
    """

    frequencies: Tensor

    def __init__(self, frequencies: Tensor, generator: torch.Generator, trained: bool = True) -> None:
        super().__init__()
        if trained:
            self.frequencies = nn.Parameter(frequencies)
        else:
            self.register_buffer("frequencies", frequencies)
        phase = torch.empty(len(frequencies)).uniform_(-math.pi, math.pi, generator=generator)
        self.phase = nn.Parameter(phase)

    def forward(self, coords: Tensor | Jet) -> Any:
        """The wave at coords (..., N, D)."""
        return jet.elementwise(jet.linear(coords, self.frequencies, self.phase), _UNIT_SINE)


class GaborFilter(nn.Module):
    """A Fourier filter times exp(-γ/2 |x - μ|²), whose exponent is computed as a linear map of x and x².

    Args:
        frequencies: ω before multiplication by sqrt(γ), shape (C, D).
        shape: Shape of the Gamma distribution of γ.
        generator: Draws μ, γ and the phases.
    """

    def __init__(self, frequencies: Tensor, shape: float, generator: torch.Generator) -> None:
        super().__init__()
        channels, axes = frequencies.shape
        self.centre = nn.Parameter(torch.empty(channels, axes).uniform_(-1, 1, generator=generator))
        # torch draws from a Gamma distribution only with its global generator.
        numbers = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        gamma = torch.from_numpy(numbers.gamma(shape, 1 / GABOR_RATE, channels)).to(frequencies)
        self.gamma = nn.Parameter(gamma)
        self.wave = FourierFilter(frequencies * gamma.sqrt()[:, None], generator)

    def forward(self, coords: Tensor | Jet) -> Any:
        """The wavelet at coords (..., N, D)."""
        half = self.gamma[:, None] / 2
        square = jet.linear(jet.multiply(coords, coords), -half.expand_as(self.centre))
        cross = jet.linear(coords, 2 * half * self.centre, -half[:, 0] * self.centre.square().sum(-1))
        window = jet.elementwise(jet.add(square, cross), EXPONENTIAL)
        return jet.multiply(window, self.wave(coords))


class FilterNetwork(CoordinateNetwork):
    """Filters and the linear layers between them.

    Args:
        filters: One more than the linear layers between them.
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Channels of every filter.
        init: Draws the linear layers.
        generator: The source of random numbers for `init`.
    """

    def __init__(
        self,
        filters: list[nn.Module],
        in_features: int,
        out_features: int,
        hidden_features: int,
        init: Init,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.filters = nn.ModuleList(filters)
        self.layers = nn.ModuleList(nn.Linear(hidden_features, hidden_features) for _ in filters[1:])
        self.last = nn.Linear(hidden_features, out_features)
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            init(layer, HIDDEN, 1.0, generator)
        init(self.last, LAST, 1.0, generator)

    @override
    def forward(self, coords: Tensor | Jet) -> Any:
        first, *others = self.filters
        x = first(coords)
        for layer, wave in zip(self.layers, others, strict=True):
            x = jet.multiply(linear(x, layer), wave(coords))
        assert isinstance(self.last, nn.Linear)
        return exact_linear(x, self.last)


def input_scale_rule(domain: Domain) -> float:
    """`model.input_scale=auto`: one per sample, as Fathony et al. take 256 for 256 samples."""
    return domain.resolution


def FourierFilters(  # noqa: N802 - a constructor, as Siren is
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    input_scale: float = 256.0,
    init: Init | None = None,
    seed: int = 0,
) -> FilterNetwork:
    """Build the Fourier network of Fathony et al. (ICLR 2021, section 3.1).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Channels of every filter.
        hidden_layers: Linear layers between filters.
        input_scale: Frequencies are drawn from U(±input_scale / sqrt(filters · D)) radians per coordinate unit; 256 in
            the paper's code.
        init: Draws the linear layers; defaults to torch's own.
        seed: Seeds everything.
    """
    generator = seeded(seed)
    filters: list[nn.Module] = [
        FourierFilter(frequencies, generator)
        for frequencies in _frequencies(in_features, hidden_features, hidden_layers + 1, input_scale, generator)
    ]
    return FilterNetwork(filters, in_features, out_features, hidden_features, init or FRAMEWORK, generator)


def GaborFilters(  # noqa: N802
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    input_scale: float = 256.0,
    init: Init | None = None,
    seed: int = 0,
) -> FilterNetwork:
    """Build the Gabor network of Fathony et al. (ICLR 2021, section 3.2); arguments as in `FourierFilters`."""
    generator = seeded(seed)
    count = hidden_layers + 1
    filters: list[nn.Module] = [
        GaborFilter(frequencies, GABOR_SHAPE / count, generator)
        for frequencies in _frequencies(in_features, hidden_features, count, input_scale, generator)
    ]
    return FilterNetwork(filters, in_features, out_features, hidden_features, init or FRAMEWORK, generator)


def _frequencies(axes: int, channels: int, count: int, input_scale: float, generator: torch.Generator) -> list[Tensor]:
    """Draw the frequencies (channels, axes) of `count` filters; their sums reach up to `input_scale`."""
    bound = input_scale / math.sqrt(count * axes)
    return [torch.empty(channels, axes).uniform_(-bound, bound, generator=generator) for _ in range(count)]
