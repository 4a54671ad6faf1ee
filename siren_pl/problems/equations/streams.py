"""What a residual asks for, and how it is computed: one jet per field with exactly those streams.

Derivatives are along directions in the units of the equation, since coordinates of networks lie in [-1, 1]. A mixed
derivative comes by polarisation: u_tx is half of (d²/d(t+x)² - d²/dt² - d²/dx²), a single group of three directions.

Letters: N points, D axes, M directions, K groups, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from siren_pl.field.jet import Groups, Jet
from siren_pl.problems.equations.constraints import constrained, encoded, factors
from siren_pl.problems.equations.statement import Equation
from siren_pl.training.ask import Ask

# The names of the two fields: that of the outputs, and that of the unknown coefficients.
SOLUTION, COEFFICIENTS = "solution", "coefficients"
# What the names of measured columns are found beneath.
MEASURED = "measured"
# How much farther a step moves an unknown number than it moves a weight.
STRIDE = 20.0

# A function and the axes along which it is differentiated, none to two: ("u", ("t", "x")) is u_tx.
Stream = tuple[str, tuple[str, ...]]
Derivative = tuple[str, ...]


class Given:
    """What a residual is given: streams under the names by which it reads them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@dataclass(frozen=True)
class Wanted:
    """The derivatives that are wanted of one field.

    Attributes:
        field: The field's name.
        channels: Its functions.
        derivatives: Axes of every derivative that is wanted of any of them, each in alphabetical order.
        axes: The axes of the region.
    """

    field: str
    channels: tuple[str, ...]
    derivatives: frozenset[Derivative]
    axes: tuple[str, ...]

    @property
    def order(self) -> int:
        """The highest order that is wanted."""
        return max([0, *map(len, self.derivatives)])  # torch's compiler knows no `default`

    @property
    def directions(self) -> list[Derivative]:
        """Single axes first, then sums of two."""
        single = [axis for axis in self.axes if any(axis in each for each in self.derivatives)]
        return [*((axis,) for axis in single), *self._mixed]

    @property
    def _mixed(self) -> list[Derivative]:
        return sorted(each for each in self.derivatives if len(set(each)) == 2)  # noqa: PLR2004 - u_tx, not u_xx

    @property
    def seconds(self) -> list[Derivative]:
        """The second derivatives, in the order of the groups."""
        return sorted(each for each in self.derivatives if len(each) == 2)  # noqa: PLR2004

    @property
    def groups(self) -> Groups | None:
        """A row of weights of the directions for every second derivative."""
        if self.order < 2:  # noqa: PLR2004
            return None
        rows = []
        for pair in self.seconds:
            first, second = pair
            weights: dict[Derivative, float] = (
                {(first,): 1.0} if first == second else {pair: 0.5, (first,): -0.5, (second,): -0.5}
            )
            rows.append(tuple(weights.get(direction, 0.0) for direction in self.directions))
        return tuple(rows)

    def along(self, half: Tensor) -> Tensor | None:
        """The directions (M, D) in coordinates of the network, given half of the length of every axis (D,)."""
        if not self.directions:
            return None
        rows = [[float(axis in each) for axis in self.axes] for each in self.directions]
        return half.new_tensor(rows) / half

    def stream(self, jet: Jet, channel: int, derivative: Derivative) -> Tensor:
        """One stream (N,) of a jet."""
        if not derivative:
            return jet.value[:, channel]
        if len(derivative) == 1:
            assert jet.gradient is not None
            return jet.gradient[self.directions.index(derivative), :, channel]
        assert jet.second is not None
        return jet.second[self.seconds.index(derivative), :, channel]


@dataclass(frozen=True)
class Streams:
    """Everything that a residual asks for.

    Attributes:
        equation: The equation.
        wanted: What is wanted of each field.
        attributes: What stands for every name that the residual reads.
        numbers: The unknown numbers among them.
    """

    equation: Equation = field(compare=False)
    wanted: tuple[Wanted, ...]
    attributes: Mapping[str, Stream] = field(compare=False)
    numbers: tuple[str, ...]

    @property
    def order(self) -> int:
        """The highest derivative of any field."""
        return max([0, *(each.order for each in self.wanted)])

    def computed(self, ask: Ask, coords: Tensor, measured: Mapping[str, Tensor] | None = None) -> Given:
        """What the residual is given at points (N, D) in the units of the equation."""
        region = self.equation.domain
        found: dict[str, Any] = dict(zip(region.names, coords.unbind(-1), strict=True))
        half, middle = coords.new_tensor(region.half), coords.new_tensor(region.middle)
        for wanted in self.wanted:
            jet = evaluated(ask, self.equation, wanted, (coords - middle) / half, half, coords)
            values: dict[Stream, Tensor] = {}
            for name, (function, derivative) in self.attributes.items():
                if function in wanted.channels:
                    key = function, tuple(sorted(derivative))
                    if key not in values:
                        values[key] = self._function(wanted, jet, *key)
                    found[name] = values[key]
        found |= {name: number_of(self.equation, name, ask) for name in self.numbers}
        if measured is not None:
            found[MEASURED] = Given(measured)
        return Given(found)

    def _function(self, wanted: Wanted, jet: Jet, function: str, derivative: Derivative) -> Tensor:
        channel = wanted.channels.index(function)
        if not (self.equation.is_complex and wanted.field == SOLUTION):
            return wanted.stream(jet, channel, derivative)
        real, imaginary = (wanted.stream(jet, 2 * channel + part, derivative) for part in (0, 1))
        return torch.complex(real, imaginary)


def evaluated(ask: Ask, equation: Equation, wanted: Wanted, inner: Tensor, half: Tensor, coords: Tensor) -> Jet:
    """A field's jet with its hard conditions, at points given in both kinds of coordinates.

    Args:
        ask: Evaluates the fields.
        equation: Says the conditions.
        wanted: What is wanted of the field.
        inner: The points in [-1, 1].
        half: Half of the length of every axis.
        coords: The points in the units of the equation.
    """
    directions, region = wanted.along(half), equation.domain
    if region.periodic:
        jet = ask(encoded(region, inner, wanted.order, wanted.groups, directions), field=wanted.field)
    else:
        jet = ask(inner, wanted.order, wanted.groups, directions, wanted.field)
    jet = jet if isinstance(jet, Jet) else Jet(jet)
    if wanted.field == COEFFICIENTS:
        start = inner.new_tensor([equation.coefficients[name] for name in wanted.channels])
        return Jet(jet.value + start, jet.gradient, jet.second, jet.groups)
    physical = None if directions is None else directions * half
    known = factors(equation, coords, wanted.order, wanted.groups, physical)
    return jet if known is None else constrained(jet, *known)


def functions_at(ask: Ask, equation: Equation, field: str, coords: Tensor) -> Tensor:
    """The outputs, or the unknown coefficients (F, N), at points (N, D) in the units of the equation."""
    names = equation.outputs if field == SOLUTION else tuple(equation.coefficients)
    wanted = Wanted(field, names, frozenset(), equation.domain.names)
    given = Streams(equation, (wanted,), {name: (name, ()) for name in names}, ()).computed(ask, coords)
    return torch.stack([getattr(given, name) for name in names])


def number_of(equation: Equation, name: str, ask: Ask) -> Tensor:
    """An unknown number's value.

    What is fitted is how far it is from its start, in steps that are longer than those of weights, since a number has
    to go the whole way by itself.
    """
    unknown, moved = equation.numbers[name], STRIDE * ask.number(name)
    return unknown.start * moved.exp() if unknown.positive else unknown.start + max(abs(unknown.start), 1.0) * moved
