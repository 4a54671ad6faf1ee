"""BACON: a filter network whose waves have fixed, discrete frequencies, so that its band is limited by construction.

When waves are multiplied, their frequencies add. The filters' bands sum to `bandwidth`, so the field is a Fourier
series on [-1, 1] without higher frequencies, whatever the weights (Lindell et al., CVPR 2022, arXiv 2112.04645).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.networks.filters import FilterNetwork, FourierFilter
from siren_pl.field.networks.mlp import FRAMEWORK
from siren_pl.field.seeds import seeded


def bandwidth_rule(domain: Domain) -> float:
    """`model.bandwidth=auto`: the Nyquist frequency, in cycles."""
    return domain.resolution / 2


def Bacon(  # noqa: N802 - a constructor, as Siren is
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    bandwidth: float = 128.0,
    init: Init | None = None,
    seed: int = 0,
) -> FilterNetwork:
    """Build BACON with its last output only.

    Frequencies are multiples of half a cycle across [-1, 1], so the field repeats every four units.

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Channels of every filter.
        hidden_layers: Linear layers between filters.
        bandwidth: Highest frequency along each axis, in cycles across [-1, 1]; half the number of samples is Nyquist's.
        init: Draws the linear layers; defaults to torch's own.
        seed: Seeds everything.
    """
    generator = seeded(seed)
    filters = [
        FourierFilter(_frequencies(hidden_features, in_features, steps, generator), generator, trained=False)
        for steps in _shares(round(2 * bandwidth), hidden_layers + 1)
    ]
    return FilterNetwork([*filters], in_features, out_features, hidden_features, init or FRAMEWORK, generator)


def _shares(steps: int, filters: int) -> list[int]:
    """Divide `steps` steps of half a cycle among the filters, in whole numbers."""
    return [steps * (index + 1) // filters - steps * index // filters for index in range(filters)]


def _frequencies(channels: int, axes: int, steps: int, generator: torch.Generator) -> Tensor:
    """Draw whole multiples, within ±steps, of half a cycle across [-1, 1], which is π / 2 radians per unit."""
    multiples = torch.randint(-steps, steps + 1, (channels, axes), generator=generator)
    return math.pi / 2 * multiples.to(torch.get_default_dtype())
