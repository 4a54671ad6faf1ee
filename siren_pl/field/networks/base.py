"""What every network is: coordinates in, values out, for tensors and for jets alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from siren_pl.field import jet
from siren_pl.field.jet import Jet


class CoordinateNetwork(nn.Module):
    """A field Φ: coords (N, in_features) -> values (N, out_features), written over `siren_pl.field.jet`.

    A network contains no derivative code: given a jet it returns a jet.

    Attributes:
        in_features: Number of coordinates.
        out_features: Number of channels.
        highest_order: The highest derivative that means something: 2, or 1 for a field made of linear pieces by design.
        fixed_shapes: Whether the shapes of all that is computed follow from the shape of the coordinates alone, as a
            compiler and a mapping over many fields demand.
        networks: How many smaller networks share out the points among them; 1 for a network of one piece.
        members: How many fields learn apart, the field being their mean.
        own: Names of the weights that belong to one signal, where signals are fitted together and share the others;
            None where every weight is a signal's own.
    """

    in_features: int
    out_features: int
    highest_order: int = 2
    fixed_shapes: bool = True
    networks: int = 1
    members: int = 1
    own: tuple[str, ...] | None = None

    @abstractmethod
    def forward(self, coords: Tensor | Jet) -> Any:
        """Evaluate the field, (..., N, in_features) -> (..., N, out_features): a tensor of a tensor, a jet of a jet."""

    def apart(self, coords: Tensor | Jet) -> Any:
        """What a loss over points in random order sees: the field, or one member of it per point where it is a mean."""
        return self(coords)


def linear(x: Tensor | Jet, layer: nn.Module) -> Any:
    """A linear layer."""
    assert isinstance(layer, nn.Linear)
    return jet.linear(x, layer.weight, layer.bias)


def rearrange(x: Jet, f: Callable[[Tensor], Tensor]) -> Jet:
    """Pick, repeat, reorder or add up points or channels.

    Args:
        x: A jet.
        f: The same linear map for every stream: a value (..., N, C), and derivatives (D, ..., N, C) or (D, ..., 1, C).
    """
    gradient = None if x.gradient is None else f(x.gradient)
    second = None if x.second is None else f(x.second)
    return Jet(f(x.value), gradient, second, x.groups)


def exact_linear(x: Tensor | Jet, layer: nn.Linear) -> Any:
    """A linear layer in the precision of its weights even where autocast rounds the others.

    For the first layer behind an encoding, which is as fine as the coordinates themselves; and for the last, whose
    output is the signal. Both are cheap, so nothing is lost.
    """
    return jet.exact_linear(x, layer.weight, layer.bias)
