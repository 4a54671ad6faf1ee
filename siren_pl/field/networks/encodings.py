"""Encodings of coordinates before the first layer of a network; those here are fixed sines and cosines."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from siren_pl.field import jet
from siren_pl.field.activations import sine
from siren_pl.field.domain import Domain
from siren_pl.field.jet import Jet
from siren_pl.field.seeds import seeded

_UNIT_SINE = sine(1.0)


class Encoding(nn.Module):
    """A module before the first layer of a network: coords (..., N, D), or a jet of them, -> (..., N, out_features)."""

    out_features: int


class Waves(Encoding):
    """Map x to sin(M x) and cos(M x), optionally preceded by x itself, for a matrix M of angular frequencies.

    Args:
        frequencies: M, shape (F, D), in radians per coordinate unit; not trained.
        keeps_coords: Whether the output begins with the coordinates.
    """

    matrix: Tensor
    phase: Tensor

    def __init__(self, frequencies: Tensor, keeps_coords: bool) -> None:
        super().__init__()
        # cos z = sin(z + π/2): one linear map and one sine give both halves.
        phase = torch.cat([torch.zeros(len(frequencies)), torch.full((len(frequencies),), math.pi / 2)])
        self.register_buffer("matrix", torch.cat([frequencies, frequencies]), persistent=False)
        self.register_buffer("phase", phase, persistent=False)
        self.keeps_coords = keeps_coords
        self.out_features = len(phase) + keeps_coords * frequencies.shape[1]

    def forward(self, coords: Tensor | Jet) -> Tensor | Jet:
        """Encode coords (..., N, D)."""
        waves = jet.elementwise(jet.linear(coords, self.matrix, self.phase), _UNIT_SINE)
        return jet.concat([coords, waves]) if self.keeps_coords else waves


def FrequencyEncoding(in_features: int, num_frequencies: int) -> Waves:  # noqa: N802 - one of the encodings
    """NeRF's positional encoding: x, sin(2^i π x), cos(2^i π x) (Mildenhall et al. 2020, equation 4).

    Args:
        in_features: Number of coordinates D.
        num_frequencies: Octaves i = 0 … num_frequencies - 1; the output has D (1 + 2 num_frequencies) channels.
    """
    octaves = math.pi * 2.0 ** torch.arange(num_frequencies)
    return Waves(torch.kron(octaves[:, None], torch.eye(in_features)), keeps_coords=True)


def FourierEncoding(  # noqa: N802 - one of the encodings
    in_features: int, num_frequencies: int, deviation: float, seed: int
) -> Waves:
    """Gaussian random Fourier features, sin(2π B v) and cos(2π B v) (Tancik et al. 2020, section 6.1).

    Args:
        in_features: Number of coordinates D.
        num_frequencies: Rows of B.
        deviation: Standard deviation of B's entries in cycles across the image, v in [0, 1]; 10 in the paper.
        seed: Draws B.
    """
    cycles = deviation * torch.randn(num_frequencies, in_features, generator=seeded(seed))
    # On [-1, 1] the image is two units wide.
    return Waves(math.pi * cycles, keeps_coords=False)


def octaves_rule(domain: Domain) -> int:
    """`model.num_frequencies=auto`: the octaves below the samples' Nyquist frequency, as in SIREN's reference code.

    The result is floor(log2(samples / 4)), at least 1: 6 at 256 samples on [-1, 1], 7 at 512.
    """
    return max(1, int(math.log2(max(domain.resolution, 1) / 4)))
