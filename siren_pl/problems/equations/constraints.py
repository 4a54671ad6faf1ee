"""Conditions that hold by construction: periodic axes by an encoding, values at faces by an offset and a factor.

Letters: N points, D axes, M directions, K groups, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from siren_pl.field import jet
from siren_pl.field.activations import sine
from siren_pl.field.jet import Groups, Jet
from siren_pl.problems.equations.domains import Region

if TYPE_CHECKING:
    from siren_pl.problems.equations.statement import Equation


def features(region: Region) -> int:
    """Number of coordinates that a network is given: two for a periodic axis."""
    return len(region.names) + len(region.periodic)


def encoded(region: Region, inner: Tensor, order: int, groups: Groups | None, directions: Tensor | None) -> Any:
    """Coordinates in [-1, 1] with a circle (cos, sin) for each periodic axis: a jet, or a tensor at order 0."""
    x: Any = jet.seed(inner, order, groups, directions) if order else inner
    plain = [axis for axis, name in enumerate(region.names) if name not in region.periodic]
    around = [axis for axis, name in enumerate(region.names) if name in region.periodic]
    eye = torch.eye(len(region.names), dtype=inner.dtype, device=inner.device)
    turns = math.pi * eye[around]
    quarter = inner.new_full((len(around),), math.pi / 2)
    circles = [jet.elementwise(jet.linear(x, turns, shift), sine(1.0)) for shift in (quarter, None)]
    parts = [*([jet.linear(x, eye[plain])] if plain else []), *circles]
    found = jet.concat(parts)
    return found if isinstance(found, Jet) else Jet(found)


def factors(
    equation: Equation, coords: Tensor, order: int, groups: Groups | None, directions: Tensor | None
) -> tuple[Jet, Jet] | None:
    """The jets of the equation's offset and factor, of shape (N, C) or (N, 1); None if nothing holds by construction.

    Their derivatives are those of the functions that the user wrote, by forward-mode differentiation.
    """
    if equation.hard(*coords.unbind(-1)) is None:
        return None
    return tuple(
        _jet(lambda x, part=part: _columns(equation, x, part), coords, order, groups, directions) for part in (0, 1)
    )  # type: ignore[return-value]


def _columns(equation: Equation, coords: Tensor, part: int) -> Tensor:
    """The offset (part 0) or the factor (part 1) as columns (N, C)."""
    found = equation.hard(*coords.unbind(-1))
    assert found is not None
    given = found[part] if isinstance(found[part], tuple) else (found[part],)
    return torch.stack([torch.as_tensor(each).to(coords).expand(len(coords)) for each in given], -1)


def _jet(
    function: Callable[[Tensor], Tensor], coords: Tensor, order: int, groups: Groups | None, directions: Tensor | None
) -> Jet:
    """The jet of a function of the coordinates along directions (M, D)."""
    if order == 0 or directions is None:
        return Jet(function(coords))
    along = [row.expand_as(coords) for row in directions]

    def slope(x: Tensor, direction: Tensor) -> Tensor:
        return torch.func.jvp(function, (x,), (direction,))[1]

    gradient = torch.stack([slope(coords, row) for row in along])
    if order == 1:
        return Jet(function(coords), gradient)
    streams = [torch.func.jvp(lambda x, row=row: slope(x, row), (coords,), (row,))[1] for row in along]
    assert groups is not None
    return Jet(function(coords), gradient, jet.weighted(groups, streams), groups)


def constrained(found: Jet, offset: Jet, factor: Jet) -> Jet:
    """`offset + factor * network`."""
    channels = found.value.shape[-1]
    parts = (factor.value, factor.gradient, factor.second)
    value, gradient, second = (None if part is None else part.expand(*part.shape[:-1], channels) for part in parts)
    assert value is not None
    return jet.add(offset, jet.multiply(Jet(value, gradient, second, factor.groups), found))
