"""Warping, flows, matching and the terms of a motion against what formulas and NumPy say."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutogradDerivatives, ForwardDerivatives
from siren_pl.field.jet import Jet
from siren_pl.field.networks import Siren
from siren_pl.problems.pictures.stills import Stills
from siren_pl.problems.video.interpolation import features, flows, frames, regularity, rendering, scores, seeding, terms
from siren_pl.problems.video.interpolation.paths import Paths
from siren_pl.problems.video.interpolation.references import rife
from siren_pl.problems.video.interpolation.rivals import average, by_flow
from siren_pl.problems.video.interpolation.scene import following, scene_of
from siren_pl.problems.video.interpolation.warping import pixel_places, presence, seen, seen_at_points
from siren_pl.training.ask import Ask

pytestmark = pytest.mark.usefixtures("one_thread")

MOVED = (4.6, -2.4)


def waves(moved: tuple[float, float], side: int = 40) -> torch.Tensor:
    """A sum of sines of 7 to 20 pixels, moved by rows and columns, with values in [-1, 1]; every colour is another."""
    generator = np.random.default_rng(3)
    places = pixel_places(side, side).double().numpy() - np.asarray(moved)
    total = np.zeros((side, side, 3))
    for _ in range(10):
        angle, length = generator.uniform(0, math.pi), generator.uniform(7, 20)
        along = (places @ (math.sin(angle), math.cos(angle))) * 2 * math.pi / length
        total += np.sin(along[..., None] + generator.uniform(0, 2 * math.pi, 3))
    return torch.from_numpy(total / 10).float()


def pair(side: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    return waves((0, 0), side), waves(MOVED, side)


def inside(values: torch.Tensor, margin: int = 6) -> torch.Tensor:
    return values[margin:-margin, margin:-margin]


def test_a_plane_is_read_exactly_between_its_pixels_and_held_beyond_its_edge() -> None:
    places = pixel_places(6, 9)
    plane = 2 * places[..., :1] - 3 * places[..., 1:]
    asked = torch.tensor([[[1.25, 3.5], [4.0, 0.75]], [[-3.0, 2.0], [7.0, 20.0]]])
    expected = 2 * asked[..., 0].clamp(0, 5) - 3 * asked[..., 1].clamp(0, 8)
    assert torch.allclose(seen(plane, asked)[..., 0], expected, atol=1e-5)
    stack = torch.stack([plane, 10 - plane]).movedim(-1, 0)
    found = seen_at_points(stack, torch.tensor([0, 1, 1, 0]), asked.reshape(-1, 2))[:, 0]
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0])
    assert torch.allclose(found, signs * expected.flatten() + torch.tensor([0, 10, 10, 0.0]), atol=1e-4)


def test_a_moved_texture_is_what_the_formula_says_at_any_moment() -> None:
    """Bicubic interpolation of waves of 7 pixels errs by about a hundredth; without motion the error is tenfold."""
    before, after = pair()
    motion, places = torch.tensor(MOVED).expand(40, 40, 2), pixel_places(40, 40)
    for moment in (0.0, 0.3, 0.5, 1.0):
        found = rendering.moved(before, after, motion, moment, "bicubic", places)
        truth = waves((MOVED[0] * moment, MOVED[1] * moment))
        assert inside(found - truth).abs().max() < 0.02
    still = rendering.moved(before, after, torch.zeros_like(motion), 0.5, "bicubic", places)
    assert inside(still - waves((MOVED[0] / 2, MOVED[1] / 2))).abs().max() > 0.2


def test_at_its_moment_a_frame_is_its_own_whatever_the_motion() -> None:
    given, places = torch.stack([*pair(), waves((9, 1))]), pixel_places(40, 40)
    wrong = [following(torch.full((2, 40, 40, 2), length)) for length in (3.7, -2.2)]
    for kernel in ("bicubic", "bilinear"):
        answer = rendering.Moved(given, wrong, (kernel, kernel))
        for number in range(3):
            assert torch.allclose(answer(float(number), places), given[number], atol=1e-5)
        # A moment earlier and later it is nearly that.
        assert (answer(0.999, places) - answer(1.001, places)).abs().max() < 0.01


def test_what_leaves_one_frame_is_taken_from_the_other() -> None:
    before, after = torch.zeros(4, 8, 1), torch.ones(4, 8, 1)
    motion = torch.tensor([0.0, 4.0]).expand(4, 8, 2)
    found = rendering.moved(before, after, motion, 0.5, "bilinear", pixel_places(4, 8))
    # Two columns come from beyond the left edge of the frame before, and two leave through the right edge of the after.
    assert found[0, :, 0].tolist() == [1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0]
    assert presence(torch.tensor([[0.0, -0.25], [3.0, 7.0], [5.0, 0.0]]), 4, 8).tolist() == [0.75, 1.0, 0.0]


@pytest.mark.parametrize("method", [flows.InverseSearch(), flows.TvL1(), flows.Dis()])
def test_a_flow_finds_the_motion(method: flows.DenseFlow) -> None:
    """To a tenth of a pixel, which is what such methods promise inside a texture."""
    if isinstance(method, flows.Dis) and not method.is_installed():
        pytest.skip("OpenCV is not installed")
    before, after = pair(48)
    found = flows.motion_by(method, before / 2 + 0.5, after / 2 + 0.5)
    assert (inside(found, 10) - torch.tensor(MOVED)).norm(dim=-1).mean() < 0.1


def test_a_flow_is_carried_along_itself() -> None:
    """Where v(x) = s x for pixels of the first frame, a path that is at y half-way began at y / (1 + s / 2)."""
    places, slope = pixel_places(20, 20), 0.2
    carried = flows.carried(slope * places, 0.5)
    assert torch.allclose(carried, places * slope / (1 + slope / 2), atol=1e-3)


def test_of_several_motions_the_one_is_taken_after_which_the_frames_agree() -> None:
    before, after = pair()
    right, wrong = torch.tensor(MOVED).expand(40, 40, 2), torch.zeros(40, 40, 2)
    halves = torch.arange(40)[None, :, None] < 20
    mixed = [torch.where(halves, right, wrong), torch.where(halves, wrong, right)]
    found = flows.agreeing(mixed, before, after)
    assert (inside(found) == torch.tensor(MOVED)).all(-1).float().mean() > 0.9
    assert flows.agreeing([right], before, after).equal(right.contiguous())


@pytest.mark.parametrize("whole", [(3, -2), (0, 0), (-4, 1)])
def test_blocks_are_matched_to_the_pixel(whole: tuple[int, int]) -> None:
    found = seeding.matched(waves((0, 0)), waves(whole))
    assert (inside(found, 8) == torch.tensor(whole).float()).all(-1).float().mean() > 0.95


def test_blurs_are_those_of_scipy_and_slopes_are_central_differences() -> None:
    picture = waves((0, 0))[None]
    for sigma in (0.8, 1.5):
        found = features.blurred(picture.movedim(-1, 1), sigma)[0].movedim(0, -1)
        radius = max(1, round(features.CUT * sigma))
        expected = [gaussian_filter(picture[0, ..., c].numpy(), sigma, mode="nearest", radius=radius) for c in range(3)]
        assert np.allclose(found.numpy(), np.stack(expected, -1), atol=1e-5)
    stack = features.features(picture.repeat(2, 1, 1, 1), (1.5,))
    assert stack.shape == (1, 5, 2, 40, 40)
    mean = stack[0, :3, 0].mean(0).numpy()
    assert np.allclose(stack[0, 3, 0, 1:-1], 1.5 * (mean[2:] - mean[:-2]) / 2, atol=1e-6)
    assert np.allclose(stack[0, 4, 0, :, 1:-1], 1.5 * (mean[:, 2:] - mean[:, :-2]) / 2, atol=1e-6)


def test_the_material_derivative_of_a_field_that_is_known() -> None:
    """With v = x / (1 + t) every point moves evenly along a ray; with v = x it accelerates by x."""
    coords = torch.rand((50, 3), generator=torch.Generator().manual_seed(0)).double()
    t, x = coords[:, :1], coords[:, 1:]
    for straight in (True, False):
        value = x / (1 + t) if straight else x
        in_time = -x / (1 + t).square() if straight else torch.zeros_like(x)
        in_space = torch.eye(2).double()[:, None] / (1 + t if straight else torch.ones_like(t))
        gradient = torch.cat([in_time[None], in_space.expand(2, 50, 2)])
        along_time, along_space = regularity.slopes(Jet(value, gradient), torch.ones(3).double())
        found = regularity.material_derivative(value, along_time, along_space)
        assert torch.allclose(found, torch.zeros_like(x) if straight else x, atol=1e-12)


def test_exact_jets_give_the_acceleration_that_nested_autograd_gives() -> None:
    network = Siren(3, 2, 8, 1, omega_0=3.0, seed=0).double()
    coords = torch.rand((20, 3), generator=torch.Generator().manual_seed(1)).double()
    steps = torch.tensor([0.2, 0.1, 0.1]).double()
    found = []
    for strategy in (ForwardDerivatives(), AutogradDerivatives()):
        jet = Ask({"motion": network}, {"motion": strategy})(coords, 1)
        found.append(regularity.material_derivative(jet.value, *regularity.slopes(jet, steps)))
    assert torch.allclose(*found, atol=1e-12)


def test_the_loss_vanishes_for_the_right_motion_and_not_for_another() -> None:
    before, after = pair()
    paths = Paths(torch.stack([before, after]))
    losses = {}
    for name, motion in {"right": MOVED, "still": (0.0, 0.0)}.items():
        base = torch.tensor(motion).expand(1, 40, 40, 2)
        term = terms.MotionTerm(paths, "motion", base, None, 1.0, 0.1, 0.0, (0.8,))
        network = Siren(3, 2, 4, 0, omega_0=1.0, seed=0)
        torch.nn.init.zeros_(network.layers[-1].weight)
        torch.nn.init.zeros_(network.layers[-1].bias)
        batch = term.draw(term.points(), 500, torch.Generator().manual_seed(0), 0.5)
        ask = Ask({"motion": network}, {"motion": ForwardDerivatives()})
        losses[name] = float(term.evaluate(ask, batch)["motion"].detach())
    assert losses["right"] < 0.02 * losses["still"]


def test_points_lie_where_the_domain_says() -> None:
    paths = Paths(torch.zeros(3, 10, 20, 1))
    corners = paths.coords(torch.tensor([0.0, 2.0]), torch.tensor([[-0.5, -0.5], [9.5, 19.5]]))
    assert torch.allclose(corners[1], torch.tensor(paths.domain().extent))
    assert torch.allclose(corners[0], -corners[1]) and paths.domain().extent[1:] == (0.5, 1.0)


def test_interpolation_errors_are_the_root_mean_square_and_the_mean_of_levels() -> None:
    generator = np.random.default_rng(0)
    found, truth = generator.uniform(0, 255, (2, 12, 13, 3))
    result = scores.frame_scores(*(torch.from_numpy(each / 127.5 - 1) for each in (found, truth)))
    assert result["ie_rms"] == pytest.approx(np.sqrt(np.mean((found - truth) ** 2)), rel=1e-9)
    assert result["ie_abs"] == pytest.approx(np.mean(np.abs(found - truth)), rel=1e-9)
    assert result["psnr"] == pytest.approx(20 * np.log10(255 / result["ie_rms"]), rel=1e-9)


def test_motions_are_believed_where_the_frames_agree_after_them() -> None:
    """The left half is moved rightly by one motion, the right half by the other; between them lies half a window."""
    side = 96
    before, after = pair(side)
    right, halves = torch.tensor(MOVED).expand(side, side, 2), torch.arange(side)[None, :, None] < side // 2
    motions = [torch.where(halves, right, 0.0), torch.where(halves, 0.0, right)]
    answer = rendering.Moved(torch.stack([before, after]), [following(each[None]) for each in motions], ("bicubic",))
    places, truth = pixel_places(side, side), waves((MOVED[0] / 2, MOVED[1] / 2), side)
    plain = sum(rendering.moved(before, after, each, 0.5, "bicubic", places) for each in motions) / 2
    apart = (torch.arange(side) - side // 2).abs() > rendering.COARSE * rendering.WINDOW / 2
    errors = [inside((each - truth)[:, apart]).square().mean() for each in (answer(0.5, places), plain)]
    assert errors[0] < 0.05 * errors[1]


def test_clean_frames_are_read_by_bicubic_and_blocky_ones_by_bilinear_interpolation() -> None:
    before, after = pair()
    motion = torch.tensor(MOVED).expand(40, 40, 2)
    assert rendering.better_kernel(before, after, motion, motion) == "bicubic"
    generator = torch.Generator().manual_seed(0)
    noisy = [each + 0.1 * torch.randn(each.shape, generator=generator) for each in (before, after)]
    assert rendering.better_kernel(*noisy, motion, motion) == "bilinear"


def scene(method: flows.DenseFlow | None = None):
    stored = torch.stack(pair()).div(2).add(0.5).numpy()
    middle = waves((MOVED[0] / 2, MOVED[1] / 2))[None].div(2).add(0.5).numpy()
    given = frames.Frames("waves", stored, middle, (0.5,), Stills(), Stills().container({}))
    return scene_of(given, method or flows.TvL1())


class Counted(flows.TvL1):
    """Refuses to be called."""

    def flow(self, before, after):
        raise AssertionError("the flow was kept")


def test_a_kept_flow_is_not_computed_again() -> None:
    first = scene()
    again = scene_of(frames.restored(first.arrays(), Stills()), Counted())
    assert again.flow.equal(first.flow) and again.kernels == first.kernels
    assert np.array_equal(again.frames.stored, first.frames.stored)


def test_methods_use_the_same_renderer() -> None:
    given, places = scene(), pixel_places(40, 40)
    truth = given.frames.reference(0)
    mean, moved = average(given), by_flow(given, flows.TvL1())
    assert torch.allclose(mean(0.5, places), given.values.mean(0), atol=1e-5)
    errors = [scores.frame_scores(each(0.5, places), truth)["ie_rms"] for each in (mean, moved)]
    assert errors[1] < 0.2 * errors[0]


def test_rife_takes_its_own_file_and_no_other(tmp_path: Path) -> None:
    """With random weights the network still moves and mixes: at rest, equal frames give the frame itself."""
    network = rife.Rife()
    for block in network.children():
        torch.nn.init.zeros_(block.lastconv.weight)
        torch.nn.init.zeros_(block.lastconv.bias)
    torch.save({f"module.{name}": each for name, each in network.state_dict().items()}, tmp_path / "flownet.pkl")
    loaded = rife.rife_of(tmp_path / "flownet.pkl")
    values = torch.stack(pair())
    found = rife.Interpolated(values, loaded)(0.5, pixel_places(40, 40))
    assert torch.allclose(found, values.mean(0), atol=1e-4)
    grey = rife.Interpolated(values[..., :1], loaded)(0.5, pixel_places(40, 40))
    assert torch.allclose(grey, values[..., :1].mean(0), atol=1e-4)
    with_alpha = values[..., :2]  # grey and alpha
    found = rife.Interpolated(with_alpha, loaded)(0.5, pixel_places(40, 40))
    assert torch.allclose(found, with_alpha.mean(0), atol=1e-4)
    torch.save({"block0.lastconv.bias": torch.zeros(5)}, tmp_path / "other.pkl")
    with pytest.raises(UserError, match=r"task\.reference=.*no weights of RIFE HDv3"):
        rife.rife_of(tmp_path / "other.pkl")
