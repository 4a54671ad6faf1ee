"""The task of solving an equation: its conditions become terms, or one integrated residual; a lattice is the rival."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from siren_pl.errors import UserError
from siren_pl.field.domain import Domain
from siren_pl.problems.equations.balance import BALANCES
from siren_pl.problems.equations.catalogue import equation_named
from siren_pl.problems.equations.constraints import features
from siren_pl.problems.equations.domains import Box, Region
from siren_pl.problems.equations.dry_run import Noted
from siren_pl.problems.equations.eliminated import Eliminated, EliminatedSolution, eliminated
from siren_pl.problems.equations.integrated import integrated
from siren_pl.problems.equations.judge import EquationJudge, Grid
from siren_pl.problems.equations.lattices import lattice_of
from siren_pl.problems.equations.measurements import Measurements, coords_of, kept, placed
from siren_pl.problems.equations.parts import parts_of, unfit
from siren_pl.problems.equations.solutions import FieldSolution, LatticeSolution
from siren_pl.problems.equations.stated import Stated, require_conditions, stated
from siren_pl.problems.equations.statement import INTERIOR, Condition, Equation
from siren_pl.problems.equations.streams import COEFFICIENTS, SOLUTION, Streams
from siren_pl.problems.equations.systems import System
from siren_pl.problems.equations.terms import ConditionTerm, MeasuredTerm, Sampling
from siren_pl.training.ask import Ask
from siren_pl.training.problem import Problem
from siren_pl.training.term import Term

log = logging.getLogger(__name__)

# Points at faces for each inside, and steps of an integrated residual, whose every step sees the whole lattice.
AT_FACES, INTEGRATED_STEPS = 0.25, 400
# Measurements that are all in every step, unless another number is asked for.
MEASURED = 4096
# On one axis networks expect a sound, whose waves are slow beside its samples: a factor by which omega_0 comes out as
# on two axes.
OF_ONE_AXIS = 8.0
# Points at which layers are inspected.
PROBES = 256
AUTO = "auto"


def equation_fit(
    data: Measurements | None = None,
    equation: str | Equation = "burgers",
    integrate: bool | str = AUTO,
    lattice: int | None = None,
    points: Mapping[str, int | None] | None = None,
    weights: Mapping[str, float | None] | None = None,
    adaptive: Mapping[str, float | None] | None = None,
    balance: str = "fixed",
    refresh: int = 100,
    causal: float = 0.0,
    growth: float = 0.0,
    batch_size: int | str = 2048,
    seed: int = 0,
) -> Problem:
    """Make the problem of solving an equation.

    Args:
        data: What was measured of its solution; None for nothing.
        equation: One of siren_pl by its name, a file of Python, or an equation itself.
        integrate: Whether a linear residual is integrated over a lattice; auto where the equation says so.
        lattice: Cells along each axis of the lattice; None for the equation's own number.
        points: Points per step, by the name of a condition; None for the batch inside, and a quarter of it at faces.
        weights: Weights of the conditions by name; None for 1.
        adaptive: Fraction of a condition's points that is drawn where its residual was large, by name.
        balance: How the weights are changed in the course of the run: see `siren_pl.problems.equations.balance`.
        refresh: Steps between two changes of adaptive points and weights.
        causal: How strongly a slice of time waits for those before it (Wang et al. 2024, equation 3.9: epsilon).
        growth: Fraction of the run during which the time grows to its whole length.
        batch_size: Points per step inside.
        seed: Seeds measurements that the equation makes itself, and the shifts of lattices.

    Raises:
        UserError: The data are of another kind, the equation cannot be read, or a name is none of its conditions.
    """
    if data is not None and not isinstance(data, Measurements):
        raise UserError("task=equation solves an equation: choose dataset=measurements.")
    found = data or Measurements("")
    solved, text = equation_named(equation, found.text)
    name = Path(equation).stem if isinstance(equation, str) else type(solved).__name__.lower()
    known = placed(found, solved, seed)
    noted = stated(solved, known)
    options = {"points": points or {}, "weights": weights or {}, "adaptive": adaptive or {}}
    require_conditions(noted, options, solved)
    cells, count = lattice or solved.lattice, batch_size if isinstance(batch_size, int) else 2048
    terms = _on_lattices(solved, noted, known, integrate, cells, seed)
    integrates, eliminates = "integrated" in terms, "eliminated" in terms
    if not integrates:
        pointwise = [pair for pair in noted if pair[0].is_prior] if eliminates else noted
        terms |= {
            condition.name: _term(
                solved,
                condition,
                each,
                options["weights"],
                Sampling(
                    _said(options["points"], condition.name, _usual(condition, count)),
                    _said(options["adaptive"], condition.name, 0.0),
                    refresh,
                    causal,
                    growth,
                ),
                "fixed" if condition.is_prior else balance,
                known,
            )
            for condition, each in pointwise
        }
    steps = INTEGRATED_STEPS if integrates else solved.effort
    judge = EquationJudge(solved, Grid(solved.domain), name, text)
    return Problem(
        "equation",
        known.name or name,
        _domains(solved, count * steps, eliminates),
        terms,
        lambda ask: _solution(solved, noted[0][1].streams, terms, ask),
        judge,
        baselines={"finite_differences": lambda: _classical(solved, noted, cells)},
        numbers=dict.fromkeys(solved.numbers, 0.0),
        given=solved,
        layout=name,
        probes=lambda: _probes(solved.domain),
        keeps=kept(found, text),
    )


def _on_lattices(
    equation: Equation,
    noted: Stated,
    known: Measurements,
    integrate: bool | str,
    cells: int,
    seed: int,
) -> dict[str, Term]:
    """The term that a lattice makes of an equation, if one is wanted: an integrated residual, or eliminated outputs."""
    if integrate is not True and not (integrate == AUTO and equation.integrate):
        return {}
    try:
        if equation.coefficients:
            return {"eliminated": eliminated(equation, noted, known.columns, cells, seed)}
        return {"integrated": integrated(equation, noted, cells, 1.0, seed)}
    except UserError as error:
        if integrate is True:
            raise
        log.info("the residual is not integrated: %s", error)
        return {}


def _solution(equation: Equation, streams: Streams, terms: Mapping[str, Term], ask: Ask) -> FieldSolution:
    term = terms.get("eliminated")
    if isinstance(term, Eliminated):
        return EliminatedSolution(equation, streams, ask, term.eliminations[0])
    return FieldSolution(equation, streams, ask)


def _usual(condition: Condition, count: int) -> int:
    """The usual number of points of a condition."""
    if condition.is_observed:
        return MEASURED
    return count if condition.name == INTERIOR else max(1, round(AT_FACES * count))


def _said(options: Mapping[str, Any], name: str, usual: Any) -> Any:
    value = options.get(name)
    return usual if value is None else value


def _term(
    equation: Equation,
    condition: Condition,
    noted: Noted,
    weights: Mapping[str, Any],
    sampling: Sampling,
    balance: str,
    known: Measurements,
) -> ConditionTerm:
    given = (equation, condition, noted.streams, _said(weights, condition.name, 1.0), sampling, BALANCES[balance])
    if not condition.is_observed:
        return ConditionTerm(*given)
    names = equation.domain.names
    columns = {name: each for name, each in known.columns.items() if name not in names}
    return MeasuredTerm(*given, coords=coords_of(known.columns, names), columns=columns)


def _domains(equation: Equation, measurements: int, eliminates: bool) -> dict[str, Domain]:
    """Where the fields live: in [-1, 1] along every axis; eliminated outputs are no field."""
    count = features(equation.domain)
    detail = equation.detail * (OF_ONE_AXIS if count == 1 else 1.0)
    shared = ((1.0,) * count, (2 / detail,) * count, detail, detail, measurements)
    channels = len(equation.outputs) * (2 if equation.is_complex else 1)
    found = {} if eliminates else {SOLUTION: Domain(count, channels, *shared)}
    if equation.coefficients:
        found[COEFFICIENTS] = Domain(count, len(equation.coefficients), *shared)
    return found


def _classical(equation: Equation, noted: Stated, cells: int) -> LatticeSolution | None:
    """The solution by finite differences; None if they do not apply."""
    unknown = equation.coefficients or equation.numbers
    if unknown or unfit(equation, noted) or _holds_by_construction(equation):
        return None
    assert isinstance(equation.domain, Box)
    lattice = lattice_of(equation.domain, [condition for condition, _ in noted], cells)
    values = System(equation, lattice, parts_of(noted, lattice)).solved()
    return None if values is None else LatticeSolution(equation, lattice, values)


def _holds_by_construction(equation: Equation) -> bool:
    somewhere = equation.domain.inside(torch.full((1, len(equation.domain.names)), 0.5, dtype=torch.float64))
    return equation.hard(*somewhere.unbind(-1)) is not None


def _probes(region: Region) -> tuple[torch.Tensor, torch.Tensor]:
    """Points in [-1, 1], and a line along the last axis through the middle."""
    count = features(region)
    generator = torch.Generator().manual_seed(0)
    line = torch.zeros(PROBES, count)
    line[:, -1] = torch.linspace(-1, 1, PROBES)
    return 2 * torch.rand(PROBES, count, generator=generator) - 1, line
