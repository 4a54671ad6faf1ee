"""Coefficients alone are sought: the outputs are solved for on a lattice in every step, and so eliminated.

The loss is |J⁺ r|²: r is what remains of the measurements, J its derivative by the coefficients at the nodes, so that
J⁺ r is Gauss and Newton's step, damped by Levenberg's rule. The fields take what they can of that step. As with
integrated residuals, every step takes one of several shifted lattices at random, so that nothing hides between nodes.

Letters: N nodes, C outputs, K coefficients, Q measured residuals, D axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.equations.dry_run import Noted
from siren_pl.problems.equations.elimination import Elimination, Sampled, State, same
from siren_pl.problems.equations.integrated import shifted_lattices
from siren_pl.problems.equations.parts import parts_of, unfit_for_factors
from siren_pl.problems.equations.solutions import FieldSolution, LatticeSolution
from siren_pl.problems.equations.statement import Condition, Equation
from siren_pl.problems.equations.streams import COEFFICIENTS, functions_at
from siren_pl.problems.equations.systems import System
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term


@dataclass(frozen=True)
class Eliminated(Term):
    """The mean square of Gauss and Newton's step over the nodes of a lattice.

    Attributes:
        eliminations: The equation on each lattice.
    """

    eliminations: Sequence[Elimination] = field(compare=False)

    rows, order = (), 0
    mappable = compilable = False

    @override
    def points(self) -> Points:
        coords = [each.system.lattice.coords for each in self.eliminations]
        return {"coords": torch.from_numpy(np.stack(coords)), "which": torch.arange(len(coords))}

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        which = torch.randint(len(table["which"]), (1,), generator=generator, device=generator.device)
        return {name: column[which] for name, column in table.items()}

    @override
    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        chosen = self.eliminations[int(points["which"])]
        values = functions_at(ask, chosen.system.equation, COEFFICIENTS, points["coords"][0])  # (K, N)
        step = torch.from_numpy(chosen.step(values.detach().cpu().numpy().astype(np.float64))).to(values)
        matters = step.isfinite()
        return {"eliminated": (values - (values + step).detach())[matters].square().mean()}


@dataclass(frozen=True)
class EliminatedSolution(FieldSolution):
    """The coefficients that the fields say, and the outputs that follow from them on a lattice.

    Attributes:
        elimination: The equation on that lattice.
    """

    elimination: Elimination

    @cached_property
    def _state(self) -> State:
        nodes = self.ask.placed(torch.from_numpy(self.elimination.system.lattice.coords))
        with torch.no_grad():
            values = functions_at(self.ask.anew(), self.equation, COEFFICIENTS, nodes)
        return self.elimination.state(values.cpu().numpy().astype(np.float64))

    @override
    def found(self, coords: NDArray) -> NDArray:
        values = self._state.values[: len(self.equation.outputs)]
        return LatticeSolution(self.equation, self.elimination.system.lattice, values).found(coords)

    @override
    def residual(self, coords: NDArray) -> NDArray:
        """What remains of the measurements (Q, 1), wherever the points are: the equation holds on the lattice."""
        return self.elimination.remaining(self._state)[:, None]


def eliminated(
    equation: Equation,
    noted: Sequence[tuple[Condition, Noted]],
    measured: Mapping[str, NDArray],
    cells: int,
    seed: int,
) -> Eliminated:
    """Assemble an equation with unknown coefficients on shifted lattices.

    Raises:
        UserError: Its outputs cannot be eliminated, and why.
    """
    if reason := hindrance_of(equation, noted):
        raise UserError(f"task.integrate=true: {type(equation).__name__} {reason}. Choose task.integrate=false.")
    names = equation.domain.names
    places = np.stack([measured[name] for name in names], 1)
    columns = {name: np.asarray(each) for name, each in measured.items() if name not in names}
    found = []
    for lattice in shifted_lattices(equation, [condition for condition, _ in noted], cells, seed):
        between, none = lattice.sampled(places), np.zeros(0, np.int64)
        observed = [
            Sampled(condition, each, none, none, columns, places, between)
            for condition, each in noted
            if condition.is_observed
        ]
        system = System(equation, lattice, parts_of(noted, lattice))
        found.append(Elimination(system, observed, _alike(system)))
    return Eliminated(tuple(found))


def _alike(system: System) -> bool:
    """Whether the matrix is made of equal blocks, one for each output, and nothing beside them."""
    from scipy import sparse

    channels, count = len(system.equation.outputs), len(system.lattice.coords)
    starts = np.array(list(system.equation.coefficients.values()))[:, None]
    values = np.concatenate([np.ones((channels, count)), np.broadcast_to(starts, (len(starts), count))])
    matrix = system.linearised(values, by=system.equation.outputs)[1][:, : channels * count]
    whole = sparse.block_diag([matrix[:count, :count]] * channels, format="csc")
    return channels > 1 and same(whole, matrix)


def hindrance_of(equation: Equation, noted: Sequence[tuple[Condition, Noted]]) -> str:
    """Why the outputs of an equation cannot be eliminated; empty if they can."""
    if not equation.coefficients or equation.numbers or not any(condition.is_observed for condition, _ in noted):
        return "has no unknown coefficient that is to be found from measurements"
    return unfit_for_factors(equation, noted)
