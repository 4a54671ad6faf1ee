"""A derivative counts as known exactly if no unobserved sample can change it: the tests change these samples."""

import numpy as np
import pytest

from siren_pl.problems.derivatives.known import observed_by
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS

STENCILS = {f"gradient {n}": s for n, s in GRADIENT_STENCILS.items()} | {
    f"laplacian {n}": s for n, s in LAPLACIAN_STENCILS.items()
}


def touched(stencil, observed: np.ndarray) -> np.ndarray:
    """Where the stencil's result changes when every unseen sample gets another random value."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((*observed.shape, 1))
    other = np.where(observed[..., None], values, rng.standard_normal(values.shape))
    # Rounding of the transforms is 1e-15; random changes of order one do not cancel to 1e-9.
    change = np.abs(stencil.apply(other) - stencil.apply(values)) > 1e-9
    return change.reshape(-1, *observed.shape).any(0)


@pytest.mark.parametrize("shape", [(9,), (8, 11), (4, 5, 6)])
@pytest.mark.parametrize("fraction", [0.03, 0.3])
@pytest.mark.parametrize("name", STENCILS)
def test_observed_by_against_perturbation(name, fraction, shape):
    observed = np.random.default_rng(1).random(shape) > fraction
    observed.flat[np.prod(shape) // 2] = False
    stencil = STENCILS[name]
    changed, seen = touched(stencil, observed), observed_by(stencil, observed)
    assert not (seen & changed).any()
    if stencil.footprint == "everywhere":
        assert not seen.any()
    else:
        # Tight as well: what is refused is touched, or lies at an unseen sample itself.
        np.testing.assert_array_equal(seen, ~(changed | ~observed))


@pytest.mark.parametrize("name", STENCILS)
def test_all_is_seen_when_nothing_is_held_out(name):
    assert observed_by(STENCILS[name], np.ones((4, 5), dtype=bool)).all()


@pytest.mark.parametrize("position", [(0, 0), (0, 3), (3, 4)])
@pytest.mark.parametrize(("name", "reach"), [("central", 1), ("sobel", 2), ("prewitt", 2), ("scharr", 2)])
def test_one_unseen_sample_blocks_its_neighbours(name, reach, position):
    observed = np.ones((6, 7), dtype=bool)
    observed[position] = False
    rows, columns = np.indices(observed.shape)
    dy, dx = abs(rows - position[0]), abs(columns - position[1])
    near = (dy + dx <= 1) if reach == 1 else (np.maximum(dy, dx) <= 1)
    np.testing.assert_array_equal(observed_by(GRADIENT_STENCILS[name], observed), ~near)
