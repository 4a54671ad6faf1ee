"""Handmade problems can be fitted: with foreign code, several fields, numbers and groups."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from siren_pl import Problem, Term
from siren_pl.field.networks.bundle import Bundle
from siren_pl.training.ask import Ask
from siren_pl.training.fields import merge
from siren_pl.training.module import FieldModule
from siren_pl.training.schedules import Cosine
from siren_pl.training.term import Points
from tests.fields import kept, merged, module_of, problem_of, run_module, siren, square

POINTS = 24


class Solve(torch.autograd.Function):
    """A x = b by SciPy, for one fixed symmetric matrix; its own derivative."""

    MATRIX = np.diag(np.full(POINTS, 3.0)) - np.eye(POINTS, k=1) - np.eye(POINTS, k=-1)

    @staticmethod
    def forward(ctx: Any, b: Tensor) -> Tensor:
        return torch.from_numpy(scipy.linalg.solve(Solve.MATRIX, b.detach().numpy(), assume_a="pos"))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override] - torch's signature is looser
        return Solve.apply(gradient)


@dataclass(frozen=True)
class Solved(Term):
    """What a solver makes of the field's values along a line shall be a wave."""

    solve: Callable[[Tensor], Tensor]

    mappable = False
    compilable = False

    def points(self) -> Points:
        line = torch.linspace(-1, 1, POINTS, dtype=torch.float64)[:, None]
        return {"coords": line.expand(-1, 2).clone(), "value": torch.sin(3 * line)}

    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        return {"solved": (self.solve(ask(points["coords"]).value) - points["value"]).square().mean()}


def losses_of(module: FieldModule) -> list[float]:
    return [row["train/loss"] for row in module.history if "train/loss" in row]


def test_a_term_that_leaves_torch_trains() -> None:
    """And as it would by torch's own solver, which differentiates itself."""
    solvers = [Solve.apply, functools.partial(torch.linalg.solve, torch.from_numpy(Solve.MATRIX))]
    problems = [problem_of({"solved": Solved(solve)}) for solve in solvers]
    assert not problems[0].mappable and not problems[0].compilable
    found, wanted = (losses_of(run_module(module_of(merged([siren()], [problem]), 60))) for problem in problems)
    assert len(found) == 60 and found[-1] < 0.1 * found[0]
    assert found == pytest.approx(wanted, rel=1e-6)


@dataclass(frozen=True)
class Warped(Term):
    """The image, moved and made brighter, is known; and so are its slopes. Unknown: image, motion and brightness."""

    order = 1
    rows = ("coords", "value", "slope")
    pointwise = True

    def points(self) -> Points:
        coords = square(64, torch.Generator().manual_seed(2))
        return {"coords": coords, "value": 2 * torch.sin(3 * coords[:, :1]), "slope": torch.cos(3 * coords[:, :1])}

    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        coords = points["coords"]
        seen = ask(coords + 0.1 * ask(coords, field="motion").value).value * ask.number("brightness")
        slopes = ask(coords, 1).gradient
        assert slopes is not None
        return {
            "value": (seen - points["value"]).square().mean(),
            "slope": (slopes[0] / 3 - points["slope"]).square().mean(),
        }


def warped() -> tuple[list[Bundle], list[Problem]]:
    bundle = Bundle({"image": siren(seed=1), "motion": siren(2, seed=2)}, {"brightness": 1.0}).double()
    return [bundle], [problem_of({"warped": Warped()}, "image", "motion", brightness=1.0)]


def groups(parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    """The number, which comes last, learns faster than the weights."""
    *weights, number = parameters
    return torch.optim.Adam([{"params": weights, "lr": 1e-2}, {"params": [number], "lr": 5e-2}])


def test_several_fields_and_a_number_are_fitted_and_kept() -> None:
    fields = merge(*warped())
    before = {name: weight.detach().clone() for name, weight in fields.bundle.named_parameters()}
    losses = losses_of(run_module(module_of(fields, 150, groups), Path("run")))
    assert losses[-1] < 0.05 * losses[0]
    # The wave is twice as high as its slopes say; what is left of the loss leaves some of that open.
    assert float(fields.bundle.numbers["brightness"].detach()) == pytest.approx(2.0, abs=0.2)
    layers = [f"layers.{number}.{kind}" for number in range(3) for kind in ("weight", "bias")]
    names = {f"{where}.{layer}" for where in ("network", "others.motion") for layer in layers} | {"numbers.brightness"}
    checkpoint = kept(Path("run"))
    state = checkpoint["state_dict"]
    assert set(state) == set(before) == names
    assert all(not torch.equal(state[name], before[name]) for name in names)
    alone = problem_of({"solved": Solved(Solve.apply)})
    assert list(checkpoint["siren_pl"]["domains"]) == ["image", "motion"]
    assert set(module_of(merged([siren()], [alone]), 1).state_dict()) == {f"network.{layer}" for layer in layers}


def test_every_group_keeps_its_own_peak() -> None:
    """Across an interruption too: a checkpoint holds the rates of its last step."""

    schedule = Cosine(warmup=0.25)
    for steps in (6, 8):
        module = run_module(module_of(merge(*warped()), steps, groups, schedule=schedule), Path("run"))
        (optimizer,) = module.trainer.optimizers
        factor = schedule((steps - 1) / steps)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-2 * factor, 5e-2 * factor])
