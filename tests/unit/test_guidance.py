"""Rules of guidance choose the right gradients in arrays that are small enough to read."""

import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.problems.pictures.editing.guidance import checked_weights, first, strongest, weighted


def slopes(*pictures: list) -> torch.Tensor:
    """Of each picture [down, across] of one place, each with its channels: (S, 2, 1, C)."""
    return torch.tensor(pictures, dtype=torch.float64)[:, :, None]


def test_weights_add_slopes():
    found = weighted([0.25, 2.0])(slopes([[4.0], [0.0]], [[1.0], [-3.0]]))
    assert found.tolist() == [[[3.0]], [[-6.0]]]


def test_the_longest_gradient_wins_in_all_its_components_and_channels():
    # Squared lengths over both components and channels: 9 + 1 = 10, and 4 + 4 + 4 = 12.
    a, b = [[3.0, 0.0], [1.0, 0.0]], [[2.0, 2.0], [0.0, -2.0]]
    assert strongest(slopes(a, b)).tolist() == slopes(b)[0].tolist()
    assert strongest(slopes(b, a)).tolist() == slopes(b)[0].tolist()


def test_of_equal_gradients_the_first_is_taken():
    a, b = [[1.0], [0.0]], [[0.0], [-1.0]]
    assert strongest(slopes(a, b)).tolist() == slopes(a)[0].tolist()
    assert first(slopes(b, a)).tolist() == slopes(b)[0].tolist()


def test_places_are_decided_one_by_one():
    grids = torch.zeros(2, 2, 1, 2, 1)
    grids[0, 0, 0, 0], grids[1, 1, 0, 1] = 5, 7
    assert strongest(grids)[:, 0, :, 0].tolist() == [[5, 0], [0, 7]]


@pytest.mark.parametrize(
    ("weights", "words"),
    [([1.0], "each of the 2 pictures"), ([1.0, -1.0], "from 0"), ([0.0, 0.0], "not all of them 0")],
)
def test_weights_that_make_no_sense_are_named(weights, words):
    with pytest.raises(UserError, match=words) as error:
        checked_weights(weights, 2)
    assert f"task.weights={weights}" in str(error.value)
