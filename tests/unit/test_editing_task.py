"""Each edit is solved by the wanted field, and its scores are numbers that can be predicted."""

import functools
import math

import pytest
import torch

from siren_pl import Problem
from siren_pl.errors import UserError
from siren_pl.field.jet import Jet
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.pictures.editing.clones import CloningEdit
from siren_pl.problems.pictures.editing.composition import Composition, ellipse, everywhere
from siren_pl.problems.pictures.editing.edits import GradientEdit, Material
from siren_pl.problems.pictures.editing.guidance import first, strongest, weighted
from siren_pl.problems.pictures.editing.rivals import direct, paste, seamless_clone
from siren_pl.problems.pictures.editing.task import poisson_edit
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.observations import Everything
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.problem import tables_of
from tests.fields import batch_of, losses_of

SHAPE = (12, 16)
GRIDS = {"centres": PixelCentres(), "corners": PixelCorners()}


class Waves:
    """cos(π k (pixel + 1/2) / n) along each axis, and a slope of so many values per pixel down the columns."""

    def __init__(self, waves: tuple[float, float], slope: float = 0.0, height: float = 0.5) -> None:
        self.waves, self.slope, self.height = waves, slope, height

    def jet(self, coords: torch.Tensor, grid) -> Jet:
        """Value (N, 1) and gradient (2, N, 1) in coordinates; float64."""
        units = torch.tensor(grid.pixels_per_unit(SHAPE), dtype=torch.float64)
        places = coords.double() * units + torch.tensor(SHAPE) / 2  # in pixels, sample i at i + 1/2
        omegas = [math.pi * k / n for k, n in zip(self.waves, SHAPE, strict=True)]
        (y, x), (wy, wx) = places.unbind(-1), omegas
        value = self.height * (wy * y).cos() * (wx * x).cos() + self.slope * y
        down = -self.height * wy * (wy * y).sin() * (wx * x).cos() + self.slope
        across = -self.height * wx * (wy * y).cos() * (wx * x).sin()
        return Jet(value[:, None], torch.stack([down * units[0], across * units[1]])[..., None])

    def samples(self, grid=GRIDS["centres"]) -> torch.Tensor:
        coords = SampledSignal(torch.zeros(*SHAPE, 1), grid=grid).coords()
        return self.jet(coords, grid).value.reshape(*SHAPE, 1).float()


def signal(edit, target: Waves, source: Waves, mask, grid=GRIDS["centres"]) -> SampledSignal:
    material = Material(target.samples(grid), source.samples(grid)[None], ("a", "b"), mask(SHAPE), (0.5, 0.5))
    made = edit(material)
    return SampledSignal(made.picture(made.data, SHAPE).float(), "edited", grid, made, made.data.float())


def losses(problem: Problem, field: Waves, step: int = 0) -> dict[str, float]:
    grid = problem.judge.signal.grid

    def known(field: Waves, coords: torch.Tensor, *_) -> Jet:
        jet = field.jet(coords, grid)
        return Jet(jet.value.float(), jet.gradient.float())

    return {name: float(loss) for name, loss in losses_of(field, problem, known, batch_of(problem, step=step)).items()}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("rule", [first, strongest])
@pytest.mark.parametrize("integrated", [True, False])
def test_the_right_clone_has_no_loss(rule, grid, integrated):
    """Source and target are one picture, so it is the clone; its interpolant is the field."""
    right = Waves((2, 3))
    of = signal(functools.partial(CloningEdit, rule=rule), right, right, ellipse, GRIDS[grid])
    problem = poisson_edit(of, "clone", integrated=integrated)
    for step in range(3):
        assert all(loss < 1e-9 for loss in losses(problem, right, step).values())
        wrong = losses(problem, Waves((2.3, 2.8)), step)
        assert all(loss > 1e-5 for loss in wrong.values())
        assert ("potential" in wrong) == integrated


def test_what_is_left_of_a_clones_slopes_has_no_potential():
    """The target is the source and a plane, so the clone is the target, whose slopes are not the source's."""
    source, target = Waves((2, 3)), Waves((2, 3), slope=0.05)
    of = signal(functools.partial(CloningEdit, rule=first), target, source, ellipse)
    found = losses(poisson_edit(of, "clone"), target)
    assert found["gradient"] == pytest.approx(0.01 * 0.05**2, rel=0.3)  # pairs and samples differ in number
    assert found["potential"] < 1e-9 and found["boundary"] < 1e-9 and found["surroundings"] < 1e-9


def test_the_potential_of_a_clone_is_its_error_in_values():
    """A field that is wrong inside alone, by a smooth bump: the potential is the mean square of the bump."""
    right = Waves((0, 0), height=0.0)
    of = signal(functools.partial(CloningEdit, rule=first), right, right, everywhere_but_the_edge)
    bump = lambda t, n: torch.sin(math.pi * (t - 0.5) / (n - 1))  # noqa: E731 - zero on the edge's samples
    slope = lambda t, n: math.pi / (n - 1) * torch.cos(math.pi * (t - 0.5) / (n - 1))  # noqa: E731 - its derivative
    problem, units = poisson_edit(of, "clone"), torch.tensor(of.pixels_per_unit)

    def bumps(_, coords: torch.Tensor, *__) -> Jet:
        y, x = (coords * units + torch.tensor(SHAPE) / 2).unbind(-1)
        by, bx = bump(y, SHAPE[0]), bump(x, SHAPE[1])
        gradient = torch.stack([slope(y, SHAPE[0]) * bx, by * slope(x, SHAPE[1])]) * units[:, None]
        return Jet((by * bx)[:, None], gradient[..., None])

    found = [float(losses_of(right, problem, bumps, batch_of(problem, step=step))["potential"]) for step in range(40)]
    error = bump(torch.arange(12) + 0.5, 12)[:, None] * bump(torch.arange(16) + 0.5, 16)
    expected = error[1:-1, 1:-1].square().mean()
    # Slopes at random places of a cell stand for differences: a few percent on a bump of 12 samples.
    assert sum(found) / len(found) == pytest.approx(float(expected), rel=0.05)


def everywhere_but_the_edge(shape):
    inside = torch.zeros(shape, dtype=torch.bool)
    inside[1:-1, 1:-1] = True
    return inside


@pytest.mark.parametrize("integrated", [True, False])
def test_fusing_one_picture_alone_is_poisson_grad(integrated):
    right = Waves((2, 3))
    make = functools.partial(GradientEdit, rule=weighted([1.0, 0.0]), stencil="spectral")
    of = signal(make, right, Waves((5, 1)), everywhere)
    plain = SampledSignal(right.samples())
    for field in (right, Waves((2.2, 3.3))):
        found = losses(poisson_edit(of, "fuse", integrated=integrated), field)
        assert found == pytest.approx(losses(poisson_grad(plain, "spectral", integrated), field), rel=1e-5, abs=1e-9)


def test_scores_say_how_far_off_a_clone_is():
    of = signal(functools.partial(CloningEdit, rule=first), Waves((2, 3)), Waves((3, 1)), ellipse)
    judge, truth = (lambda values: poisson_edit(of, "clone").judge.judge(values).metrics), of.values.double()
    right = judge(truth)
    assert right["boundary_error"] == right["boundary_max"] == 0
    assert min(right[name] for name in ("psnr", "inside_psnr", "outside_psnr")) > 140  # float32: 1e-7
    # A constant of 0.04 in [-1, 1] is 0.02 of a pixel's range, and changes no slope.
    wrong = judge(truth + 0.04)
    assert wrong["boundary_error"] == pytest.approx(0.02) and wrong["boundary_max"] == pytest.approx(0.02)
    assert wrong["inside_psnr"] == pytest.approx(-20 * math.log10(0.02), abs=0.01)
    assert wrong["guidance_error"] == pytest.approx(right["guidance_error"])
    # The direct solution has the least error of slopes that its boundary allows.
    inside = of.observation.observed(SHAPE).logical_not()[..., None]
    assert judge(truth + 0.01 * inside * torch.randn(truth.shape))["guidance_error"] > right["guidance_error"]
    assert "psnr_mean_aligned" not in right


def test_scores_of_a_whole_leave_the_constant_out():
    of = signal(
        functools.partial(GradientEdit, rule=strongest, stencil="spectral"), Waves((2, 3)), Waves((3, 1)), everywhere
    )
    scores = poisson_edit(of, "mixed").judge.judge(of.values + 0.1).metrics
    assert scores["psnr"] == pytest.approx(-20 * math.log10(0.05), abs=0.01)
    # Adding 0.1 and taking it away again costs float32 a digit: 1e-6.
    assert scores["psnr_mean_aligned"] > 120 and "boundary_error" not in scores and "inside_psnr" not in scores


def test_guidance_errors_are_of_pixels_in_the_unit_range():
    flat = Waves((0, 0), height=0.0)
    of = signal(functools.partial(CloningEdit, rule=first), flat, flat, ellipse)
    ramp = 0.02 * torch.arange(12.0)[:, None, None].expand(*SHAPE, 1)
    pairs, down = of.observation.pairs.shape[1], of.observation.downward
    expected = 0.01 * math.sqrt(down / pairs)  # 0.02 of [-1, 1] is 0.01 of [0, 1]; along the rows there is none
    assert poisson_edit(of, "clone").judge.judge(ramp).metrics["guidance_error"] == pytest.approx(expected)


def test_a_signal_that_is_no_edit_is_refused():
    plain = SampledSignal(Waves((2, 3)).samples())
    for mode in ("clone", "fuse"):
        with pytest.raises(UserError, match="images"):
            tables_of(poisson_edit(plain, mode))


def test_baselines_paste_and_solve():
    of = signal(functools.partial(CloningEdit, rule=first), Waves((2, 3)), Waves((3, 1)), ellipse)
    solved, pasted = direct(of), paste(of)
    assert solved is not None and pasted is not None
    torch.testing.assert_close(solved.float(), of.values)
    inside = ellipse(SHAPE)
    torch.testing.assert_close(pasted[inside].float(), Waves((3, 1)).samples()[inside])
    torch.testing.assert_close(pasted[~inside].float(), Waves((2, 3)).samples()[~inside])
    plain = SampledSignal(Waves((2, 3)).samples())
    assert direct(plain) is paste(plain) is seamless_clone(plain) is None
    assert isinstance(plain.observation, Everything)


def test_a_composition_can_be_made_of_objects_of_ones_own():
    compose = Composition(
        "average", ["coffee"], lambda m: GradientEdit(m, weighted([0.5, 0.5]), "central"), everywhere, [1.0, 1.0]
    )
    target = SampledSignal(torch.rand(8, 10, 3) * 2 - 1, "noise")
    found = compose(target)
    assert found.name == "noise_coffee_average"
    coffee = found.observation.material.sources[0]
    torch.testing.assert_close(found.values, (target.values + coffee) / 2)
