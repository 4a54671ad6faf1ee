"""A batch is a function of (seed, step) alone, so that a resumed run equals an uninterrupted one."""

import pytest
import torch
from torch import Tensor

from siren_pl.observations import RandomFraction
from siren_pl.signals import SampledSignal
from siren_pl.tasks import Task, image_fit, poisson_grad, poisson_laplacian

SIGNAL = SampledSignal(torch.rand(9, 12, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1)
TASKS = {
    "values": image_fit(),
    "values and gradients": image_fit(gradient_weight=0.1),
    "gradients pointwise": poisson_grad(integrated=False),
    "gradients on lattices": poisson_grad(),
    "laplacians pointwise": poisson_laplacian(integrated=False),
}


def flat(batch) -> list[Tensor]:
    return [column for points in batch.values() for column in points.values()]


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(flat(a), flat(b), strict=True))


def draw(task: Task, seed: int, step: int):
    return task.draw(task.tables(SIGNAL), 20, seed, step)


@pytest.mark.parametrize("name", TASKS)
def test_draw_is_pure(name):
    task = TASKS[name]
    torch.manual_seed(1)
    first = draw(task, 3, 5)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    draw(task, 3, 4)
    assert same(first, draw(task, 3, 5))
    assert not same(first, draw(task, 3, 6))
    assert not same(first, draw(task, 4, 5))
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())  # nothing was taken from the global generator


@pytest.mark.parametrize("name", TASKS)
def test_large_seeds_and_steps(name):
    task = TASKS[name]
    assert same(draw(task, 2**32 - 1, 10**7), draw(task, 2**32 - 1, 10**7))


def test_rows_of_a_draw_belong_together():
    task = TASKS["values and gradients"]
    (table,), (batch,) = task.tables(SIGNAL).values(), draw(task, 0, 0).values()
    assert len(batch["coords"]) == 20
    for row, coords in enumerate(batch["coords"]):
        place = int((table["coords"] - coords).abs().sum(1).argmin())
        assert all(torch.equal(batch[key][row], table[key][place]) for key in table)


@pytest.mark.parametrize("batch_size", [None, 108, 1000])
@pytest.mark.parametrize("name", ["values", "gradients pointwise"])
def test_a_batch_as_large_as_the_table_is_the_table(name, batch_size):
    task = TASKS[name]
    tables = task.tables(SIGNAL)
    assert same(task.draw(tables, batch_size, 0, 0), tables)


def test_unseen_samples_are_never_drawn():
    signal = SampledSignal(SIGNAL.values, observation=RandomFraction(0.5))
    unseen = signal.coords()[~signal.observed.reshape(-1)]
    (table,) = TASKS["values"].tables(signal).values()
    assert len(table["coords"]) == 54
    assert float(torch.cdist(table["coords"], unseen).min()) > 0.1  # the spacing of pixels is 1/6


def test_terms_draw_apart():
    """Two terms of one task take different rows: the term's place is part of the seed."""
    term = image_fit().terms["samples"]
    task = Task("two", {"a": term, "b": term}, image_fit().judge, image_fit().align)
    batch = draw(task, 0, 0)
    assert not torch.equal(batch["a"]["coords"], batch["b"]["coords"])


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_has_the_precision_of_its_tables(name):
    """Double precision works whatever was drawn before it, in single precision, in the same process."""
    task = TASKS[name]
    tables = task.tables(SIGNAL)
    task.draw(tables, 20, 0, 0)
    doubled = {term: {key: column.double() for key, column in points.items()} for term, points in tables.items()}
    assert {column.dtype for column in flat(task.draw(doubled, 20, 0, 0))} == {torch.float64}
