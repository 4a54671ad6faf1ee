"""A stencil's adjoint is its transpose, and each stencil is inverted exactly, in the sense of least squares."""

import numpy as np
import pytest

from siren_pl.problems.derivatives.inverses import adjoint, values_of_gradient, values_of_laplacian
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS
from tests.unit.test_stencils import SHAPES, noise

SOLVED = [
    *((f"gradient {name}", stencil, values_of_gradient) for name, stencil in GRADIENT_STENCILS.items()),
    *((f"Laplacian {name}", stencil, values_of_laplacian) for name, stencil in LAPLACIAN_STENCILS.items()),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", GRADIENT_STENCILS)
def test_adjoint_identity(name, shape):
    stencil = GRADIENT_STENCILS[name]
    u, g = noise(shape), np.stack([noise(shape, seed=1 + axis) for axis in range(len(shape))])
    np.testing.assert_allclose(np.vdot(stencil.apply(u), g), np.vdot(u, adjoint(stencil, g)), rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("stencil", "solve"), [pytest.param(*case, id=name) for name, *case in SOLVED])
def test_solve_inverts_apply_up_to_the_mean(stencil, solve, shape):
    values = noise(shape)
    solved = solve(stencil, stencil.apply(values))
    # The smallest non-zero symbol here is about 1e-2, and its square divides the rounding of 1e-15.
    np.testing.assert_allclose(solved, values - values.mean(tuple(range(len(shape)))), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", GRADIENT_STENCILS)
def test_solve_is_the_least_squares_answer(name):
    """For data that no image has, against a dense solve; 6 × 9 has frequencies that Prewitt does not see."""
    shape, stencil = (6, 9), GRADIENT_STENCILS[name]
    data = noise((2, *shape), channels=1)
    units = np.eye(54).reshape(54, *shape, 1)
    matrix = np.stack([stencil.apply(unit).ravel() for unit in units], axis=1)
    expected = np.linalg.lstsq(matrix, data.ravel(), rcond=1e-10)[0]
    # The condition number of these matrices is below 1e3.
    np.testing.assert_allclose(values_of_gradient(stencil, data).ravel(), expected, rtol=0, atol=1e-9)
