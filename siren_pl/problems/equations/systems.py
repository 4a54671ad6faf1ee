"""An equation on a lattice: a sparse system, assembled from the residuals themselves and solved by Newton's steps.

Every node of every output has one row: that of a condition at its face, or that of the interior. A second condition at
the same face, such as a first velocity, stands in the next layer. The derivative of a residual with respect to the
streams that it asks for is taken by forward-mode differentiation; for a linear equation one step is the solution.

Letters: N nodes, C outputs, F functions, D axes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.equations.domains import Box
from siren_pl.problems.equations.dry_run import Given, Noted, stacked
from siren_pl.problems.equations.lattices import Lattice
from siren_pl.problems.equations.statement import Condition, Equation
from siren_pl.problems.equations.streams import MEASURED, Stream

# Newton's steps at most, and the step at which they end, in parts of the solution; of a solution of zero, in TINY's.
STEPS, SMALL, TINY = 40, 1e-7, 1e-12
# Layers of a time that are solved for together in the beginning: as many as a stencil that looks ahead has nodes.
AHEAD = 3


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


class Linear(NamedTuple):
    """A residual's derivative: `matrix` (n, N) is that of its equation `row` by the function `column` at all nodes."""

    row: int
    column: int
    matrix: Any


def parts_of(
    equation: Equation, noted: Sequence[tuple[Condition, Noted]], lattice: Lattice, channels: int
) -> list[Part] | None:
    """Share the rows among the conditions; None if they are not as many as the unknowns."""
    region = equation.domain
    if not isinstance(region, Box) or any(each.equations != channels for _, each in noted):
        return None
    numbers = np.arange(int(np.prod(lattice.shape))).reshape(lattice.shape)
    free = np.ones(lattice.shape, bool)
    parts, seen = [], []
    for condition, each in noted:
        if not condition.places:
            continue
        for face in region.faces(condition.places):
            depth = seen.count(face)
            seen.append(face)
            at, slot = (_layer(lattice, face, how_deep) for how_deep in (0, depth))
            open_slots = free[slot]
            parts.append(Part(condition, each, numbers[slot][open_slots], numbers[at][open_slots]))
            free[slot] = False
    (interior, own), rest = noted[0], numbers[free]
    return [Part(interior, own, rest, rest), *parts]


def _layer(lattice: Lattice, face: Mapping[int, float], depth: int) -> Any:
    """The index of the nodes of a face, or of the layer at some depth beneath it."""
    index: list[Any] = [slice(None)] * len(lattice.shape)
    for axis, place in face.items():
        nodes = lattice.nodes[axis]
        nearest = int(np.abs(nodes - place).argmin())
        index[axis] = nearest + depth if place < lattice.region.middle[axis] else nearest - depth
    return tuple(index)


@dataclass(frozen=True)
class System:
    """The equation on a lattice.

    Attributes:
        equation: The equation.
        lattice: The lattice.
        parts: The rows of every condition.
    """

    equation: Equation
    lattice: Lattice
    parts: Sequence[Part]

    @property
    def kind(self) -> Any:
        """The type of the unknowns."""
        return np.complex128 if self.equation.is_complex else np.float64

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Any]:
        """The difference matrices that were asked for."""
        return {}

    def _difference(self, along: tuple[str, ...]) -> Any:
        if along not in self._known:
            self._known[along] = self.lattice.difference(along)
        return self._known[along]

    @property
    def functions(self) -> tuple[str, ...]:
        """The outputs, then the unknown coefficients."""
        return (*self.equation.outputs, *self.equation.coefficients)

    def linearised(
        self, values: NDArray, parts: Sequence[Part] | None = None, by: Collection[str] | None = None
    ) -> tuple[NDArray, Any]:
        """The residual (C N,) at some values (F, N) of the functions, and its sparse derivative (C N, F N).

        Args:
            values: The outputs, then the unknown coefficients.
            parts: The rows that are computed; None for all.
            by: The functions by which it is differentiated, whose columns alone are filled; None for all.
        """
        from scipy import sparse

        count, channels = values.shape[1], len(self.equation.outputs)
        residual = np.zeros((channels, count), self.kind)
        rows: list[Any] = []
        for part in self.parts if parts is None else parts:
            residual[:, part.slots], slopes = self.linearised_part(part, values, by)
            rows += [_placed(slope, part.slots, count) for slope in slopes]
        whole = [np.concatenate(each) for each in zip(*rows, strict=True)]
        shape = channels * count, len(self.functions) * count
        return residual.reshape(-1), sparse.csc_matrix((whole[0], (whole[1], whole[2])), shape)

    def linearised_part(
        self, part: Part, values: NDArray, by: Collection[str] | None = None
    ) -> tuple[NDArray, list[Linear]]:
        """The residual (R, n) of one condition, and its derivative by every function that it depends on."""
        from scipy import sparse

        coords = torch.from_numpy(part.coords(self.lattice))
        known: dict[str, Any] = dict(zip(self.equation.domain.names, coords.unbind(-1), strict=True))
        if part.measured is not None:
            known[MEASURED] = Given({name: torch.from_numpy(each) for name, each in part.measured.items()})
        names = part.noted.streams.attributes
        matrices = {key: part.rows(self._difference(key[1])) for key in {_key(each) for each in names.values()}}
        streams: dict[Any, Tensor] = {}
        for key, matrix in matrices.items():
            function = values[self.functions.index(key[0])]
            streams[key] = torch.from_numpy(matrix @ (function if key[0] in self.equation.outputs else function.real))

        def found(given: dict[Any, Tensor]) -> Tensor:
            named = {name: given[_key(stream)] for name, stream in names.items()}
            return stacked(part.condition.residual(Given(known | named)), part.condition.name, len(coords))

        slopes = []
        for key in (each for each in streams if by is None or each[0] in by):
            unit = {each: torch.ones_like(v) if each == key else torch.zeros_like(v) for each, v in streams.items()}
            slope = torch.func.jvp(found, (streams,), (unit,))[1].numpy()  # (n, R)
            for row in np.flatnonzero(np.any(slope, 0)):
                slopes.append(
                    Linear(int(row), self.functions.index(key[0]), sparse.diags(slope[:, row]) @ matrices[key])
                )
        return found(streams).numpy().T, slopes

    def solved(self) -> NDArray | None:
        """The outputs (C, N) at the nodes; None if there is no solution, or Newton's steps do not find it."""
        values = np.zeros((len(self.equation.outputs), len(self.lattice.coords)), self.kind)
        before: NDArray | None = None
        for block in self.blocks():
            if before is not None and len(block) == len(before):
                values[:, block] = values[:, before]  # a good start: the layer before
            if not self._settled(values, block):
                return None
            before = block
        return values

    def blocks(self) -> list[NDArray[np.int64]]:
        """Nodes that are solved for together: all of them, or along a time the first layers, then one after the other.

        Rows of the first layers, where initial conditions stand, look ahead.
        """
        numbers = np.arange(len(self.lattice.coords)).reshape(self.lattice.shape)
        if len(self.lattice.marched) != 1 or all(part.noted.is_affine for part in self.parts):
            return [numbers.reshape(-1)]
        layers = np.moveaxis(numbers, self.lattice.region.names.index(next(iter(self.lattice.marched))), 0)
        return [layers[:AHEAD].reshape(-1), *(layer.reshape(-1) for layer in layers[AHEAD:])]

    def _settled(self, values: NDArray, block: NDArray[np.int64]) -> bool:
        """Take Newton's steps of some nodes in place; whether they came to an end."""
        from scipy.sparse.linalg import splu

        parts = [each for part in self.parts if len((each := part.within(block)).slots)]
        chosen = np.concatenate([channel * values.shape[1] + block for channel in range(len(values))])
        for _ in range(STEPS):
            residual, slope = self.linearised(values, parts)
            try:
                step = splu(slope[chosen][:, chosen].tocsc()).solve(-residual[chosen])
            except RuntimeError:  # a singular matrix
                return False
            values.reshape(-1)[chosen] += step
            if not np.isfinite(step).all():
                return False
            if np.linalg.norm(step) <= SMALL * max(float(np.linalg.norm(values.reshape(-1)[chosen])), TINY):
                return True
        return False


def _key(stream: Stream) -> Stream:
    """The name of a stream, whatever the order in which its axes are said."""
    return stream[0], tuple(sorted(stream[1]))


def _placed(slope: Linear, slots: NDArray, count: int) -> tuple[NDArray, NDArray, NDArray]:
    """The entries of a block of the whole matrix: values, rows, columns."""
    entries = slope.matrix.tocoo()
    return entries.data, slope.row * count + slots[entries.row], slope.column * count + entries.col
