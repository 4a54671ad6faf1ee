"""Pieces of a batch give the gradient of the whole, and leave alone what cannot be cut."""

import pytest
import torch

from siren_pl import Problem, SampledSignal, Siren, image_fit, poisson_grad, poisson_laplacian
from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.training.pieces import MOST_POINTS, MOST_POINTS_OF_AN_ACCELERATOR, pieces
from siren_pl.training.problem import shuffled
from siren_pl.training.term import equal_pieces
from tests.fields import batch_of, doubled, gradients_of, merged

SIGNAL = SampledSignal(torch.rand(64, 96, 2, generator=torch.Generator().manual_seed(1)).double() * 2 - 1)
PROBLEMS = {
    "values": image_fit(SIGNAL),
    "values and gradients": image_fit(SIGNAL, gradient_weight=0.3),
    "gradients": poisson_grad(SIGNAL, integrated=False, stencil="central"),
    "Laplacian": poisson_laplacian(SIGNAL, integrated=False),
    "lattice": poisson_grad(SIGNAL),
}


@pytest.mark.parametrize("points", [1, 7, 1000, 2048, 4096, 4097, 6144, 65_536, 16_384, 99_991])
def test_pieces_are_equal_and_of_a_good_size(points: int) -> None:
    number = equal_pieces(points, MOST_POINTS)
    assert points % number == 0
    assert number == 1 or MOST_POINTS // 4 <= points // number <= MOST_POINTS


def test_an_accelerator_gets_larger_pieces() -> None:
    assert equal_pieces(65_536, MOST_POINTS_OF_AN_ACCELERATOR) == 1
    assert equal_pieces(2**20, MOST_POINTS_OF_AN_ACCELERATOR) == 4


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_mean_over_pieces_is_the_mean_over_points(problem: Problem) -> None:
    network = Siren(2, 2, hidden_features=8, hidden_layers=1).double()
    batch = doubled(batch_of(problem))
    parts = pieces(problem, batch, 0)
    assert len(parts) == (1 if problem is PROBLEMS["lattice"] else 2)
    found, whole = (gradients_of(network, problem, ForwardDerivatives(), each) for each in (parts, [(batch, 1)]))
    for mine, wanted in zip(found, whole, strict=True):
        torch.testing.assert_close(mine, wanted)


def test_many_small_networks_share_larger_pieces() -> None:
    problem = PROBLEMS["values"]
    batch = {"samples": {"coords": torch.zeros(2**17, 2), "value": torch.zeros(2**17, 2)}}
    assert [len(pieces(problem, batch, 0, networks)) for networks in (1, 16, 64, 256, 10_000)] == [32, 32, 8, 2, 2]


def test_a_shuffled_batch_holds_the_same_points_in_an_order_of_its_step() -> None:
    problem = PROBLEMS["values"]
    batch = batch_of(problem)
    found, again, later = (shuffled(problem, batch, 3, step)["samples"] for step in (7, 7, 8))
    for key, column in batch["samples"].items():
        assert torch.equal(found[key], again[key]) and not torch.equal(found[key], later[key])
        assert not torch.equal(found[key], column)
    rows = torch.cat([found["coords"], found["value"]], 1)
    whole = torch.cat([batch["samples"]["coords"], batch["samples"]["value"]], 1)
    assert torch.equal(rows.unique(dim=0), whole.unique(dim=0))
    lattice = PROBLEMS["lattice"]
    drawn = batch_of(lattice)
    assert all(shuffled(lattice, drawn, 3, 7)[name] is points for name, points in drawn.items())


def test_pieces_of_many_fields_keep_every_signal() -> None:
    other = SampledSignal(-SIGNAL.values)
    fields = merged([Siren(2, 2, hidden_features=8, hidden_layers=1)] * 2, [PROBLEMS["values"], image_fit(other)])
    parts = pieces(fields.problem, fields.draw(fields.tables(), None, 0, 0, 0.0), fields.point_axis)
    assert len(parts) == 2
    values = torch.cat([part.batch["samples"]["value"] for part in parts], dim=1)
    assert torch.equal(values, torch.stack([SIGNAL.values, other.values]).reshape(2, -1, 2).float())
