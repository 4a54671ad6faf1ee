"""What every network is: coordinates in, values out, for tensors and for jets alike."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor, nn

from siren_pl.jet import Jet


class CoordinateNetwork(nn.Module):
    """A field Φ: coords (N, in_features) -> values (N, out_features), written with the operations of `siren_pl.jet`.

    A network contains no derivative code: given a jet it returns a jet.
    """

    in_features: int
    out_features: int

    @abstractmethod
    def forward(self, coords: Tensor | Jet) -> Any:
        """Evaluate the field, (..., N, in_features) -> (..., N, out_features): a tensor of a tensor, a jet of a jet."""
