"""Ask: how a term evaluates the fields. It asks for a jet at its own coordinates, and gradients flow through both.

A term never holds a network. It can therefore ask at points that depend on another field (a warp), ask several fields
or ask twice, and the same code fits one signal or many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from siren_pl.field.derivatives import Derivatives, ForwardDerivatives, ReverseDerivatives
from siren_pl.field.jet import Groups, Jet


class _Answer(NamedTuple):
    field: str
    coords: Tensor | Jet
    directions: Tensor | None
    groups: Groups | None
    order: int
    jet: Jet


class Ask:
    """Answers questions about the fields during one evaluation.

    Args:
        fields: Callables of coordinates by name; the first is the leading field.
        derivatives: The strategy that differentiates each field.
        numbers: Fitted numbers by name, each of shape ().
        reference: A weight whose device and type coordinates are converted to; None if they need no conversion.
    """

    def __init__(
        self,
        fields: Mapping[str, Callable[[Any], Any]],
        derivatives: Mapping[str, Derivatives],
        numbers: Mapping[str, Tensor] | None = None,
        reference: Tensor | None = None,
    ) -> None:
        self._fields, self._derivatives, self._numbers = fields, derivatives, numbers or {}
        self._reference = reference
        self._leading = next(iter(fields))
        self._answers: list[_Answer] = []

    def __call__(
        self,
        coords: Tensor | Jet,
        order: int = 0,
        groups: Groups | None = None,
        directions: Tensor | None = None,
        field: str | None = None,
    ) -> Jet:
        """Evaluate a field and return its jet.

        Answers are cached. A later question at the same coordinates and directions (the same objects) and of equal or
        lower order gets the cached answer, so ask for the highest order first.

        Args:
            coords: Coordinates, (N, D); a jet of coordinates gives the jet of the composition (the chain rule).
            order: 0, 1 or 2.
            groups: Second derivatives to keep apart (see `Jet.groups`); None for the Laplacian.
            directions: Directions of differentiation, (M, D), or (M, N, D) if every point has its own; None takes the
                axes.
            field: Name of the field; None for the leading one.
        """
        name = field or self._leading
        for known in self._answers:
            same = known.field == name and known.coords is coords and known.directions is directions
            if same and (order <= 1 or known.groups == groups) and order <= known.order:
                return known.jet
        if isinstance(coords, Jet):
            jet = self._fields[name](coords)
        else:
            jet = self._derivatives[name](self._fields[name], coords, order, groups, directions)
        self._answers.append(_Answer(name, coords, directions, groups, order, jet))
        return jet

    def anew(self) -> Ask:
        """The same fields with an empty cache, since answers are cached only while one term is evaluated."""
        return Ask(self._fields, self._derivatives, self._numbers, self._reference)

    def placed(self, coords: Tensor) -> Tensor:
        """The coordinates, converted to the device and type of the weights."""
        return coords if self._reference is None else coords.to(self._reference)

    def highest_order(self) -> int:
        """The highest derivative that the leading field has, at most 2."""
        return getattr(self._fields[self._leading], "highest_order", 2)

    def reaching_order_two(self) -> Ask:
        """The same fields, differentiated by the forward jet where the strategy of their own ends at order 1."""
        able = {
            name: ForwardDerivatives() if isinstance(strategy, ReverseDerivatives) else strategy
            for name, strategy in self._derivatives.items()
        }
        return Ask(self._fields, able, self._numbers, self._reference)

    @contextmanager
    def moved(self, device: str | torch.device) -> Iterator[None]:
        """Evaluate on a device for a while, to which the fields are moved."""
        modules = [each for each in self._fields.values() if isinstance(each, nn.Module)]
        before = [next(module.parameters()).device for module in modules]
        for module in modules:
            module.to(device)
        try:
            yield
        finally:
            for module, place in zip(modules, before, strict=True):
                module.to(place)

    def weights(self) -> list[Tensor]:
        """Every weight and number of the fields, for terms that look at gradients with respect to them (`refresh`)."""
        modules = [each for each in self._fields.values() if isinstance(each, nn.Module)]
        return [*(weight for module in modules for weight in module.parameters()), *self._numbers.values()]

    def number(self, name: str) -> Tensor:
        """A fitted number, shape ()."""
        return self._numbers[name]
