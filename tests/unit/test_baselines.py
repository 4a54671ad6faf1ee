"""Classical solvers return the image from which the derivatives were taken; ceilings show what a stencil loses."""

import functools

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.interpolate import griddata
from skimage.restoration import inpaint_biharmonic

from siren_pl.problems.derivatives.alignment import align_mean
from siren_pl.problems.derivatives.known import observed_by
from siren_pl.problems.pictures.images import bundled, image_signal
from siren_pl.problems.pictures.rivals.filling import biharmonic, cubic
from siren_pl.problems.pictures.rivals.poisson_solvers import (
    SMOOTHNESS,
    gradient_solver,
    laplacian_solver,
    pointwise_gradient_ceiling,
    pointwise_laplacian_ceiling,
)
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.grid import PixelCorners
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.observations import GivenMask, RandomFraction
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS


def signal(heldout: float = 0.0, size: int = 22, name: str = "astronaut") -> SampledSignal:
    """22 × 16 pixels: neither a multiple of 3, where Prewitt is blind to one frequency."""
    return _signal(heldout, size, name)


@functools.cache
def _signal(heldout: float, size: int, name: str) -> SampledSignal:
    return image_signal(bundled(name), crop=[0, 100, 220, 160], size=size, heldout=heldout, seed=2)


def error(values: torch.Tensor | None, of: SampledSignal) -> float:
    assert values is not None
    assert values.shape == of.values.shape
    return float((align_mean(values, of) - of.values).abs().max())


@pytest.mark.parametrize("stencil", GRADIENT_STENCILS)
def test_gradient_solver_is_exact_on_full_data(stencil):
    # The inverse of the smallest squared symbol is below 1e4; the data's rounding 1e-15; 1e-7 is the float32 image's.
    assert error(gradient_solver(signal(), stencil), signal()) < 1e-7


@pytest.mark.parametrize("stencil", LAPLACIAN_STENCILS)
def test_laplacian_solver_is_exact_on_full_data(stencil):
    assert error(laplacian_solver(signal(), stencil), signal()) < 1e-7


@pytest.mark.parametrize("stencil", ["central", "sobel", "prewitt", "scharr"])
def test_masked_gradient_solve_is_near_exact_where_samples_are_seen(stencil):
    """Few unseen pixels leave all others connected; an unseen one has no equation at all and is filled smoothly."""
    held = signal(heldout=0.005)
    observed = held.observed
    assert int((~observed).sum()) == 2
    difference = (gradient_solver(held, stencil) - held.values)[observed]
    # Sobel's smallest singular value is 1/600 of its largest: there the curvature's weight of 1e-3 has a say.
    assert float((difference - difference.mean(0)).abs().mean()) < 4e-3
    assert float((difference - difference.mean(0)).abs().max()) < 2e-2


@pytest.mark.parametrize("mask", ["few unseen", "half unseen", "a hidden half"])
@pytest.mark.parametrize("stencil", ["central", "sobel", "prewitt", "scharr", "laplace"])
def test_a_masked_solve_is_the_least_squares_answer_of_least_curvature(stencil, mask):
    left = torch.arange(12).expand(16, 12) < 5
    masks = {"few unseen": RandomFraction(0.05, 2), "half unseen": RandomFraction(0.5, 2)}
    held = SampledSignal(signal(size=16).values, observation=masks.get(mask) or GivenMask(left, "mask"))
    assert not held.observed.all()
    gradients = stencil in GRADIENT_STENCILS
    rule = GRADIENT_STENCILS[stencil] if gradients else LAPLACIAN_STENCILS[stencil]
    kept = observed_by(rule, held.observed.numpy())[..., None]
    units = np.eye(held.observed.numel()).reshape(*held.shape, -1)  # one per channel
    data_rows = (rule.apply(units) * kept).reshape(-1, units.shape[-1])
    curvature_rows = ndimage.laplace(units, axes=(0, 1)).reshape(-1, units.shape[-1])
    matrix = np.concatenate([data_rows, SMOOTHNESS * curvature_rows])
    values = held.values.double().numpy()
    data = (rule.apply(values) * kept).reshape(-1, 3)
    data = np.concatenate([data, np.zeros((len(curvature_rows), 3))])
    expected = np.linalg.lstsq(matrix, data, rcond=1e-9)[0].reshape(values.shape)
    solver = gradient_solver if gradients else laplacian_solver
    found = solver(held, stencil).numpy()
    # A constant is invisible to both kinds of rows. The others' condition number is below 1e7, hence an oracle to 1e-8.
    np.testing.assert_allclose(found - found.mean((0, 1)), expected - expected.mean((0, 1)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("heldout", [0.02, 0.5])
def test_a_masked_solve_reads_no_unseen_sample(heldout):
    held = signal(heldout, size=48)
    other = held.values.clone()
    other[~held.observed] = 0.9
    changed = SampledSignal(other, observation=RandomFraction(heldout, 2))
    assert torch.equal(changed.observed, held.observed)
    for method in (
        functools.partial(gradient_solver, stencil="central"),
        functools.partial(laplacian_solver, stencil="laplace"),
        biharmonic,
        cubic,
    ):
        torch.testing.assert_close(method(held), method(changed), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", [biharmonic, cubic])
def test_fillings_differ_only_where_nothing_was_seen(method):
    held = signal(heldout=0.3)
    values = method(held).float()
    torch.testing.assert_close(values[held.observed], held.values[held.observed], rtol=0, atol=1e-6)
    unseen = metrics.psnr(to_unit(values)[~held.observed.numpy()], to_unit(held.values)[~held.observed.numpy()])
    mean = metrics.psnr(to_unit(held.values).mean((0, 1)), to_unit(held.values)[~held.observed.numpy()])
    assert unseen > mean + 5  # better than a flat guess


@pytest.mark.parametrize("method", [biharmonic, cubic])
def test_fillings_have_no_say_without_gaps(method):
    assert method(signal()) is None


def test_biharmonic_is_scikit_images():
    held = signal(heldout=0.3)
    unseen = ~held.observed.numpy()
    image = held.values.double().numpy()
    image[unseen] = 0
    expected = np.stack([inpaint_biharmonic(image[..., c], unseen) for c in range(3)], -1)
    # Channels are solved together or one by one: the same equations.
    np.testing.assert_allclose(biharmonic(held).numpy(), expected, rtol=0, atol=1e-9)


def test_cubic_is_scipys():
    held = signal(heldout=0.3)
    mask = held.observed.numpy()
    for channel in range(3):
        values = held.values[..., channel].double().numpy()
        expected = griddata(np.argwhere(mask), values[mask], tuple(np.indices(mask.shape)), method="cubic")
        inside = ~np.isnan(expected)
        found = cubic(held)[..., channel].numpy()
        np.testing.assert_allclose(found[inside], expected[inside], rtol=0, atol=1e-9)
        assert np.isfinite(found).all()


def psnr(values: torch.Tensor | None, of: SampledSignal) -> float:
    return metrics.psnr(to_unit(align_mean(values, of)), to_unit(of.values))


def test_spectral_derivatives_have_no_ceiling():
    assert error(pointwise_gradient_ceiling(signal(), "spectral"), signal()) < 1e-7
    assert error(pointwise_laplacian_ceiling(signal(), "spectral"), signal()) < 1e-7


def test_sobel_has_a_ceiling_and_central_a_higher_one():
    detailed = signal(size=64)
    means = psnr(torch.from_numpy(ndimage.uniform_filter(detailed.values.numpy(), (3, 3, 0))), detailed)
    sobel, central = (psnr(pointwise_gradient_ceiling(detailed, s), detailed) for s in ("sobel", "central"))
    # The design document has 34 and 37 dB on the starfish. Sobel spans 3 × 3 pixels, whose means are a stronger blur.
    assert means < sobel < central < 40
    # A Laplacian of neighbours is an error of second order, no rounding: far from the 130 dB and more of exact ones.
    assert psnr(pointwise_laplacian_ceiling(detailed, "laplace"), detailed) < 60


def test_the_ceiling_field_has_the_stencils_derivative():
    """Its exact (spectral) Laplacian is SciPy's, at every pixel: no network can do better on that loss."""
    target = LAPLACIAN_STENCILS["laplace"].apply(signal().values.double().numpy())
    field = pointwise_laplacian_ceiling(signal(), "laplace").numpy()
    np.testing.assert_allclose(LAPLACIAN_STENCILS["spectral"].apply(field), target, rtol=0, atol=1e-12)


def test_the_ceiling_of_a_corner_grid_weighs_its_axes():
    """One cosine, seen by SciPy's stencil: what is left of its Laplacian in coordinates says what is left of it."""
    shape, waves, units = (12, 20), (3, 2), ((12 - 1) / 2, (20 - 1) / 2)
    omegas = [np.pi * k / n for k, n in zip(waves, shape, strict=True)]
    y, x = (np.cos(omega * (np.arange(n) + 0.5)) for omega, n in zip(omegas, shape, strict=True))
    of = SampledSignal(torch.from_numpy(np.outer(y, x)[..., None]), grid=PixelCorners())
    seen, exact = (
        sum(u**2 * f(w) for u, w in zip(units, omegas, strict=True)) for f in (lambda w: 2 - 2 * np.cos(w), np.square)
    )
    found = pointwise_laplacian_ceiling(of, "laplace")
    np.testing.assert_allclose(found.numpy(), of.values.numpy() * seen / exact, rtol=0, atol=1e-12)


def test_ceilings_have_no_say_with_gaps():
    held = signal(heldout=0.1)
    assert pointwise_gradient_ceiling(held, "central") is None
    assert pointwise_laplacian_ceiling(held, "laplace") is None
