"""Fields, batches and fits of problems made by hand, for tests that look beneath the commands."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from siren_pl import Domain, ForwardDerivatives, Problem, Siren, Term
from siren_pl.field.derivatives import Derivatives
from siren_pl.field.networks import CoordinateNetwork
from siren_pl.field.networks.bundle import Bundle
from siren_pl.training import fitting
from siren_pl.training.ask import Ask
from siren_pl.training.checkpoints import LAST
from siren_pl.training.compilation import Compilation
from siren_pl.training.fields import Fields, merge
from siren_pl.training.judge import Findings, Judge
from siren_pl.training.module import FieldModule
from siren_pl.training.problem import Batch, drawn, tables_of
from siren_pl.training.recipe import Phase, Recipe
from siren_pl.training.schedules import constant

Adam = functools.partial(torch.optim.Adam, lr=1e-2)


def merged(networks: Sequence[CoordinateNetwork], problems: Sequence[Problem]) -> Fields:
    """Each network as the one field of its problem."""
    return merge([Bundle({"field": network}) for network in networks], problems)


def siren(out_features: int = 1, seed: int = 0) -> Siren:
    """A small field of the plane, in double precision."""
    return Siren(2, out_features, hidden_features=6, hidden_layers=1, omega_0=3.0, seed=seed).double()


def square(count: int, generator: torch.Generator) -> Tensor:
    """Random points of [-1, 1]², in double precision."""
    return torch.rand(count, 2, generator=generator, dtype=torch.float64) * 2 - 1


def domain(in_features: int, out_features: int, resolution: float, density: float | None = None) -> Domain:
    """A cube [-1, 1]^D, measured as densely as the field's detail unless something else is said."""
    density = density or resolution
    sides = ((1.0,) * in_features, (2 / density,) * in_features)
    return Domain(in_features, out_features, *sides, resolution, density, round(density**in_features))


def doubled(batch: Batch) -> Batch:
    """The same in double precision."""
    return {name: {key: column.double() for key, column in points.items()} for name, points in batch.items()}


def batch_of(problem: Problem, batch_size: int | None = None, seed: int = 0, step: int = 0) -> Batch:
    """What a fit would draw at a step."""
    return drawn(problem, tables_of(problem), batch_size, seed, step)


def losses_of(
    field: Callable, problem: Problem, derivatives: Derivatives, batch: Batch, name: str = "field"
) -> dict[str, Tensor]:
    """Named losses, each of shape (), of a field that is any function of coordinates."""
    found: dict[str, Tensor] = {}
    for term, points in batch.items():
        found |= problem.terms[term].evaluate(Ask({name: field}, {name: derivatives}), points)
    return found


def gradients_of(
    network: torch.nn.Module, problem: Problem, derivatives: Derivatives, batches: Sequence[tuple[Batch, int]]
) -> list[Tensor]:
    """The gradient of losses over pieces of a batch, each with the number of pieces that it is one of."""
    parts = [sum(losses_of(network, problem, derivatives, batch).values()) / among for batch, among in batches]
    return list(
        torch.autograd.grad(sum(parts), list(network.parameters()), materialize_grads=True, allow_unused=True)  # type: ignore[arg-type]
    )


class Silent(Judge):
    """Judges nothing."""

    def judge(self, answer: object) -> Findings:
        return Findings({})


def problem_of(terms: Mapping[str, Term], *names: str, data: str = "waves", **numbers: float) -> Problem:
    """A problem made by hand: fields of one channel on a square by their names, `field` unless there are any."""
    fields = {name: domain(2, 1, 16.0) for name in names or ("field",)}
    return Problem("by_hand", data, fields, terms, lambda ask: ask, Silent(), numbers=numbers)


def module_of(fields: Fields, steps: int, optimizer: Callable = Adam, **recipe: Any) -> FieldModule:
    """Ready to run for so many steps: Adam at a constant rate, jets carried forward, in eager mode."""
    phase = Phase(optimizer, recipe.pop("schedule", constant))
    strategies = {name: ForwardDerivatives() for name in fields.problem.fields}
    return FieldModule(fields, strategies, Recipe(steps, None, (phase,), **recipe), Compilation(False, 0))


def run_module(module: FieldModule, directory: Path | None = None) -> FieldModule:
    """Fit on this machine's processor, from the directory's checkpoint if there is one."""
    precision = {torch.float32: "32-true", torch.float64: "64-true"}[next(module.parameters()).dtype]
    fitting.run(module, fitting.Machine("cpu", precision=precision, progress=False), directory)
    return module


def kept(directory: Path) -> dict[str, Any]:
    """A directory's checkpoint."""
    return torch.load(directory / LAST, weights_only=True)


def tensors(node: Any) -> list[Tensor]:
    """Every tensor of nested containers, in their order."""
    if isinstance(node, Tensor):
        return [node]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ()
    return [tensor for child in children for tensor in tensors(child)]
