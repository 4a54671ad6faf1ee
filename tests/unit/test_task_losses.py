"""Every task is solved by the field it asks for: at the signal's own interpolant all losses vanish, elsewhere not."""

import math

import pytest
import torch

from siren_pl import Problem
from siren_pl.errors import UserError
from siren_pl.field import jet
from siren_pl.field.activations import sine
from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.field.jet import Jet
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.laplacians import poisson_laplacian
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.observations import RandomFraction
from siren_pl.problems.sampled.observations.masks import GivenMask
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.problem import tables_of
from tests.fields import batch_of, losses_of

SHAPE = (10, 14)
CENTRES, CORNERS = PixelCentres(), PixelCorners()


class Cosines:
    """A product of cosines, `waves` half periods from edge to edge, times `scale`; whole numbers have no flux there."""

    def __init__(self, grid: PixelCentres | PixelCorners, scale: float = 1.0, waves: tuple = (2, 3)) -> None:
        units = grid.pixels_per_unit(SHAPE)
        # cos(π k (pixel + 1/2) / n), where pixel + 1/2 = coordinate × unit + n / 2; cos z = sin(z + π/2).
        self.rows = torch.diag(
            torch.tensor(
                [math.pi * k / n * u for k, n, u in zip(waves, SHAPE, units, strict=True)], dtype=torch.float64
            )
        )
        self.shift = torch.tensor([math.pi * k / 2 + math.pi / 2 for k in waves], dtype=torch.float64)
        self.scale = torch.full((1,), scale, dtype=torch.float64)

    def __call__(self, coords):
        phases = (jet.linear(coords, self.rows[i : i + 1], self.shift[i : i + 1]) for i in (0, 1))
        y, x = (jet.elementwise(phase, sine(1.0)) for phase in phases)
        return jet.multiply(jet.multiply(y, x), self.scale)


def signal(grid: PixelCentres | PixelCorners = CENTRES, heldout: float = 0.0) -> SampledSignal:
    coords = SampledSignal(torch.zeros(*SHAPE, 1), grid=grid).coords().double()
    return SampledSignal(
        Cosines(grid)(coords).reshape(*SHAPE, 1).float(), grid=grid, observation=RandomFraction(heldout)
    )


def rounded(field: Cosines, coords: torch.Tensor, *options) -> Jet:
    """The jet of double precision, handed over in single precision as a fit's is."""
    exact = ForwardDerivatives()(field, coords.double(), *options)
    streams = (None if s is None else s.float() for s in (exact.value, exact.gradient, exact.second))
    return Jet(*streams, exact.groups)


def losses(problem: Problem, field: Cosines, batch_size: int | None = None) -> dict[str, float]:
    found = losses_of(field, problem, rounded, batch_of(problem, batch_size))
    return {name: float(value) for name, value in found.items()}


TRUE_UNITS = {
    "values": (image_fit, {}),
    "values and gradients": (image_fit, {"gradient_weight": 1.0, "gradient_stencil": "spectral"}),
    "gradient on lattices": (poisson_grad, {}),
    "gradient": (poisson_grad, {"integrated": False}),
    "laplacian": (poisson_laplacian, {"stencil": "spectral", "integrated": False}),
    "laplacian inside": (poisson_laplacian, {"stencil": "spectral", "integrated": False, "border": False}),
    "laplacian integrated": (poisson_laplacian, {"stencil": "spectral"}),
    "laplacian and border values": (poisson_laplacian, {"stencil": "spectral", "boundary": True}),
}
PAPERS_UNITS = {
    f"{name}, paper's units": (make, options | {"target_factor": factor})
    for make, factor in ((poisson_grad, 80.0), (poisson_laplacian, 1e4))
    for name, (maker, options) in TRUE_UNITS.items()
    if maker is make
}


def check(name: str, grid: PixelCentres | PixelCorners, batch_size: int | None) -> None:
    make, options = (TRUE_UNITS | PAPERS_UNITS)[name]
    problem = make(signal(grid), **options)
    scale = problem.judge.value_scale
    found = losses(problem, Cosines(grid, scale), batch_size)
    # float32 tables and coordinates: values and derivatives per pixel err by 1e-6, their squares by 1e-12.
    assert all(value < 1e-10 for value in found.values()), found
    wrong = losses(problem, Cosines(grid, 1.1 * scale, (2.1, 2.9)), batch_size)
    assert all(value > 1e-6 for value in wrong.values()), wrong


@pytest.mark.parametrize("batch_size", [None, 40])
@pytest.mark.parametrize("grid", [CENTRES, CORNERS], ids=["centres", "corners"])
@pytest.mark.parametrize("name", TRUE_UNITS)
def test_the_right_field_has_no_loss(name, grid, batch_size):
    check(name, grid, batch_size)


@pytest.mark.parametrize("batch_size", [None, 40])
@pytest.mark.parametrize("grid", [CENTRES, CORNERS], ids=["centres", "corners"])
@pytest.mark.parametrize("name", PAPERS_UNITS)
def test_the_right_field_has_no_loss_in_the_papers_units(name, grid, batch_size):
    """On a corner grid too, whose samples lie closer along the longer axis: the field is the image times a number."""
    check(name, grid, batch_size)


@pytest.mark.parametrize("name", PAPERS_UNITS)
def test_losses_are_per_pixel_whatever_the_units(name):
    """The field grows with the targets; errors are divided by their factor, so that losses stay what they were."""
    make, options = PAPERS_UNITS[name]
    scaled, true = make(signal(), **options), make(signal(), **options | {"target_factor": None})
    expected = losses(true, Cosines(CENTRES, 1.0, (2.3, 2.6)))
    found = losses(scaled, Cosines(CENTRES, scaled.judge.value_scale, (2.3, 2.6)))
    # float32 losses of order 1e-3 to 1.
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("make", [poisson_grad, poisson_laplacian])
def test_the_potential_of_an_error_is_its_mean_square(make):
    """A field that is wrong by one cosine of the image's own basis: the potential measures exactly that cosine."""
    of = signal()
    found = losses(make(of, stencil="spectral"), Cosines(CENTRES, 1.3))["potential"]
    # The lattice of gradients is shifted off the pixel centres, where a sum of squared cosines stays within a few %.
    assert found == pytest.approx(0.3**2 * float(of.values.square().mean()), rel=0.3 if make is poisson_grad else 1e-4)


@pytest.mark.parametrize("make", [poisson_grad, poisson_laplacian])
def test_gaps_cannot_be_integrated(make):
    with pytest.raises(UserError, match=r"task\.integrated=false"):
        tables_of(make(signal(heldout=0.1)))


@pytest.mark.parametrize(("make", "stencil"), [(poisson_grad, "spectral"), (poisson_laplacian, "spectral")])
def test_a_stencil_that_sees_nothing_is_refused(make, stencil):
    with pytest.raises(UserError, match=r"task\.stencil=spectral"):
        tables_of(make(signal(heldout=0.1), stencil=stencil, integrated=False))


def test_a_border_that_was_not_seen_is_not_supervised():
    """A mean over no sample is NaN, and no term says so."""
    known = torch.zeros(SHAPE, dtype=torch.bool)
    known[1:-1, 1:-1] = True
    of = SampledSignal(torch.zeros(*SHAPE, 1), observation=GivenMask(known, "task.mask=a.png"))
    problem = poisson_laplacian(of, integrated=False, boundary=True)
    with pytest.raises(UserError, match=r"task\.boundary=true .* task\.mask=a\.png: hold out less"):
        tables_of(problem)
