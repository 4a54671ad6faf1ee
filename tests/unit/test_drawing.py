"""A batch is a function of (seed, step) alone, so that a resumed run equals an uninterrupted one."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from siren_pl import Problem
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.laplacians import poisson_laplacian
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled.observations import RandomFraction
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.problem import drawn, tables_of
from tests.fields import batch_of, doubled

SIGNAL = SampledSignal(torch.rand(9, 12, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1)
PROBLEMS = {
    "values": image_fit(SIGNAL),
    "values and gradients": image_fit(SIGNAL, gradient_weight=0.1),
    "gradients pointwise": poisson_grad(SIGNAL, integrated=False),
    "gradients on lattices": poisson_grad(SIGNAL),
    "laplacians pointwise": poisson_laplacian(SIGNAL, integrated=False),
}


def flat(batch) -> list[Tensor]:
    return [column for points in batch.values() for column in points.values()]


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(flat(a), flat(b), strict=True))


def draw(problem: Problem, seed: int, step: int):
    return batch_of(problem, 20, seed, step)


@pytest.mark.parametrize("name", PROBLEMS)
def test_draw_is_pure(name):
    problem = PROBLEMS[name]
    torch.manual_seed(1)
    first = draw(problem, 3, 5)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    draw(problem, 3, 4)
    assert same(first, draw(problem, 3, 5))
    assert not same(first, draw(problem, 3, 6))
    assert not same(first, draw(problem, 4, 5))
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())  # nothing was taken from the global generator


@pytest.mark.parametrize("name", PROBLEMS)
def test_large_seeds_and_steps(name):
    problem = PROBLEMS[name]
    assert same(draw(problem, 2**32 - 1, 10**7), draw(problem, 2**32 - 1, 10**7))


def test_rows_of_a_draw_belong_together():
    problem = PROBLEMS["values and gradients"]
    (table,), (batch,) = tables_of(problem).values(), draw(problem, 0, 0).values()
    assert len(batch["coords"]) == 20 and torch.equal(batch["unit"], table["unit"])
    for row, coords in enumerate(batch["coords"]):
        place = int((table["coords"] - coords).abs().sum(1).argmin())
        assert all(torch.equal(batch[key][row], table[key][place]) for key in problem.terms["samples"].rows)


@pytest.mark.parametrize("batch_size", [None, 108, 1000])
@pytest.mark.parametrize("name", ["values", "gradients pointwise"])
def test_a_batch_as_large_as_the_table_is_the_table(name, batch_size):
    problem = PROBLEMS[name]
    tables = tables_of(problem)
    assert same(drawn(problem, tables, batch_size, 0, 0), tables)


def test_unseen_samples_are_never_drawn():
    signal = SampledSignal(SIGNAL.values, observation=RandomFraction(0.5))
    unseen = signal.coords()[~signal.observed.reshape(-1)]
    (table,) = tables_of(image_fit(signal)).values()
    assert len(table["coords"]) == 54
    assert float(torch.cdist(table["coords"], unseen).min()) > 0.1  # the spacing of pixels is 1/6


def test_terms_draw_apart():
    """Two terms of one problem take different rows: the term's place is part of the seed."""
    term = PROBLEMS["values"].terms["samples"]
    problem = replace(PROBLEMS["values"], terms={"a": term, "b": term})
    batch = draw(problem, 0, 0)
    assert not torch.equal(batch["a"]["coords"], batch["b"]["coords"])


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_batch_has_the_precision_of_its_tables(name):
    """Double precision works whatever was drawn before it, in single precision, in the same process."""
    problem = PROBLEMS[name]
    tables = tables_of(problem)
    drawn(problem, tables, 20, 0, 0)
    assert {column.dtype for column in flat(drawn(problem, doubled(tables), 20, 0, 0))} == {torch.float64}
