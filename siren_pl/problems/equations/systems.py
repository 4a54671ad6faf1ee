"""An equation on a lattice: a sparse system, assembled from the residuals themselves and solved by Newton's steps.

The derivative of a residual with respect to the
streams that it asks for is taken by forward-mode differentiation; for a linear equation one step is the solution.

Letters: N nodes, C outputs, F functions, D axes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.equations.dry_run import stacked
from siren_pl.problems.equations.lattices import Lattice
from siren_pl.problems.equations.parts import Part
from siren_pl.problems.equations.statement import Equation
from siren_pl.problems.equations.streams import MEASURED, Given, Stream

# Newton's steps at most, and the step at which they end, in parts of the solution; of a solution of zero, in TINY's.
STEPS, SMALL, TINY = 40, 1e-7, 1e-12
# The sum of a matrix's columns, in parts of its largest entry, beneath which it is zero but for rounding.
OPEN = 1e-11
# Layers of a time that are solved for together in the beginning: as many as a stencil that looks ahead has nodes.
AHEAD = 3


class Linear(NamedTuple):
    """A residual's derivative: `matrix` (n, N) is that of its equation `row` by the function `column` at all nodes."""

    row: int
    column: int
    matrix: Any


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

    def open_constants(self, matrix: Any) -> tuple[int, ...]:
        """The outputs to which a constant may be added without changing any residual, by their numbers."""
        count, channels = len(self.lattice.coords), len(self.equation.outputs)
        largest = abs(matrix).max()
        sums = (np.abs(matrix[:, c * count : (c + 1) * count].sum(1)).max() for c in range(channels))
        return tuple(c for c, size in enumerate(sums) if size <= OPEN * largest)

    def bordered(self, matrix: Any, outputs: Sequence[int]) -> Any:
        """A matrix that determines the means of some outputs as well, in rows and columns at its end.

        The columns let residuals differ by a constant, since the equations of such a problem sum up to something that
        the lattice does not meet exactly.
        """
        from scipy import sparse

        count = len(self.lattice.coords)
        whole = np.zeros((matrix.shape[0], len(outputs)))
        means = np.zeros_like(whole)
        for column, output in enumerate(outputs):
            whole[output * count : (output + 1) * count, column] = 1.0
            means[output * count : (output + 1) * count, column] = self.lattice.shares
        return sparse.bmat([[matrix, sparse.csc_matrix(whole)], [sparse.csc_matrix(means.T), None]], format="csc")

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
            slope, right = slope[chosen][:, chosen], -residual[chosen]
            if len(block) == values.shape[1] and (loose := self.open_constants(slope)):
                slope, right = self.bordered(slope, loose), np.append(right, -values[list(loose)] @ self.lattice.shares)
            try:
                step = splu(slope.tocsc()).solve(right)[: len(chosen)]
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
