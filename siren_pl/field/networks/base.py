"""The base class of coordinate networks: coordinates in, values out, for tensors and jets alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from siren_pl.field import jet
from siren_pl.field.jet import Jet


class CoordinateNetwork(nn.Module):
    """A field Φ: coords (N, in_features) -> values (N, out_features), written over `siren_pl.field.jet`.

    A network contains no derivative code: given a jet it returns a jet.

    Attributes:
        in_features: Number of coordinates.
        out_features: Number of channels.
        highest_order: The highest meaningful derivative: 2, or 1 for a field that is piecewise linear by design.
        bounded: Whether its features lie between -1 and 1 along every axis, so that it cannot follow data beyond.
        fixed_shapes: Whether the shape of the coordinates determines the shapes of all intermediate results, which a
            compiler and a mapping over many fields require.
        networks: Number of smaller networks among which the points are divided, whose weights are then stacked along a
            leading axis; 1 if the network is not divided.
        members: Number of fields that are trained separately; the field is their mean.
        own: Names of the weights that belong to one signal when signals are fitted together and share the other
            weights; None if every signal has all weights to itself.
        tables: Names of the weights whose entries are looked up one by one, which are therefore no matrices of layers.
    """

    in_features: int
    out_features: int
    highest_order: int = 2
    bounded: bool = False
    fixed_shapes: bool = True
    networks: int = 1
    members: int = 1
    own: tuple[str, ...] | None = None
    tables: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, coords: Tensor | Jet) -> Any:
        """Evaluate the field, (..., N, in_features) -> (..., N, out_features); a jet in gives a jet out."""

    def apart(self, coords: Tensor | Jet) -> Any:
        """Evaluate the field, or, if it is a mean, one member per point.

        A loss uses this if its points come in random order, so that the members are trained separately.
        """
        return self(coords)


def linear(x: Tensor | Jet, layer: nn.Module) -> Any:
    """Apply a linear layer to a tensor or a jet."""
    assert isinstance(layer, nn.Linear)
    return jet.linear(x, layer.weight, layer.bias)


def rearrange(x: Jet, f: Callable[[Tensor], Tensor]) -> Jet:
    """Apply one linear map to every stream of a jet, to select, repeat, reorder or sum its points or channels.

    Args:
        x: A jet.
        f: The map. It takes values (..., N, C) and derivatives (D, ..., N, C) or (D, ..., 1, C).
    """
    gradient = None if x.gradient is None else f(x.gradient)
    second = None if x.second is None else f(x.second)
    return Jet(f(x.value), gradient, second, x.groups)


def exact_linear(x: Tensor | Jet, layer: nn.Linear) -> Any:
    """Apply a linear layer in the precision of its weights, even where autocast rounds other layers.

    Meant for the first layer after an encoding, whose input is as fine as the coordinates, and for the last layer,
    whose output is the signal. Both layers are cheap.
    """
    return jet.exact_linear(x, layer.weight, layer.bias)


def stack(module: nn.Module, modules: Sequence[nn.Module], names: Iterable[str]) -> None:
    """Replace these parameters of `module` by those of all modules, stacked along a leading axis."""
    each = [dict(other.named_parameters()) for other in modules]
    for name in names:
        owner, _, leaf = name.rpartition(".")
        stacked = torch.stack([parameters[name].detach() for parameters in each])
        setattr(module.get_submodule(owner), leaf, nn.Parameter(stacked))
