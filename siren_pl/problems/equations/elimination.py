"""The outputs of an equation as functions of its coefficients: a solution on a lattice, and its derivative.

A damped step of Gauss and Newton for the coefficients at the nodes comes from one adjoint solution per measurement
(Pratt et al. 1998 for waves).

Letters: N nodes, C outputs, K coefficients, Q measured residuals of n places, D axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from siren_pl.problems.equations.lattices import Lattice
from siren_pl.problems.equations.parts import Part
from siren_pl.problems.equations.systems import System

# Levenberg's damping in mean eigenvalues of J Jᵀ: about the square of the noise that measurements are expected to have.
DAMPING = 0.01
# By how much equal entries of two matrices may differ, in parts of the largest.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Sampled(Part):
    """A measured condition: its rows are those of points between the nodes.

    Attributes:
        places: The points (n, D).
        between: The matrix (n, N) that interpolates.
    """

    places: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 1)))
    between: Any = None

    @override
    def coords(self, lattice: Lattice) -> NDArray[np.float64]:
        return self.places

    @override
    def rows(self, matrix: Any) -> Any:
        return self.between @ matrix


class State(NamedTuple):
    """The outputs that belong to some coefficients.

    Attributes:
        values: The functions (C + K, N), outputs first.
        factors: The factorised equation: of one output if all outputs are alike.
    """

    values: NDArray
    factors: Any


@dataclass(frozen=True)
class Elimination:
    """The equation on a lattice, whose outputs follow from its coefficients, and what was measured of them.

    Attributes:
        system: The equation.
        observed: The measured conditions.
        alike: Whether the matrix is the same for every output and couples none to another, as with several sources.
    """

    system: System
    observed: Sequence[Sampled]
    alike: bool

    def state(self, coefficients: NDArray) -> State:
        """Solve for the outputs, given coefficients (K, N) at the nodes."""
        from scipy.sparse.linalg import splu

        outputs = self.system.equation.outputs
        count, channels = coefficients.shape[1], len(outputs)
        values = np.concatenate([np.zeros((channels, count), self.system.kind), coefficients])
        right, matrix = self.system.linearised(values, by=outputs[:1] if self.alike else outputs)
        size = count if self.alike else channels * count
        factors = splu(matrix[:size, :size].tocsc())
        values[:channels] = -factors.solve(right.reshape(-1, size).T).T.reshape(channels, count)
        return State(values, factors)

    def remaining(self, state: State) -> NDArray:
        """What remains of the measurements (Q,)."""
        return np.concatenate(
            [self.system.linearised_part(each, state.values, ())[0].ravel() for each in self.observed]
        )

    def derivative(self, state: State) -> NDArray:
        """The derivative (Q, K N) of what remains by the coefficients, from one adjoint solution a measurement."""
        equation = self.system.equation
        channels, count = len(equation.outputs), state.values.shape[1]
        forward = self.system.linearised(state.values, by=tuple(equation.coefficients))[1][
            :, channels * count :
        ].tocsr()
        found = []
        for part in self.observed:
            residual, slopes = self.system.linearised_part(part, state.values)
            rows = np.zeros((*residual.shape, forward.shape[1]), self.system.kind)  # (R, n, K N)
            before: tuple[Any, Any] | None = None
            for slope in slopes:
                if slope.column >= channels:  # a coefficient was measured
                    first = (slope.column - channels) * count
                    rows[slope.row, :, first : first + count] += slope.matrix.toarray()
                    continue
                if before is None or not same(before[0], slope.matrix):
                    before = slope.matrix, self._adjoint(state, slope.matrix, slope.column)
                first = slope.column * count if self.alike else 0
                rows[slope.row] -= (forward[first : first + before[1].shape[0]].T @ before[1]).T
            found.append(rows.reshape(-1, forward.shape[1]))
        return np.concatenate(found)

    def _adjoint(self, state: State, matrix: Any, column: int) -> NDArray:
        """A⁻ᵀ of the transpose of a matrix (n, N): (N, n), or (C N, n) if the outputs are not alike."""
        count = matrix.shape[1]
        size, first = (count, 0) if self.alike else (len(self.system.equation.outputs) * count, column * count)
        whole = np.zeros((size, matrix.shape[0]), self.system.kind)
        whole[first : first + count] = matrix.T.toarray()
        return state.factors.solve(whole, trans="T")

    def step(self, coefficients: NDArray) -> NDArray:
        """Gauss and Newton's step (K, N); NaN at nodes that no measurement depends on."""
        state = self.state(coefficients)
        residual, derivative = _real(self.remaining(state)), _real(self.derivative(state))
        matters = derivative.any(0)
        derivative = derivative[:, matters]
        kernel = derivative @ derivative.T
        damped = kernel + DAMPING * np.trace(kernel) / len(kernel) * np.eye(len(kernel))
        found = np.full(coefficients.size, np.nan)
        found[matters] = -derivative.T @ np.linalg.solve(damped, residual)
        return found.reshape(coefficients.shape)


def same(first: Any, second: Any) -> bool:
    """Whether two sparse matrices differ by rounding alone."""
    return abs(first - second).max() <= ROUNDING * abs(first).max()


def _real(rows: NDArray) -> NDArray:
    """Complex rows as twice as many real ones."""
    return np.concatenate([np.real(rows), np.imag(rows)]) if np.iscomplexobj(rows) else rows
