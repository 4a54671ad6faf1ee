"""A lattice whose axes have lengths of their own, as time has: everything in true units follows the lengths."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from siren_pl import AutogradDerivatives, SampledSignal, Siren, fit, image_fit, poisson_grad, poisson_laplacian
from siren_pl.errors import UserError
from siren_pl.problems.derivatives.gradients import GradientTerm, StencilGradient
from siren_pl.problems.derivatives.laplacians import LaplacianTerm
from siren_pl.problems.penalties import penalties
from siren_pl.problems.sampled.grid import AxisExtents, PixelCentres
from siren_pl.problems.sampled.observations import EveryOther
from siren_pl.training.ask import Ask
from siren_pl.training.problem import Problem
from tests.fields import batch_of, doubled, losses_of

# Time is 0.6 long, rows and columns are square pixels, the longer side 2.
SHAPE, GRID = (8, 10, 14), AxisExtents((0.3, None, None))
EXTENT = (0.3, 10 / 14, 1.0)


def wave(coords: Tensor) -> Tensor:
    """Sines along every axis that lie flat at both ends, (N, 3) to (N, 1) in [-1, 1]."""
    t, y, x = (
        (math.pi * k / (2 * e)) * coords[:, i : i + 1] for i, (k, e) in enumerate(zip((1, 3, 1), EXTENT, strict=True))
    )
    return 0.5 * t.sin() * x.sin() + 0.5 * y.sin()


def slopes(coords: Tensor) -> tuple[Tensor, Tensor]:
    """The wave's gradient (N, 3) and Laplacian (N, 1), by hand."""
    a, b, c = (math.pi * k / (2 * e) for k, e in zip((1, 3, 1), EXTENT, strict=True))
    t, y, x = coords.unbind(1)
    product, alone = 0.5 * (a * t).sin() * (c * x).sin(), 0.5 * (b * y).sin()
    along_t, along_x = 0.5 * a * (a * t).cos() * (c * x).sin(), 0.5 * c * (a * t).sin() * (c * x).cos()
    gradient = torch.stack([along_t, 0.5 * b * (b * y).cos(), along_x], 1)
    return gradient, (-(a**2 + c**2) * product - b**2 * alone)[:, None]


def signal(refined: int = 1, field: Callable[[Tensor], Tensor] = wave) -> SampledSignal:
    shape = tuple(refined * n for n in SHAPE)
    axes = [(2 * np.arange(n) + 1 - n) / n * e for n, e in zip(shape, EXTENT, strict=True)]
    coords = torch.tensor(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3))
    return SampledSignal(field(coords).reshape(*shape, 1), "wave", GRID)


def test_samples_lie_where_the_lengths_say() -> None:
    coords = SampledSignal(torch.zeros(4, 6, 8, 1), grid=GRID).coords().reshape(4, 6, 8, 3).double()
    for axis, expected in enumerate(([-0.225, -0.075, 0.075, 0.225], *[np.arange(1 - n, n, 2) / 8 for n in (6, 8)])):
        found = coords.movedim(axis, 0)[:, 0, 0, axis]
        torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=1e-7)
    low, high = zip(*(axis.tolist() for axis in GRID.at(SHAPE, [torch.tensor([0, n]) for n in SHAPE])), strict=True)
    assert high == pytest.approx(EXTENT) and low == pytest.approx([-e for e in EXTENT])


def test_the_domain_has_the_lengths_and_the_spacing_of_what_was_measured() -> None:
    found = signal().domain
    assert found.extent == pytest.approx(EXTENT)
    assert found.spacing == pytest.approx([2 * e / n for e, n in zip(EXTENT, SHAPE, strict=True)])
    # Two units hold 80/3 samples in time and 14 across pixels: what they hold in the geometric mean.
    assert found.resolution == found.density == pytest.approx((80 / 3 * 14 * 14) ** (1 / 3))
    half = SampledSignal(signal().stored, grid=GRID, observation=EveryOther([2, 1, 1])).domain
    assert half.spacing == pytest.approx([2 * found.spacing[0], *found.spacing[1:]])
    assert half.measurements == found.measurements / 2
    assert half.density == pytest.approx(found.density / 2 ** (1 / 3))


def test_equal_lengths_are_the_pixels_own() -> None:
    values = torch.rand(6, 6, 1)
    assert SampledSignal(values, grid=AxisExtents((1.0, 1.0))).domain == SampledSignal(values).domain
    assert AxisExtents((None, None)).axes((3, 5), (4, 4))[0].equal(PixelCentres().axes((3, 5), (4, 4))[0])


@pytest.mark.parametrize("extents", [(0.0, None, None), (-1.0, 1.0, 1.0), (math.inf, None, None), (1.0, None)])
def test_lengths_that_make_no_grid_are_refused(extents: tuple[float | None, ...]) -> None:
    with pytest.raises(UserError, match="extents"):
        _ = SampledSignal(torch.zeros(*SHAPE, 1), grid=AxisExtents(extents)).domain


def worst(refined: int, gradient: str, laplacian: str) -> tuple[float, float]:
    """The largest errors of both kinds of targets, relative to the largest derivative."""
    given, errors = signal(refined), []
    tables = (
        GradientTerm(given, StencilGradient(gradient)).points(),
        LaplacianTerm(given, laplacian, None, border=True).points(),
    )
    for name, table, truth in zip(("gradient", "laplacian"), tables, slopes(given.coords().double()), strict=True):
        error = table[name].double().reshape(truth.shape) - truth
        errors.append(float(error.abs().max() / truth.abs().max()))
    return errors[0], errors[1]


def test_derivative_targets_are_in_true_units() -> None:
    """A spectral stencil is exact for these waves, up to float32; the others are of second order."""
    assert max(worst(1, "spectral", "spectral")) < 1e-6
    for coarse, fine in zip(worst(1, "central", "laplace"), worst(2, "central", "laplace"), strict=True):
        assert coarse > 1e-3 and coarse / fine == pytest.approx(4, abs=0.4)


@pytest.mark.parametrize("task", [poisson_grad, poisson_laplacian])
def test_a_lattice_sees_the_right_field_as_right_and_others_by_their_error(task: Callable[..., Problem]) -> None:
    """The potential of a residual is the error in values, whatever the lengths: that of a wave along all three axes."""
    problem = task(signal(), stencil="spectral")
    batch = doubled(batch_of(problem))
    rate = torch.tensor([math.pi * k / (2 * e) for k, e in zip((2, 1, 1), EXTENT, strict=True)], dtype=torch.float64)

    def error(coords: Tensor) -> Tensor:
        return 0.1 * ((coords + torch.tensor(EXTENT)) * rate).cos().prod(1, keepdim=True)

    right = losses_of(wave, problem, AutogradDerivatives(), batch)
    wrong = losses_of(lambda coords: wave(coords) + error(coords), problem, AutogradDerivatives(), batch)
    assert max(float(loss.detach()) for loss in right.values()) < 1e-9
    inside = math.prod(SHAPE)
    (points,) = batch.values()
    expected = error(points["coords"][:inside]).square().mean()
    torch.testing.assert_close(wrong["potential"].detach(), expected, rtol=0.02, atol=0)


def test_penalties_are_of_measured_samples_along_each_axis() -> None:
    """Total variation of a field that rises along time alone: its rise from one seen frame to the next."""
    domain = SampledSignal(signal().stored, grid=GRID, observation=EveryOther([2, 1, 1])).domain
    (term,) = penalties(domain, total_variation=1.0).values()
    points = term.draw(term.points(), None, torch.Generator().manual_seed(0), 0.0)
    assert all(0.9 * e < float(column.abs().max()) <= e for column, e in zip(points["coords"].T, EXTENT, strict=True))
    ask = Ask({"field": lambda coords: 5 * coords[:, :1]}, {"field": AutogradDerivatives()})
    (loss,) = term.evaluate(ask, points).values()
    assert float(loss.detach()) == pytest.approx(5 * 2 * 0.6 / 8, rel=1e-4)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("task", "score"), [(image_fit, "psnr"), (poisson_grad, "psnr_mean_aligned")])
def test_three_axes_are_fitted(task: Callable[..., Problem], score: str) -> None:
    """Through values and through gradients: a hundredth of the squared error of the mean, which is 16 dB off."""
    network = Siren(3, 1, hidden_features=24, hidden_layers=1, omega_0=4.0)
    found = fit(network, task(signal()), steps=200, lr=4e-3, batch_size=None, progress=False)
    flat = -10 * math.log10(float((signal().values / 2).var()))
    assert found.metrics[score] > flat + 20


@pytest.mark.usefixtures("one_thread")
def test_a_sound_is_fitted_on_its_one_axis() -> None:
    """A chirp that is 4 units long; omega_0 is as high as its samples are dense in two of them."""
    time = np.arange(-1, 1, 1 / 200)[:, None]
    sound = SampledSignal(torch.tensor(0.8 * np.sin(30 * (time + 1.2) ** 2)).float(), "chirp", AxisExtents((2.0,)))
    assert sound.domain.extent == (2.0,) and sound.domain.resolution == 200
    assert sound.domain.spacing == pytest.approx((0.01,))
    network = Siren(1, 1, hidden_features=32, hidden_layers=1, omega_0=30 * 200 / 256)
    found = fit(network, image_fit(sound), steps=300, lr=2e-3, batch_size=None, progress=False)
    assert found.metrics["psnr"] > -10 * math.log10(0.8**2 / 8) + 20
