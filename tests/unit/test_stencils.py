"""Stencils written as symbols are SciPy's stencils, and the spectral ones are exact."""

import numpy as np
import pytest
from scipy import ndimage

from siren_pl.problems.derivatives.inverses import values_of_laplacian
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS

# No size is a multiple of 3, where Prewitt's smoother 1 + 2 cos ω has a zero.
SHAPES = [(7,), (8, 11), (16, 5), (4, 5, 7)]
SMOOTHERS = {"central": [0, 1, 0], "sobel": [1, 2, 1], "prewitt": [1, 1, 1], "scharr": [3, 10, 3]}
# Transforms of fewer than 1e3 numbers of order one, in float64.
TIGHT = {"rtol": 0, "atol": 1e-12}


def noise(shape: tuple[int, ...], channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*shape, channels))


def cosine(shape: tuple[int, ...], k: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A product of cosines of k_d half periods per axis, and its exact gradient per pixel."""
    phases = [np.pi * m / n * (np.arange(n) + 0.5) for m, n in zip(k, shape, strict=True)]
    grids = np.meshgrid(*phases, indexing="ij")
    values = np.prod([np.cos(g) for g in grids], axis=0)
    slopes = []
    for axis, (m, n) in enumerate(zip(k, shape, strict=True)):
        factors = [-np.sin(g) * np.pi * m / n if i == axis else np.cos(g) for i, g in enumerate(grids)]
        slopes.append(np.prod(factors, axis=0))
    return values[..., None], np.stack(slopes)[..., None]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SMOOTHERS)
def test_gradient_equals_correlation(name, shape):
    values = noise(shape)
    result = GRADIENT_STENCILS[name].apply(values)
    assert result.shape == (len(shape), *values.shape)
    smoother = np.array(SMOOTHERS[name]) / sum(SMOOTHERS[name])
    for channel in range(2):
        for axis in range(len(shape)):
            expected = ndimage.correlate1d(values[..., channel], [-0.5, 0, 0.5], axis, mode="reflect")
            for other in set(range(len(shape))) - {axis}:
                expected = ndimage.correlate1d(expected, smoother, other, mode="reflect")
            np.testing.assert_allclose(result[axis][..., channel], expected, **TIGHT)


@pytest.mark.parametrize(("name", "filtered", "total"), [("sobel", ndimage.sobel, 8), ("prewitt", ndimage.prewitt, 6)])
def test_images_meet_scipys_own_filters(name, filtered, total):
    values = noise((9, 13), channels=3)
    result = GRADIENT_STENCILS[name].apply(values)
    for channel in range(3):
        for axis in range(2):
            expected = filtered(values[..., channel], axis, mode="reflect") / total
            np.testing.assert_allclose(result[axis][..., channel], expected, **TIGHT)


@pytest.mark.parametrize("shape", SHAPES)
def test_laplace_equals_scipy(shape):
    values = noise(shape)
    result = LAPLACIAN_STENCILS["laplace"].apply(values)
    for channel in range(2):
        expected = ndimage.laplace(values[..., channel], mode="reflect")
        np.testing.assert_allclose(result[..., channel], expected, **TIGHT)


@pytest.mark.parametrize(("shape", "k"), [((9,), (4,)), ((8, 11), (3, 10)), ((8, 11), (0, 7)), ((4, 5, 6), (3, 1, 5))])
def test_spectral_derivatives_of_a_cosine_are_exact(shape, k):
    values, slopes = cosine(shape, k)
    np.testing.assert_allclose(GRADIENT_STENCILS["spectral"].apply(values), slopes, **TIGHT)
    curvature = -sum((np.pi * m / n) ** 2 for m, n in zip(k, shape, strict=True))
    np.testing.assert_allclose(LAPLACIAN_STENCILS["spectral"].apply(values), curvature * values, **TIGHT)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LAPLACIAN_STENCILS)
def test_laplacians_are_symmetric(name, shape):
    stencil, u, v = LAPLACIAN_STENCILS[name], noise(shape), noise(shape, seed=1)
    np.testing.assert_allclose(np.vdot(stencil.apply(u), v), np.vdot(u, stencil.apply(v)), rtol=1e-12, atol=1e-11)


def test_laplacian_scales_weigh_the_axes():
    shape, k = (8, 11), (3, 4)
    values, _ = cosine(shape, k)
    curvature = -(2.5 * (np.pi * 3 / 8) ** 2 + 0.5 * (np.pi * 4 / 11) ** 2)
    stencil = LAPLACIAN_STENCILS["spectral"]
    np.testing.assert_allclose(stencil.apply(values, (2.5, 0.5)), curvature * values, **TIGHT)
    np.testing.assert_allclose(values_of_laplacian(stencil, curvature * values, (2.5, 0.5)), values, **TIGHT)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
@pytest.mark.parametrize("shape", [(12, 20), (20, 12), (9,)])
@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_ramp_has_its_slope_in_true_units(name, shape, grid):
    slopes = [1.7, -0.6][: len(shape)]
    axes = np.meshgrid(*[axis.numpy() for axis in grid.axes(shape, shape)], indexing="ij")
    ramp = sum(slope * axis for slope, axis in zip(slopes, axes, strict=True))[..., None]
    gradient = GRADIENT_STENCILS[name].apply(ramp)
    interior = (slice(1, -1),) * len(shape)  # reflection flattens the ramp at the edge
    for axis, unit in enumerate(grid.pixels_per_unit(shape)):
        np.testing.assert_allclose(gradient[axis][interior] * unit, slopes[axis], rtol=1e-10)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_a_cosine_has_its_derivatives_in_true_units(shape, grid):
    units = grid.pixels_per_unit(shape)
    y, x = np.meshgrid(*[axis.numpy() for axis in grid.axes(shape, shape)], indexing="ij")
    # Whole half periods over the pixels' own extent, edge to edge: per coordinate, ω = π k / n × pixels per unit.
    a, b = (np.pi * k / n * u for k, n, u in zip((2, 3), shape, units, strict=True))
    top, left = (n / 2 / u for n, u in zip(shape, units, strict=True))
    field = np.cos(a * (y + top)) * np.cos(b * (x + left))
    gradient = GRADIENT_STENCILS["spectral"].apply(field[..., None])[..., 0]
    # Slopes reach 1e1, Laplacians 1e2.
    np.testing.assert_allclose(gradient[0] * units[0], -a * np.sin(a * (y + top)) * np.cos(b * (x + left)), atol=1e-10)
    np.testing.assert_allclose(gradient[1] * units[1], -b * np.cos(a * (y + top)) * np.sin(b * (x + left)), atol=1e-10)
    laplacian = LAPLACIAN_STENCILS["spectral"].apply(field[..., None], tuple(u**2 for u in units))[..., 0]
    np.testing.assert_allclose(laplacian, -(a**2 + b**2) * field, atol=1e-9)
