"""The conditions of an equation with what each of them asks for, checked against measurements and options."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from siren_pl.errors import UserError
from siren_pl.problems.equations.dry_run import Noted, dry_run
from siren_pl.problems.equations.measurements import Measurements
from siren_pl.problems.equations.statement import DATA, Condition, Equation

log = logging.getLogger(__name__)

Stated = Sequence[tuple[Condition, Noted]]


def stated(equation: Equation, known: Measurements) -> Stated:
    """Every condition with what it asks for; measurements without a residual of their own are compared with outputs."""
    conditions = equation.conditions()
    columns = [name for name in known.columns if name not in equation.domain.names]
    if columns and not any(condition.is_observed for condition in conditions):
        compared = [name for name in columns if name in equation.outputs]
        if not compared:
            raise UserError(
                f"the measured columns {', '.join(columns)} are no outputs of {type(equation).__name__}, which are "
                f"{', '.join(equation.outputs)}: rename a column, or write a residual with @observed."
            )
        conditions.append(Condition(DATA, lambda d: _differences(d, compared), {}, True))
    if not columns:
        for condition in (each for each in conditions if each.is_observed):
            log.warning("%s has no measurements: add dataset.path=FILE.csv.", condition.name)
        conditions = [condition for condition in conditions if not condition.is_observed]
    return [(each, dry_run(equation, each, columns if each.is_observed else None)) for each in conditions]


def _differences(d: Any, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(d, name) - getattr(d.measured, name) for name in names)


def require_conditions(noted: Stated, options: Mapping[str, Mapping[str, Any]], equation: Equation) -> None:
    """Refuse options for conditions that are not there.

    Args:
        noted: The conditions.
        options: Values by the name of a condition, by key.
        equation: The equation.

    Raises:
        UserError: Naming the key and the conditions.
    """
    there = [condition.name for condition, _ in noted]
    for key, said in options.items():
        for name, value in said.items():
            if value is not None and name not in there:
                raise UserError(
                    f"task.{key}.{name}={value}: {type(equation).__name__} has no condition {name}; it has "
                    f"{', '.join(there)}."
                )
