"""Signals can share weights and have their own latents; a step may use some of them and leave the others unchanged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from siren_pl import CoordinateNetwork, ForwardDerivatives, Problem, Term
from siren_pl.field import jet
from siren_pl.field.networks.bundle import Bundle
from siren_pl.runs.signals import split_checkpoint
from siren_pl.training.ask import Ask
from siren_pl.training.checkpoints import LAST
from siren_pl.training.fields import ask_of, merge
from siren_pl.training.many_fields import ManyFields
from siren_pl.training.term import Points
from tests.fields import kept, module_of, problem_of, run_module, siren, square, tensors

SIGNALS = 4
STRATEGIES = {"field": ForwardDerivatives()}
SHARED = [f"network.body.layers.{number}.{kind}" for number in range(3) for kind in ("weight", "bias")]


class Latent(CoordinateNetwork):
    """A SIREN that all signals share, its input moved by what is a signal's own."""

    in_features, out_features = 2, 1

    def __init__(self, own: tuple[str, ...] | None = ("latent",), seed: int = 0) -> None:
        super().__init__()
        self.own, self.body = own, siren()
        generator = torch.Generator().manual_seed(seed)
        self.latent = nn.Parameter(torch.rand(2, generator=generator, dtype=torch.float64))

    def forward(self, coords):
        return self.body(jet.add(coords, self.latent))


@dataclass(frozen=True)
class Wave(Term):
    """A wave of some phase, and its slope."""

    phase: float = field(compare=False)

    order = 1
    rows = ("coords",)
    pointwise = True

    def points(self) -> Points:
        coords = square(20, torch.Generator().manual_seed(1))
        return {"coords": coords, "phase": torch.tensor(self.phase, dtype=torch.float64)}

    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        angle, found = 3 * points["coords"][:, :1] + points["phase"], ask(points["coords"], 1)
        assert found.gradient is not None
        return {
            "value": (ask.number("gain") * found.value - angle.sin()).square().mean(),
            "slope": (found.gradient[0] / 3 - angle.cos()).square().mean(),
        }


def together(present: int | None = None, own: tuple[str, ...] | None = ("latent",)) -> ManyFields:
    bundles = [Bundle({"field": Latent(own, seed)}, {"gain": 1.0}).double() for seed in range(SIGNALS)]
    return ManyFields(bundles, problems(), present)


def problems() -> Sequence[Problem]:
    return [problem_of({"wave": Wave(0.7 * i)}, data=f"wave {i}", gain=1.0) for i in range(SIGNALS)]


def gradients(fields: ManyFields, step: int = 0) -> dict[str, Tensor]:
    """As a step of a fit fills them."""
    fields.bundle.zero_grad()
    losses = fields.losses(STRATEGIES, fields.draw(fields.tables(), None, 0, step, 0.0))
    sum(losses.values()).sum().backward()  # type: ignore[union-attr] - there are losses
    fields.average_shared()
    return {name: weight.grad.clone() for name, weight in fields.bundle.named_parameters() if weight.grad is not None}


def alone(bundle: Bundle, problem: Problem) -> dict[str, Tensor]:
    """The gradient of one signal's loss with respect to every weight that its field uses."""
    bundle.zero_grad()
    losses = problem.terms["wave"].evaluate(ask_of(bundle, STRATEGIES), problem.terms["wave"].points())
    sum(losses.values()).backward()  # type: ignore[union-attr] - there are losses
    return {name: weight.grad for name, weight in bundle.named_parameters() if weight.grad is not None}


def test_own_weights_stand_once_per_signal_and_shared_ones_once() -> None:
    shapes = {name: weight.shape[0] for name, weight in together().bundle.named_parameters()}
    assert shapes["network.latent"] == shapes["numbers.gain"] == SIGNALS
    assert shapes["network.body.layers.0.weight"] == 6 and set(shapes) == {*SHARED, "network.latent", "numbers.gain"}
    assert all(w.shape[0] == SIGNALS for w in together(own=None).bundle.parameters())
    fields = together()
    for index, bundle in enumerate(fields.split()):
        assert torch.equal(bundle.network.latent, fields.bundle.network.latent[index])
        assert torch.equal(bundle.network.body.layers[0].weight, fields.bundle.network.body.layers[0].weight)


@pytest.mark.parametrize("own", [("latent",), (), None], ids=["a latent", "numbers alone", "everything"])
@pytest.mark.parametrize("present", [None, 2])
def test_shared_weights_follow_the_mean_and_own_ones_the_sum(own: tuple[str, ...] | None, present: int | None) -> None:
    fields = together(present, own)
    found, names = gradients(fields), fields.bundle.own()
    each = [alone(*pair) for pair in zip(fields.split(), fields.problems, strict=True)]
    seen = present_of(fields)
    assert len(seen) == (present or SIGNALS) and set(found) == set(each[0])
    for name, gradient in found.items():
        of_signals = torch.stack([each[index][name] for index in seen])
        if name in names:
            torch.testing.assert_close(gradient[seen], of_signals)
            assert not gradient[[index for index in range(SIGNALS) if index not in seen]].any()
        else:
            torch.testing.assert_close(gradient, of_signals.mean(0))


@pytest.mark.parametrize("own", [("latent",), (), None], ids=["a latent", "numbers alone", "everything"])
def test_what_is_shared_is_clipped_apart_from_what_is_a_signals_own(own: tuple[str, ...] | None) -> None:
    fields = together(own=own)
    before, names, limit = gradients(fields), fields.bundle.own(), 0.1
    fields.clip(limit)
    after = {name: weight.grad for name, weight in fields.bundle.named_parameters()}
    parts = [{n: g[index] for n, g in before.items() if n in names} for index in range(SIGNALS)]
    found = [{n: after[n][index] for n in part} for index, part in enumerate(parts)]
    parts.append({n: g for n, g in before.items() if n not in names})
    found.append({n: after[n] for n in parts[-1]})
    for part, clipped in zip(parts, found, strict=True):
        norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in part.values()))
        for name, gradient in part.items():
            torch.testing.assert_close(clipped[name], gradient * min(1, limit / (norm + 1e-6)))


def test_weights_that_are_all_shared_are_clipped() -> None:
    fields = ManyFields([Bundle({"field": Latent((), seed)}) for seed in range(SIGNALS)], problems())
    for weight in fields.bundle.parameters():
        weight.grad = torch.ones_like(weight)
    fields.clip(0.1)
    total = sum(weight.grad.square().sum() for weight in fields.bundle.parameters())
    assert float(total) == pytest.approx(0.1**2, rel=1e-5)


def present_of(fields: ManyFields) -> list[int]:
    """Whom the step that was drawn last looks at."""
    losses = fields.by_signal(torch.ones(SIGNALS if fields._present is None else len(fields._present)), absent=0.0)
    return losses.nonzero().flatten().tolist()


def states(fields: ManyFields, optimizer: torch.optim.Optimizer, name: str) -> list[Tensor]:
    """A weight and Adam's moments of it, zero before there are any."""
    weight = dict(fields.bundle.named_parameters())[name]
    state = optimizer.state.get(weight, {})
    return [weight.detach(), *(state.get(key, torch.zeros_like(weight)) for key in ("exp_avg", "exp_avg_sq"))]


def test_who_is_absent_rests() -> None:
    fields, seen = together(present=2), set()
    optimizer = torch.optim.AdamW(fields.bundle.parameters(), lr=1e-2)  # which would shrink every weight
    for step in range(6):
        gradients(fields, step)
        before = [state.clone() for name in fields.bundle.own() for state in states(fields, optimizer, name)]
        fields.advance(optimizer)
        after = [state for name in fields.bundle.own() for state in states(fields, optimizer, name)]
        here = present_of(fields)
        seen |= {tuple(here)}
        for old, new in zip(before, after, strict=True):
            assert [index for index in range(SIGNALS) if not torch.equal(old[index], new[index])] == here
    assert len(seen) > 1


def test_who_is_present_is_a_function_of_seed_and_step() -> None:
    fields = together(present=2)
    tables = fields.tables()

    def present(seed: int, step: int) -> list[int]:
        fields.draw(tables, None, seed, step, 0.0)
        return present_of(fields)

    first = [present(3, step) for step in range(12)]
    torch.manual_seed(1)  # the global generator has no say
    assert first == [present(3, step) for step in range(12)] != [present(4, step) for step in range(12)]
    assert {index for chosen in first for index in chosen} == set(range(SIGNALS))
    assert all(len(set(chosen)) == 2 for chosen in first)


def test_a_fit_that_looks_at_some_signals_a_step_is_resumed_bit_for_bit() -> None:
    whole = run_module(module_of(together(present=2), 9), Path("whole"))
    for steps in (5, 9):
        part = run_module(module_of(together(present=2), steps), Path("part"))
    found, wanted = kept(Path("part")), kept(Path("whole"))
    for key in ("state_dict", "optimizer_states"):
        assert all(torch.equal(*pair) for pair in zip(tensors(found[key]), tensors(wanted[key]), strict=True))
    # A row of the curve has a place for every signal, whoever was seen.
    assert [row[0] for row in part.losses_by_signal] == list(range(1, 10)) and {
        len(row) for row in part.losses_by_signal
    } == {1 + SIGNALS}
    for row, known in zip(whole.losses_by_signal, whole.history, strict=False):
        losses = torch.tensor(row[1:])
        assert int(losses.isnan().sum()) == SIGNALS - 2
        assert float(losses.nanmean()) == pytest.approx(known["train/loss"])


def test_a_signal_leaves_behind_what_is_its_own_and_what_is_shared() -> None:
    """From its part of the checkpoint it goes on by itself, with the optimiser's memory."""
    fields = run_module(module_of(together(), 3), Path("whole")).fields
    checkpoint, own = kept(Path("whole")), set(fields.bundle.own())
    stacked = {name: name in own for name, _ in fields.bundle.named_parameters()}
    for index, (bundle, problem) in enumerate(zip(fields.split(), fields.problems, strict=True)):
        Path(f"{index}").mkdir()
        torch.save(split_checkpoint(checkpoint, index, stacked), Path(f"{index}", LAST))
        alone = run_module(
            module_of(merge([Bundle({"field": Latent()}, {"gain": 1.0}).double()], [problem]), 3), Path(f"{index}")
        )
        assert all(torch.equal(*pair) for pair in zip(alone.parameters(), bundle.parameters(), strict=True))
        (optimizer,) = alone.trainer.optimizers
        assert all(optimizer.state[w]["exp_avg"].shape == w.shape for w in alone.parameters())
