"""Optimisers follow one another in a fit; a line search counts its calls and keeps the best point."""

import functools
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from siren_pl import Term
from siren_pl.errors import UserError
from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.training.ask import Ask
from siren_pl.training.compilation import Compilation
from siren_pl.training.module import FieldModule
from siren_pl.training.recipe import Phase, Recipe
from siren_pl.training.schedules import constant
from siren_pl.training.term import Points
from tests.fields import Adam, kept, merged, module_of, problem_of, run_module, siren, square, tensors

LBFGS = functools.partial(torch.optim.LBFGS, lr=1.0, line_search_fn="strong_wolfe")


@dataclass(frozen=True)
class Wave(Term):
    """Values of a wave at random places."""

    rows = ("coords", "value")
    pointwise = True

    def points(self) -> Points:
        coords = square(64, torch.Generator().manual_seed(1))
        return {"coords": coords, "value": torch.sin(3 * coords[:, :1])}

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        return {"value": ask(points["coords"]).value - points["value"]}


def two_phases(steps: int) -> FieldModule:
    phases = (Phase(Adam, constant, 0.5), Phase(LBFGS, constant, 0.5))
    fields = merged([siren()], [problem_of({"wave": Wave()})])
    return FieldModule(fields, {"field": ForwardDerivatives()}, Recipe(steps, None, phases), Compilation(False, 0))


def last_loss(module: FieldModule) -> float:
    return float(sum(module.last_losses.values()).sum())


def test_a_line_search_comes_nearer_in_as_many_calls() -> None:
    searched, stepped = (
        run_module(module_of(merged([siren()], [problem_of({"wave": Wave()})]), 60, optimizer))
        for optimizer in (LBFGS, Adam)
    )
    assert searched.steps_done == stepped.steps_done == 60  # a call of the closure is a step
    assert last_loss(searched) < 0.1 * last_loss(stepped)


def test_phases_go_on_where_they_were_interrupted(tmp_path: Path) -> None:
    run_module(two_phases(80), tmp_path / "whole")
    ends = kept(tmp_path / "whole")["siren_pl"]["phases"]
    assert ends == [40, 80]
    # A run that ends with its first phase and is lengthened has its last phase lengthened alone.
    run_module(two_phases(40), tmp_path / "short")
    assert kept(tmp_path / "short")["siren_pl"]["phases"] == [20, 40]
    again = run_module(two_phases(60), tmp_path / "short")
    assert again.phase_ends == [20, 60] and again.steps_done == 60
    assert all(tensor.isfinite().all() for tensor in tensors(kept(tmp_path / "short")["state_dict"]))


def test_a_line_search_fits_one_signal_at_a_time() -> None:
    fields = merged([siren(), siren(seed=1)], [problem_of({"wave": Wave()}), problem_of({"wave": Wave()})])
    with pytest.raises(UserError, match="one signal at a time"):
        run_module(module_of(fields, 4, LBFGS))
