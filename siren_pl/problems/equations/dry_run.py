"""A dry run of a residual: which streams it asks for, how many equations it says, and whether it is linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.equations.recording import Recorder
from siren_pl.problems.equations.statement import Condition, Equation
from siren_pl.problems.equations.streams import COEFFICIENTS, MEASURED, SOLUTION, Given, Streams, Wanted

# Points of a dry run, and how far a linear residual may be from its own linearity, which is rounding alone.
POINTS, ROUNDING = 16, 1e-9


class Noted(NamedTuple):
    """What a dry run found.

    Attributes:
        streams: What the residual asks for.
        equations: Number of equations that it says.
        is_affine: Whether it is affine in the outputs, coefficients and numbers being given, so that a linear solver
            applies.
    """

    streams: Streams
    equations: int
    is_affine: bool


def dry_run(equation: Equation, condition: Condition, measured: Sequence[str] | None = None) -> Noted:
    """Run a residual once on random streams.

    Args:
        equation: The equation.
        condition: Its residual.
        measured: Names of the measured columns if the residual holds at measured places.

    Raises:
        UserError: The residual asks for what is not there, or has no shape of a residual.
    """
    uniform = torch.rand(POINTS, len(equation.domain.names), generator=torch.Generator().manual_seed(1)).double()
    coords = condition.on(equation.domain, uniform)
    recorder = Recorder(equation, condition.name, coords, measured)
    where = f"{type(equation).__name__}.{condition.name}"
    found = stacked(condition.residual(recorder), where, POINTS)
    by_function = {function: set() for function in (*equation.outputs, *equation.coefficients)}
    for function, derivative in recorder.streams.values():
        by_function[function].add(tuple(sorted(derivative)))
    fields = {SOLUTION: equation.outputs, COEFFICIENTS: tuple(equation.coefficients)}
    wanted = tuple(
        Wanted(
            field,
            channels,
            frozenset(set().union(*(by_function[each] for each in channels)) - {()}),
            equation.domain.names,
        )
        for field, channels in fields.items()
        if any(by_function[each] for each in channels)
    )
    streams = Streams(equation, wanted, dict(recorder.streams), tuple(sorted(recorder.read)))
    _require_subject(equation, condition, {function for function, _ in recorder.streams.values()}, where)
    return Noted(streams, found.shape[1], _is_affine(equation, condition, recorder, where))


def _require_subject(equation: Equation, condition: Condition, read: set[str], where: str) -> None:
    """Refuse a residual from which nothing follows."""
    if condition.is_prior and not read.intersection(equation.coefficients):
        there = ", ".join(equation.coefficients) or "there are none"
        raise UserError(f"{where} is a @prior and reads no unknown coefficient ({there}).")
    if condition.is_prior and read.intersection(equation.outputs):
        raise UserError(f"{where} is a @prior of unknown coefficients, so it must not read an output.")
    if not (condition.is_observed or condition.is_prior or read.intersection(equation.outputs)):
        raise UserError(f"{where} reads no output ({', '.join(equation.outputs)}), so nothing follows from it.")


def stacked(residual: Any, where: str, count: int) -> Tensor:
    """A residual as columns (N, R); a complex one has its real and imaginary parts side by side.

    Raises:
        UserError: It has no such shape.
    """
    parts = residual if isinstance(residual, tuple) else (residual,)
    for part in parts:
        shape = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
        if shape != (count,):
            raise UserError(
                f"{where} returned {shape} for {count} points: a residual is a tensor of shape ({count},), or a tuple "
                "of such."
            )
    return torch.stack(parts, -1)


def _is_affine(equation: Equation, condition: Condition, recorder: Recorder, where: str) -> bool:
    """Whether r(a + s (b - a)) = r(a) + s (r(b) - r(a)) for random streams a and b of the outputs, and s = 1/3."""
    held = [*equation.domain.names, *equation.numbers, *([MEASURED] if condition.is_observed else [])]
    held += [name for name, (function, _) in recorder.streams.items() if function not in equation.outputs]
    axes = {name: getattr(recorder, name) for name in held}
    generator = torch.Generator().manual_seed(2)
    first = {name: getattr(recorder, name) for name in recorder.streams if name not in held}
    second: dict[str, Tensor] = {}
    drawn: dict[Any, Tensor] = {}
    for name, value in first.items():
        key = recorder.streams[name][0], tuple(sorted(recorder.streams[name][1]))
        second[name] = drawn.setdefault(key, torch.randn(value.shape, generator=generator, dtype=value.dtype))
    between = {name: first[name] + (second[name] - first[name]) / 3 for name in first}
    a, b, c = (stacked(condition.residual(Given(axes | each)), where, POINTS) for each in (first, second, between))
    scale = max(float(a.abs().max()), float(b.abs().max()), 1.0)
    return bool(((c - a - (b - a) / 3).abs() < ROUNDING * scale).all())
