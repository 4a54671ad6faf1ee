"""A lattice over a box, and difference matrices on it: central inside, one-sided at ends, backward along a time.

A time is an axis with conditions at its lower end alone. Backward differences make the equations on the lattice those
of an implicit march (BDF2; Houbolt 1950 for second derivatives), which is stable at any step.

Letters: N nodes, D axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.equations.domains import BOUNDARY, Box
from siren_pl.problems.equations.statement import Condition

Array = NDArray[np.float64]
# Nodes of a stencil of second order for a first derivative, and of a one-sided one for a second derivative.
THREE, FOUR = 3, 4


@dataclass(frozen=True)
class Lattice:
    """The product of nodes along each axis.

    Attributes:
        region: The box.
        nodes: Nodes of each axis in ascending order; a periodic axis ends before its upper end.
        marched: Names of the axes along which differences are backward.
    """

    region: Box
    nodes: tuple[Array, ...]
    marched: frozenset[str]

    @property
    def shape(self) -> tuple[int, ...]:
        """Nodes along each axis."""
        return tuple(map(len, self.nodes))

    @cached_property
    def coords(self) -> Array:
        """The nodes (N, D)."""
        return np.stack([each.reshape(-1) for each in np.meshgrid(*self.nodes, indexing="ij")], 1)

    @cached_property
    def shares(self) -> Array:
        """The share of the box (N,) that a node stands for, by the trapezoidal rule: means are integrals."""
        found: Array = np.ones(1)
        for axis, nodes in enumerate(self.nodes):
            gaps = np.diff(nodes)
            along = np.r_[gaps, 0.0] / 2 + np.r_[0.0, gaps] / 2
            if self.region.names[axis] in self.region.periodic:
                along = np.ones(len(nodes))
            found = np.outer(found, along / along.sum()).reshape(-1).astype(np.float64)
        return found

    def difference(self, derivative: Sequence[str]) -> Any:
        """The sparse matrix (N, N) of a derivative along some axes: none, one, one twice, or two."""
        from scipy import sparse

        orders = [list(derivative).count(name) for name in self.region.names]
        found: Any = sparse.identity(1, format="csr")
        for axis, order in enumerate(orders):
            found = sparse.kron(found, self._along(axis, order), format="csr")
        return found

    def sampled(self, coords: Array) -> Any:
        """The sparse matrix (M, N) that interpolates between nodes, cubically along every axis, at points (M, D)."""
        from scipy import sparse

        found: Any = None
        for axis in range(len(self.nodes)):
            along = self._interpolation(axis, coords[:, axis])
            # The product of a row with every entry of a row: as Kronecker's product, row by row.
            found = along if found is None else _row_by_row(found, along)
        return sparse.csr_matrix(found)

    def _interpolation(self, axis: int, places: Array) -> Any:
        from scipy import sparse

        nodes, count = self.nodes[axis], len(self.nodes[axis])
        if self.region.names[axis] in self.region.periodic:  # three periods side by side
            length = self.region.upper[axis] - self.region.lower[axis]
            nodes = np.concatenate([nodes - length, nodes, nodes + length])
        length_of = min(FOUR, len(nodes))
        firsts = np.clip(np.searchsorted(nodes, places) - length_of // 2, 0, len(nodes) - length_of)
        chosen = firsts[:, None] + np.arange(length_of)
        weights = [_weights(nodes[each] - place, 0) for each, place in zip(chosen, places, strict=True)]
        rows = np.repeat(np.arange(len(places)), length_of)
        return sparse.csr_matrix((np.concatenate(weights), (rows, chosen.reshape(-1) % count)), (len(places), count))

    def _along(self, axis: int, order: int) -> Any:
        from scipy import sparse

        nodes, name = self.nodes[axis], self.region.names[axis]
        count = len(nodes)
        if order == 0:
            return sparse.identity(count, format="csr")
        if name in self.region.periodic:
            return _periodic(nodes, self.region.upper[axis] - self.region.lower[axis], order)
        choose = _backward if name in self.marched else _central
        matrix = sparse.lil_matrix((count, count))
        for row in range(count):
            chosen = choose(row, count, order)
            matrix[row, chosen] = _weights(nodes[chosen] - nodes[row], order)
        return matrix.tocsr()


def lattice_of(
    region: Box, conditions: Sequence[Condition], cells: int, shift: Sequence[float] | None = None
) -> Lattice:
    """A lattice with this many cells along each axis.

    Args:
        region: The box.
        conditions: Those of the equation, which say along which axes it is a march.
        cells: Cells along each axis.
        shift: By how many cells the inner nodes are moved, per axis, between -1/2 and 1/2; None for not at all.
    """
    nodes = []
    for axis, name in enumerate(region.names):
        moved = shift[axis] if shift is not None else 0.0
        ends = region.lower[axis], region.upper[axis]
        if name in region.periodic:
            nodes.append(ends[0] + (ends[1] - ends[0]) * (np.arange(cells) + moved) / cells)
        else:
            inner = (np.arange(1, cells) + moved) / cells
            nodes.append(ends[0] + (ends[1] - ends[0]) * np.concatenate([[0.0], inner, [1.0]]))
    return Lattice(region, tuple(nodes), frozenset(_marched(region, conditions)))


def _marched(region: Box, conditions: Sequence[Condition]) -> list[str]:
    """The axes with conditions at their lower end alone."""
    if any(BOUNDARY in condition.places for condition in conditions):
        return []
    said: dict[str, set[float]] = {name: set() for name in region.names}
    for condition in conditions:
        for face in region.faces(condition.places) if condition.places else ():
            for axis, place in face.items():
                said[region.names[axis]].add(place)
    return [name for name, low in zip(region.names, region.lower, strict=True) if said[name] == {low}]


def _central(row: int, count: int, order: int) -> list[int]:
    """The nodes of a stencil: both neighbours inside, the nearest ones at an end."""
    if 0 < row < count - 1:
        return [row - 1, row, row + 1]
    length = min(count, THREE if order == 1 else FOUR)
    return list(range(length)) if row == 0 else list(range(count - length, count))


def _backward(row: int, count: int, order: int) -> list[int]:
    """The nodes of a backward stencil; the first rows, which hold initial conditions, look ahead."""
    length = THREE if order == 1 else FOUR
    if row == 0:
        return list(range(min(count, THREE)))
    first = max(0, row - length + 1)
    return list(range(first, row + 1)) if row - first >= order else list(range(min(count, order + 1)))


def _weights(offsets: Array, order: int) -> Array:
    """Weights that are exact for polynomials of as many terms as there are nodes."""
    scale = np.abs(offsets).max()
    powers = np.vander(offsets / scale, increasing=True).T
    wanted = np.zeros(len(offsets))
    wanted[order] = math.factorial(order)
    return np.linalg.solve(powers, wanted) / scale**order


def _row_by_row(first: Any, second: Any) -> Any:
    """The products of every entry of a row of one matrix with every entry of the same row of another."""
    from scipy import sparse

    pairs = [sparse.kron(first[row], second[row]) for row in range(first.shape[0])]
    return sparse.vstack(pairs, format="csr") if pairs else sparse.csr_matrix((0, first.shape[1] * second.shape[1]))


def _periodic(nodes: Array, length: float, order: int) -> Any:
    from scipy import sparse

    count = len(nodes)
    step = length / count
    after = sparse.csr_matrix((np.ones(count), (np.arange(count), (np.arange(count) + 1) % count)), (count, count))
    if order == 1:
        return ((after - after.T) / (2 * step)).tocsr()
    return ((after + after.T - 2 * sparse.identity(count)) / step**2).tocsr()
