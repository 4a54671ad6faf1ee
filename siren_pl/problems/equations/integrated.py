"""Integrated residuals: a linear residual is judged by the error that it causes, |A⁻¹ r|², not by its own size.

A is the equation on a lattice, factorised once. A field that vanishes under A⁻¹ r at the nodes of one lattice may still
be wrong between them, so there are several lattices, shifted against each other, and every step takes one at random.

Letters: S lattices, N nodes, C outputs, D axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.equations.domains import Box
from siren_pl.problems.equations.dry_run import Noted, stacked
from siren_pl.problems.equations.lattices import Lattice, lattice_of
from siren_pl.problems.equations.parts import Part, parts_of, unfit_for_factors
from siren_pl.problems.equations.statement import Condition, Equation
from siren_pl.problems.equations.streams import SOLUTION, functions_at
from siren_pl.problems.equations.systems import System
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term

# Lattices, and by how much of a cell the inner nodes are moved at most: less than half, so that none meets an end.
LATTICES, MOST_SHIFT = 6, 0.45
# The least pivot, in parts of the largest, of a matrix that determines the solution.
SINGULAR = 1e-13


@dataclass(frozen=True)
class Integrated(Term):
    """The mean square of A⁻¹ r over the nodes of a lattice.

    Attributes:
        systems: The equation on each lattice.
        factors: The factorised matrix of each.
        weight: The weight of the loss.
        loose: Outputs that the equation determines up to a constant, by their numbers: their mean is to be zero.
    """

    systems: Sequence[System] = field(compare=False)
    factors: Sequence[Any] = field(compare=False)
    weight: float = 1.0
    loose: tuple[int, ...] = ()

    rows = ()
    mappable = compilable = False

    @property
    def order(self) -> int:  # type: ignore[override]
        """The highest derivative that any residual asks for."""
        return max(part.noted.streams.order for part in self.systems[0].parts)

    @override
    def points(self) -> Points:
        table = {"weight": torch.tensor(float(self.weight)), "which": torch.arange(len(self.systems))}
        for number in range(len(self.systems[0].parts)):
            each = [system.lattice.coords[system.parts[number].nodes] for system in self.systems]
            table[f"coords_{number}"] = torch.from_numpy(np.stack(each))
        if self.loose:
            table["coords_all"] = torch.from_numpy(np.stack([system.lattice.coords for system in self.systems]))
        return table

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        which = torch.randint(len(self.systems), (1,), generator=generator, device=generator.device)
        chosen = {name: column[which][0] for name, column in table.items() if name.startswith("coords_")}
        return chosen | {"which": table["which"][which], "weight": table["weight"]}

    @override
    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        system = self.systems[int(points["which"])]
        residual = torch.cat([self._rows(ask, part, points[f"coords_{i}"]) for i, part in enumerate(system.parts)])
        order = np.concatenate([self._slots(system, part) for part in system.parts])
        whole = torch.zeros_like(residual).index_copy(0, torch.from_numpy(order).to(residual.device), residual)
        if self.loose:
            outputs = functions_at(ask.anew(), system.equation, SOLUTION, points["coords_all"])
            whole = torch.cat([whole, outputs[list(self.loose)] @ torch.from_numpy(system.lattice.shares).to(outputs)])
        error = _Solved.apply(whole, self.factors[int(points["which"])])[: len(residual)]
        return {"integrated": points["weight"] * error.abs().square().mean()}

    @staticmethod
    def _rows(ask: Ask, part: Part, coords: Tensor) -> Tensor:
        """The residuals of a part, output after output."""
        given = part.noted.streams.computed(ask.anew(), coords)
        return stacked(part.condition.residual(given), part.condition.name, len(coords)).T.reshape(-1)

    @staticmethod
    def _slots(system: System, part: Part) -> Any:
        count = len(system.lattice.coords)
        return np.concatenate([channel * count + part.slots for channel in range(len(system.equation.outputs))])


class _Solved(torch.autograd.Function):
    """A⁻¹ r in float64, whose gradient is A⁻ᴴ times that of the result."""

    @staticmethod
    def forward(ctx: Any, residual: Tensor, factors: Any) -> Tensor:  # type: ignore[override]
        ctx.factors = factors
        return _applied(factors, residual, "N")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        return _applied(ctx.factors, gradient, "H"), None


def _applied(factors: Any, vector: Tensor, how: str) -> Tensor:
    wide = np.complex128 if vector.is_complex() else np.float64
    return torch.from_numpy(factors.solve(vector.detach().cpu().numpy().astype(wide), trans=how)).to(vector)


def integrated(
    equation: Equation, noted: Sequence[tuple[Condition, Noted]], cells: int, weight: float, seed: int
) -> Integrated:
    """Assemble and factorise an equation on shifted lattices.

    Raises:
        UserError: It cannot be integrated, and why.
    """
    name = type(equation).__name__
    if reason := hindrance(equation, noted):
        raise UserError(f"task.integrate=true: {name} {reason}. Choose task.integrate=false.")
    systems, factors = [], []
    for lattice in shifted_lattices(equation, [each for each, _ in noted], cells, seed):
        system = System(equation, lattice, parts_of(noted, lattice))
        matrix = system.linearised(np.zeros((len(equation.outputs), len(lattice.coords)), system.kind))[1]
        loose = system.open_constants(matrix)
        factors.append(_factorised(system.bordered(matrix, loose) if loose else matrix, name))
        systems.append(system)
    return Integrated(tuple(systems), tuple(factors), weight, loose)


def shifted_lattices(equation: Equation, conditions: Sequence[Condition], cells: int, seed: int) -> Iterator[Lattice]:
    """One lattice as it is, then others that are shifted at random."""
    assert isinstance(equation.domain, Box)
    generator = np.random.default_rng(seed)
    for number in range(LATTICES):
        shift = generator.uniform(-MOST_SHIFT, MOST_SHIFT, len(equation.domain.names)).tolist() if number else None
        yield lattice_of(equation.domain, conditions, cells, shift)


def _factorised(matrix: Any, name: str) -> Any:
    """The factors of a matrix.

    Raises:
        UserError: It is singular.
    """
    from scipy.sparse.linalg import splu

    try:
        found = splu(matrix)
        pivots = np.abs(found.U.diagonal())
        if pivots.min() > SINGULAR * pivots.max():
            return found
    except RuntimeError:  # exactly singular
        pass
    raise UserError(
        f"task.integrate=true: the matrix of {name} on a lattice is singular, so its conditions leave the solution "
        "open. Add a condition, or choose task.integrate=false."
    )


def hindrance(equation: Equation, noted: Sequence[tuple[Condition, Noted]]) -> str:
    """Why an equation cannot be integrated; empty if it can."""
    if equation.coefficients or equation.numbers or any(condition.is_observed for condition, _ in noted):
        return "has unknown coefficients, numbers or measurements"
    return unfit_for_factors(equation, noted)
