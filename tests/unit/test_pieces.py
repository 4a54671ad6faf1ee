"""Pieces of a batch give the gradient of the whole, and leave alone what cannot be cut."""

import functools

import pytest
import torch

from siren_pl import SampledSignal, Siren, image_fit, poisson_grad, poisson_laplacian
from siren_pl.derivatives import ForwardDerivatives
from siren_pl.tasks.task import Task, equal_parts
from siren_pl.training.fields import losses_of, merge
from siren_pl.training.pieces import MOST_POINTS, MOST_POINTS_OF_AN_ACCELERATOR, pieces

SIGNAL = SampledSignal(torch.rand(64, 96, 2, generator=torch.Generator().manual_seed(1)).double() * 2 - 1)
TASKS = {
    "values": image_fit(),
    "values and gradients": image_fit(gradient_weight=0.3),
    "gradients": poisson_grad(integrated=False, stencil="central"),
    "Laplacian": poisson_laplacian(integrated=False),
    "lattice": poisson_grad(),
}


@pytest.mark.parametrize("points", [1, 7, 1000, 2048, 4096, 4097, 6144, 65_536, 16_384, 99_991])
def test_pieces_are_equal_and_of_a_good_size(points: int) -> None:
    number = equal_parts(points, MOST_POINTS)
    assert points % number == 0
    assert number == 1 or MOST_POINTS // 4 <= points // number <= MOST_POINTS


def test_an_accelerator_gets_larger_pieces() -> None:
    assert equal_parts(65_536, MOST_POINTS_OF_AN_ACCELERATOR) == 1
    assert equal_parts(2**20, MOST_POINTS_OF_AN_ACCELERATOR) == 4


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_mean_over_pieces_is_the_mean_over_points(task: Task) -> None:
    network = Siren(2, 2, hidden_features=8, hidden_layers=1).double()
    batch = task.tables(SIGNAL)
    batch = task.draw({name: {k: c.double() for k, c in points.items()} for name, points in batch.items()}, None, 0, 0)

    def gradients(parts: list) -> list[torch.Tensor]:
        totals = [
            functools.reduce(torch.add, losses_of(network, task, ForwardDerivatives(), part).values()) for part in parts
        ]
        weights = list(network.parameters())
        return list(torch.autograd.grad(torch.stack(totals).mean(), weights, materialize_grads=True, allow_unused=True))

    parts = pieces(task, batch, 0)
    assert len(parts) == (1 if task is TASKS["lattice"] else 2)
    for mine, whole in zip(gradients(parts), gradients([batch]), strict=True):
        torch.testing.assert_close(mine, whole)


def test_many_small_networks_share_larger_pieces() -> None:
    task = TASKS["values"]
    batch = {"samples": {"coords": torch.zeros(2**17, 2), "value": torch.zeros(2**17, 2)}}
    assert [len(pieces(task, batch, 0, networks)) for networks in (1, 16, 64, 256, 10_000)] == [32, 32, 8, 2, 2]


def test_a_shuffled_batch_holds_the_same_points_in_an_order_of_its_step() -> None:
    task = TASKS["values"]
    batch = task.draw(task.tables(SIGNAL), None, 0, 0)
    found, again, later = (task.shuffled(batch, 3, step)["samples"] for step in (7, 7, 8))
    for key, column in batch["samples"].items():
        assert torch.equal(found[key], again[key]) and not torch.equal(found[key], later[key])
        assert not torch.equal(found[key], column)
    rows = torch.cat([found["coords"], found["value"]], 1)
    whole = torch.cat([batch["samples"]["coords"], batch["samples"]["value"]], 1)
    assert torch.equal(rows.unique(dim=0), whole.unique(dim=0))
    lattice = TASKS["lattice"]
    drawn = lattice.draw(lattice.tables(SIGNAL), None, 0, 0)
    assert all(lattice.shuffled(drawn, 3, 7)[name] is points for name, points in drawn.items())


def test_pieces_of_many_fields_keep_every_signal() -> None:
    other = SampledSignal(-SIGNAL.values)
    fields = merge([Siren(2, 2, hidden_features=8, hidden_layers=1)] * 2, [SIGNAL, other])
    task = TASKS["values"]
    batch = fields.draw(task, fields.tables(task), None, 0, 0)
    parts = pieces(task, batch, fields.point_axis)
    assert len(parts) == 2
    values = torch.cat([part["samples"]["value"] for part in parts], dim=1)
    assert torch.equal(values, torch.stack([SIGNAL.values, other.values]).reshape(2, -1, 2).float())
