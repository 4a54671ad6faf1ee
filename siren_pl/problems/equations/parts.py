"""How the rows of an equation on a lattice are shared among its conditions.

Every node of every output has one row: that of a condition at its face, or that of the interior. A second condition at
the same face, such as a first velocity, stands in the next layer.

Letters: N nodes, n of them, D axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.equations.domains import Box
from siren_pl.problems.equations.dry_run import Noted
from siren_pl.problems.equations.lattices import Lattice
from siren_pl.problems.equations.statement import Condition, Equation


@dataclass(frozen=True)
class Part:
    """The rows of one condition.

    Attributes:
        condition: The condition.
        noted: What its residual asks for.
        slots: The nodes whose rows it has.
        nodes: The nodes at which it is evaluated, as many.
        measured: Columns of what was measured there; None if nothing was.
    """

    condition: Condition
    noted: Noted
    slots: NDArray[np.int64]
    nodes: NDArray[np.int64]
    measured: Mapping[str, NDArray] | None = None

    def within(self, block: NDArray[np.int64]) -> Part:
        """The rows of some nodes alone."""
        chosen = np.isin(self.slots, block)
        return replace(self, slots=self.slots[chosen], nodes=self.nodes[chosen])

    def coords(self, lattice: Lattice) -> NDArray[np.float64]:
        """Where it is evaluated (n, D)."""
        return lattice.coords[self.nodes]

    def rows(self, matrix: Any) -> Any:
        """What a sparse matrix (N, N) says at these places (n, N)."""
        return matrix[self.nodes]


def parts_of(noted: Sequence[tuple[Condition, Noted]], lattice: Lattice) -> list[Part]:
    """Share the rows among the conditions of an equation that is not `unfit`; the interior is the first."""
    numbers = np.arange(int(np.prod(lattice.shape))).reshape(lattice.shape)
    free = np.ones(lattice.shape, bool)
    parts, seen = [], []
    for condition, each in noted:
        if not condition.places:
            continue
        for face in lattice.region.faces(condition.places):
            depth = seen.count(face)
            seen.append(face)
            at, slot = (_layer(lattice, face, how_deep) for how_deep in (0, depth))
            open_slots = free[slot]
            parts.append(Part(condition, each, numbers[slot][open_slots], numbers[at][open_slots]))
            free[slot] = False
    (interior, own), rest = noted[0], numbers[free]
    return [Part(interior, own, rest, rest), *parts]


def unfit(equation: Equation, noted: Sequence[tuple[Condition, Noted]]) -> str:
    """Why an equation has no rows on a lattice; empty if it has."""
    if not isinstance(equation.domain, Box):
        return "lives on no box"
    if len(equation.domain.names) > 2:  # noqa: PLR2004 - the factors of a lattice of three axes do not fit
        return "has more than two axes"
    if any(condition.region is not None for condition, _ in noted):
        return "has a condition that holds in a part of the domain"
    own = [each for condition, each in noted if not (condition.is_observed or condition.is_prior)]
    if any(each.equations != len(equation.outputs) for each in own):
        return "has not as many equations as outputs"
    return ""


def unfit_for_factors(equation: Equation, noted: Sequence[tuple[Condition, Noted]]) -> str:
    """Why a matrix that is factorised once does not solve an equation; empty if it does."""
    if not all(each.is_affine for _, each in noted):
        return "is not linear in its outputs"
    return unfit(equation, noted)


def _layer(lattice: Lattice, face: Mapping[int, float], depth: int) -> Any:
    """The index of the nodes of a face, or of the layer at some depth beneath it."""
    index: list[Any] = [slice(None)] * len(lattice.shape)
    for axis, place in face.items():
        nodes = lattice.nodes[axis]
        nearest = int(np.abs(nodes - place).argmin())
        index[axis] = nearest + depth if nearest < len(nodes) / 2 else nearest - depth
    return tuple(index)
