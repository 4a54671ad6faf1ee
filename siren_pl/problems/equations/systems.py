"""An equation on a lattice: a sparse system that is assembled from the residuals themselves, and solved by Newton's steps.

Every node of every output has one row: that of a condition at its face, or that of the interior. A second condition at
the same face, such as a first velocity, stands in the next layer. The derivative of a residual with respect to the
streams that it asks for is taken by forward-mode differentiation; for a linear equation one step is the solution.

Letters: N nodes, C outputs, D axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.equations.domains import Box
from siren_pl.problems.equations.dry_run import Given, Noted, stacked
from siren_pl.problems.equations.lattices import Lattice
from siren_pl.problems.equations.statement import Condition, Equation

# Newton's steps at most, halvings of a step that does not help, and the residual at which it ends, in the first one's.
STEPS, HALVINGS, SMALL = 60, 12, 1e-10


class Part(NamedTuple):
    """The rows of one condition.

    Attributes:
        condition: The condition.
        noted: What its residual asks for.
        slots: The nodes whose rows it has.
        nodes: The nodes at which it is evaluated, as many.
    """

    condition: Condition
    noted: Noted
    slots: NDArray[np.int64]
    nodes: NDArray[np.int64]


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

    def linearised(self, values: NDArray) -> tuple[NDArray, Any]:
        """The residual (C N,) at some values of the outputs (C, N), and its sparse derivative (C N, C N)."""
        from scipy import sparse

        count, channels = values.shape[1], len(self.equation.outputs)
        residual = np.zeros((channels, count), self.kind)
        rows: list[Any] = []
        differences: dict[tuple[str, ...], Any] = {}
        for part in self.parts:
            coords = torch.from_numpy(self.lattice.coords[part.nodes])
            axes = dict(zip(self.equation.domain.names, coords.unbind(-1), strict=True))
            streams: dict[Any, Tensor] = {}
            names = part.noted.streams.attributes
            for key in {(function, tuple(sorted(along))) for function, along in names.values()}:
                if key[1] not in differences:
                    differences[key[1]] = self.lattice.difference(key[1])
                stream = (differences[key[1]] @ values[self.equation.outputs.index(key[0])])[part.nodes]
                streams[key] = torch.from_numpy(np.ascontiguousarray(stream))

            def found(given: dict[Any, Tensor], part: Part = part, axes: Any = axes, names: Any = names) -> Tensor:
                named = {name: given[function, tuple(sorted(along))] for name, (function, along) in names.items()}
                return stacked(part.condition.residual(Given(axes | named)), part.condition.name, len(part.nodes))

            residual[:, part.slots] = found(streams).numpy().T
            for key in streams:
                unit = {each: torch.ones_like(v) if each == key else torch.zeros_like(v) for each, v in streams.items()}
                slope = torch.func.jvp(found, (streams,), (unit,))[1].numpy()  # (n, C)
                column = self.equation.outputs.index(key[0])
                matrix = differences[key[1]][part.nodes]
                for row in range(channels):
                    if np.any(slope[:, row]):
                        rows.append(_placed(sparse.diags(slope[:, row]) @ matrix, part.slots, row, column, count))
        whole = [np.concatenate(each) for each in zip(*rows, strict=True)]
        size = channels * count
        return residual.reshape(-1), sparse.csc_matrix((whole[0], (whole[1], whole[2])), (size, size))

    def solved(self) -> NDArray | None:
        """The outputs (C, N) at the nodes; None if there is no solution, or Newton's steps do not find it."""
        from scipy.sparse.linalg import splu

        values = np.zeros((len(self.equation.outputs), len(self.lattice.coords)), self.kind)
        residual, slope = self.linearised(values)
        first = norm = float(np.linalg.norm(residual))
        for _ in range(STEPS):
            try:
                step = splu(slope).solve(-residual).reshape(values.shape)
            except RuntimeError:  # a singular matrix
                return None
            for halving in range(HALVINGS):
                tried = values + step / 2**halving
                residual, slope = self.linearised(tried)
                if float(np.linalg.norm(residual)) < norm or norm <= SMALL * first:
                    break
            else:
                return None
            values, norm = tried, float(np.linalg.norm(residual))
            if norm <= SMALL * first:
                return values if np.isfinite(values).all() else None
        return None


def _placed(matrix: Any, slots: NDArray, row: int, column: int, count: int) -> tuple[NDArray, NDArray, NDArray]:
    """The entries of a block of the whole matrix: values, rows, columns."""
    entries = matrix.tocoo()
    return entries.data, row * count + slots[entries.row], column * count + entries.col
