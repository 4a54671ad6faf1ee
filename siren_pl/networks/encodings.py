"""Fixed encodings of coordinates that stand before a network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from siren_pl import jet
from siren_pl.activations import sine
from siren_pl.jet import Jet

_UNIT_SINE = sine(1.0)


class FrequencyEncoding(nn.Module):
    """NeRF's positional encoding: x, sin(2^i π x), cos(2^i π x) (Mildenhall et al. 2020, equation 4).

    Args:
        in_features: Number of coordinates D.
        num_frequencies: Octaves i = 0 … num_frequencies - 1; the output has D (1 + 2 num_frequencies) channels.
    """

    matrix: Tensor
    phase: Tensor

    def __init__(self, in_features: int, num_frequencies: int) -> None:
        super().__init__()
        octaves = math.pi * 2.0 ** torch.arange(num_frequencies)  # (F,)
        one = torch.kron(octaves[:, None], torch.eye(in_features))  # (F D, D)
        # cos z = sin(z + π/2): one linear map and one sine give both halves.
        phase = torch.cat([torch.zeros(len(one)), torch.full((len(one),), math.pi / 2)])
        self.register_buffer("matrix", torch.cat([one, one]), persistent=False)
        self.register_buffer("phase", phase, persistent=False)
        self.out_features = in_features + len(phase)

    def forward(self, coords: Tensor | Jet) -> Tensor | Jet:
        """Encode coords (..., N, D)."""
        waves = jet.elementwise(jet.linear(coords, self.matrix, self.phase), _UNIT_SINE)
        return jet.concat([coords, waves])


def nyquist_octaves(samples: float) -> int:
    """Octaves below the Nyquist frequency of `samples` samples on [-1, 1], as SIREN's reference code counts them.

    floor(log2(samples / 4)): 6 at 256 samples, 7 at 512; at least one.
    """
    return max(1, int(math.log2(max(samples, 1) / 4)))
