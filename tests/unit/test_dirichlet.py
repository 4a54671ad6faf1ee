"""The potential inside a mask equals the dense least-squares solution for the same differences."""

import numpy as np
import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.problems.pictures.editing import dirichlet
from siren_pl.problems.pictures.editing.clones import differences, neighbours

SHAPE = (9, 12)


def ring() -> torch.Tensor:
    inside = torch.zeros(SHAPE, dtype=torch.bool)
    inside[1:8, 2:10] = True
    inside[3:5, 4:7] = False  # a hole
    return inside


def at_the_edge() -> torch.Tensor:
    inside = torch.zeros(SHAPE, dtype=torch.bool)
    inside[:4, 8:] = True
    inside[6:, 0] = True  # and a part by itself
    return inside


@pytest.mark.parametrize("mask", [ring, at_the_edge])
def test_the_potential_is_the_least_squares_answer_that_is_zero_outside(mask):
    inside = mask()
    pairs = np.concatenate(neighbours(inside.numpy()), axis=1)
    rim = torch.zeros(inside.numel(), dtype=torch.bool)
    rim[torch.from_numpy(pairs).reshape(-1)] = True
    rim = rim.reshape(SHAPE) & ~inside
    residual = np.random.default_rng(0).standard_normal((pairs.shape[1], 3))
    matrix = differences(pairs, inside.numel()).toarray()[:, inside.reshape(-1).numpy()]
    expected = np.zeros((*SHAPE, 3))
    expected[inside.numpy()] = np.linalg.lstsq(matrix, residual, rcond=None)[0]
    tools = dirichlet.solver(inside, rim, torch.from_numpy(pairs))
    found = dirichlet.potential(torch.from_numpy(residual), tools)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    single = {key: column.float() if column.is_floating_point() else column for key, column in tools.items()}
    with torch.autocast("cpu", torch.bfloat16):
        found = dirichlet.potential(torch.from_numpy(residual).float(), single)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_a_rim_too_long_for_its_matrix_is_refused(monkeypatch):
    monkeypatch.setattr(dirichlet, "MOST_RIM", 20)
    pairs = torch.from_numpy(np.concatenate(neighbours(ring().numpy()), axis=1))
    rim = ~ring()
    with pytest.raises(UserError, match=r"task\.integrated=false"):
        dirichlet.solver(ring(), rim, pairs)
