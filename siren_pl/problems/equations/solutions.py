"""Solutions: what is found of an equation's functions, by the fields or by a lattice, at any points of the domain.

Letters: N points, D axes, C outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.equations.lattices import Lattice
from siren_pl.problems.equations.statement import Equation
from siren_pl.problems.equations.streams import COEFFICIENTS, SOLUTION, Streams, functions_at, number_of
from siren_pl.training.ask import Ask

# Points that are evaluated at once.
AT_ONCE = 1 << 15
# Nodes that a cubic interpolation needs along every axis.
CUBIC = 4


class Solution(ABC):
    """The functions that were found.

    Attributes:
        equation: The equation.
    """

    equation: Equation

    @abstractmethod
    def found(self, coords: NDArray) -> NDArray:
        """The outputs (N, C) at points (N, D) in the units of the equation, without the part that is added."""

    def outputs(self, coords: NDArray) -> NDArray:
        """The outputs (N, C)."""
        known = exact(self.equation.added, coords)
        return self.found(coords) if known is None else self.found(coords) + known

    def coefficients(self, coords: NDArray) -> NDArray | None:
        """The unknown coefficients (N, C) that were found; None if there are none."""
        return None

    def numbers(self) -> dict[str, float]:
        """The unknown numbers that were found."""
        return {}

    def residual(self, coords: NDArray) -> NDArray | None:
        """The residual of the interior (N, R); None if there are no derivatives to compute it from."""
        return None


@dataclass(frozen=True)
class FieldSolution(Solution):
    """What the fields say.

    Attributes:
        equation: The equation.
        streams: What its interior asks for.
        ask: Evaluates the fields.
    """

    equation: Equation
    streams: Streams
    ask: Ask

    @override
    def found(self, coords: NDArray) -> NDArray:
        return self._functions(SOLUTION, coords)

    @override
    def coefficients(self, coords: NDArray) -> NDArray | None:
        return self._functions(COEFFICIENTS, coords) if self.equation.coefficients else None

    @override
    def numbers(self) -> dict[str, float]:
        return {name: float(number_of(self.equation, name, self.ask).detach()) for name in self.equation.numbers}

    @override
    @torch.no_grad()
    def residual(self, coords: NDArray) -> NDArray | None:
        from siren_pl.problems.equations.dry_run import stacked

        parts = []
        for chunk in self._chunks(coords):
            given = self.streams.computed(self.ask.anew(), chunk)
            parts.append(stacked(self.equation.interior(given), "interior", len(chunk)).cpu().numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def _functions(self, field: str, coords: NDArray) -> NDArray:
        parts = [
            functions_at(self.ask.anew(), self.equation, field, chunk).T.cpu().numpy() for chunk in self._chunks(coords)
        ]
        return np.concatenate(parts).astype(np.complex128 if np.iscomplexobj(parts[0]) else np.float64)

    def _chunks(self, coords: NDArray) -> list[Tensor]:
        return [self.ask.placed(torch.from_numpy(coords[i : i + AT_ONCE])) for i in range(0, len(coords), AT_ONCE)]


@dataclass(frozen=True)
class LatticeSolution(Solution):
    """Values at the nodes of a lattice, and cubic interpolation between them.

    Attributes:
        equation: The equation.
        lattice: The lattice.
        values: The outputs (C, N).
    """

    equation: Equation
    lattice: Lattice
    values: NDArray

    @override
    def found(self, coords: NDArray) -> NDArray:
        from scipy.interpolate import RegularGridInterpolator

        nodes, values = list(self.lattice.nodes), self.values.reshape(-1, *self.lattice.shape)
        region = self.lattice.region
        for axis, name in enumerate(region.names):
            if name in region.periodic:  # the first node stands again at the end
                nodes[axis] = np.append(nodes[axis], nodes[axis][0] + region.upper[axis] - region.lower[axis])
                values = np.concatenate([values, np.take(values, [0], axis + 1)], axis + 1)
        method = "cubic" if min(map(len, nodes)) >= CUBIC else "linear"
        # SciPy interpolates real numbers.
        parts = (np.real(values), np.imag(values)) if np.iscomplexobj(values) else (values,)
        each = [np.stack([RegularGridInterpolator(nodes, one, method)(coords) for one in part], -1) for part in parts]
        return each[0] + 1j * each[1] if len(each) > 1 else each[0]


def exact(function: Any, coords: NDArray) -> NDArray | None:
    """A function that the equation knows, as columns (N, C); None if it does not know it."""
    if not len(coords):
        return None
    found = function(*torch.from_numpy(np.ascontiguousarray(coords, np.float64)).unbind(-1))
    if found is None:
        return None
    columns = found if isinstance(found, tuple) else (found,)
    return np.stack([np.broadcast_to(np.asarray(each), (len(coords),)) for each in columns], -1)
