"""A field is compared with a smaller picture through the kernel that made it, as integrals known in advance show."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from siren_pl import SampledSignal, Siren, fit
from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutoDerivatives, ForwardDerivatives
from siren_pl.field.jet import Jet
from siren_pl.problems.operators import KERNELS, Downsampling, downsampling
from siren_pl.problems.penalties import MOST_POINTS
from siren_pl.problems.pictures import enlargement
from siren_pl.problems.pictures.enlargement import LATTICE, EnlargementTerm, enlargement_term, tiles
from siren_pl.problems.pictures.restoration import super_resolution
from siren_pl.problems.sampled.grid import PixelCorners
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.sampled.observations import RandomFraction
from siren_pl.training.pieces import pieces
from siren_pl.training.problem import drawn, tables_of
from tests.fields import batch_of, doubled, gradients_of, losses_of, merged


def signal(*coarse: int, scale: float = 2, kernel: str = "bicubic", channels: int = 1, seed: int = 0) -> SampledSignal:
    """A smaller picture of noise, the larger one unknown."""
    data = torch.rand(*coarse, channels, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    observation = Downsampling(scale, KERNELS[kernel])
    shown = observation.picture(data, observation.fine(coarse))
    return SampledSignal(shown, observation=observation, data=data, has_truth=False)


def response(kernel: str, omega: float) -> float:
    """What a kernel leaves of cos(omega x), x in coarse samples: a dense sum over the kernel, normalised."""
    x = (np.arange(200_000) + 0.5) / 200_000 * 10 - 5
    weights = KERNELS[kernel].weigh(torch.from_numpy(np.abs(x))).numpy()
    return float((weights * np.cos(omega * x)).sum() / weights.sum())


def term_of(of: SampledSignal, lattice: float = LATTICE) -> EnlargementTerm:
    return enlargement_term(of, {}, lattice)


def difference(term: EnlargementTerm, field, expected: Tensor, step: int = 0) -> float:
    """Root mean square between the observed field, a function of places in coarse samples (N, D), and what is known."""
    table = {key: column.double() for key, column in term.points().items()} | {"data": expected.double()}
    points = term.draw(table, None, torch.Generator().manual_seed(step), 0.0)
    coarse = torch.tensor(expected.shape[:-1])
    places = (points["coords"] / table["extent"] + 1) / 2 * coarse
    return math.sqrt(float(term.losses(Jet(field(places)[:, None]), points)["value"]))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("halves", [(0, 3), (5, 2), (9, 12)])
def test_cosines_come_through_as_the_kernel_leaves_them(kernel, halves):
    """Cosines of whole half periods are what reflection continues them by, so this holds up to the border."""
    of = signal(13, 17, kernel=kernel)
    omegas = [math.pi * k / m for k, m in zip(halves, (13, 17), strict=True)]

    def field(places: Tensor) -> Tensor:
        return torch.cos(omegas[0] * places[:, 0]) * torch.cos(omegas[1] * places[:, 1])

    centres = torch.stack(torch.meshgrid(torch.arange(13) + 0.5, torch.arange(17) + 0.5, indexing="ij"), -1)
    exact = field(centres.reshape(-1, 2).double()).reshape(13, 17, 1)
    expected = exact * response(kernel, omegas[0]) * response(kernel, omegas[1])
    # A box's edge falls between lattice points: its sum converges as 1 / lattice.
    tolerance = 0.03 if kernel == "area" else 2e-3
    assert difference(term_of(of, 16), field, expected) < tolerance
    if halves == (9, 12) and kernel != "lanczos":  # Lanczos leaves waves as they are, until shortly before Nyquist's
        assert difference(term_of(of, 16), field, exact) > 2 * tolerance


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear", "lanczos", "gaussian"])
def test_the_field_seen_is_the_picture_that_the_operator_makes(kernel):
    """At the fine samples' own density both are sums over the kernel: of a smooth scene, nearly the same ones."""
    rows, columns = torch.meshgrid(torch.arange(52) + 0.5, torch.arange(68) + 0.5, indexing="ij")

    def scene(y: Tensor, x: Tensor) -> Tensor:
        return torch.cos(math.pi * 5 * y / 13) * torch.cos(math.pi * 4 * x / 17) * 0.5 + torch.cos(math.pi * y / 13) / 4

    observation = Downsampling(4, KERNELS[kernel])
    data = observation.apply(scene(rows.double() / 4, columns.double() / 4)[..., None])
    of = signal(13, 17, scale=4, kernel=kernel)
    term = term_of(of, 4)
    assert difference(term, lambda places: scene(places[:, 0], places[:, 1]), data, step=3) < 5e-3
    assert difference(term, lambda places: scene(places[:, 0] + 0.25, places[:, 1]), data) > 0.02  # a pixel off


def test_shifted_lattices_average_to_the_integral():
    """With two points a sample single lattices are off; their mean over the shifts is not."""
    omega, term = math.pi * 14 / 16, term_of(signal(16))
    table = term.points()
    seen = []
    for step in range(300):
        points = term.draw(table, None, torch.Generator().manual_seed(step), 0.0)
        places = (points["coords"].double() / table["extent"] + 1) / 2 * 16
        seen.append(points["weights_0"][0].double() @ torch.cos(omega * places[:, 0]))
    found = torch.stack(seen)
    expected = torch.cos(omega * (torch.arange(16) + 0.5)) * response("bicubic", omega)
    single = float((found - expected).square().mean().sqrt())
    assert single > 0.004
    assert float((found.mean(0) - expected).square().mean().sqrt()) < 0.15 * single


@pytest.mark.parametrize("shape", [(7,), (64,), (65,), (1000,), (130, 64), (70, 1, 200), (1, 1)])
def test_tiles_cover_every_sample(shape):
    starts, sides = tiles(shape, torch.device("cpu"))
    covered = torch.zeros(shape, dtype=torch.bool)
    for start in starts.tolist():
        covered[tuple(slice(first, first + side) for first, side in zip(start, sides, strict=True))] = True
        assert all(first >= 0 and first + side <= n for first, side, n in zip(start, sides, shape, strict=True))
    assert covered.all() and max(sides) <= enlargement.TILE
    assert math.log2(len(starts)).is_integer()  # so that MOST_POINTS are cut among them
    assert MOST_POINTS % len(starts) == 0


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enlargement, "TILE", 8)


WEIGHTS = {"data alone": {}, "with penalties": {"total_variation": 0.1, "curvature": 0.02}}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_tile_after_tile_has_the_gradient_of_the_whole(weights: dict, small_tiles):
    problem = super_resolution(signal(16, 24, channels=2), **weights)
    network = Siren(2, 2, hidden_features=8, hidden_layers=1, omega_0=5.0).double()
    batch = doubled(batch_of(problem))
    parts = pieces(problem, batch, 0)
    tiles = [part.batch["samples"] for part in parts if "samples" in part.batch]
    assert len(tiles) == 8 and all(tile["data"].shape == (1, 8, 6, 2) for tile in tiles)
    found, whole = (gradients_of(network, problem, ForwardDerivatives(), each) for each in (parts, [(batch, 1)]))
    for mine, wanted in zip(found, whole, strict=True):
        torch.testing.assert_close(mine, wanted)


def test_tiles_without_overlap_see_what_one_tile_sees(monkeypatch):
    """Each tile brings the kernel's margin with it; where lattices coincide, so do the losses."""
    network = Siren(2, 1, hidden_features=8, hidden_layers=1, omega_0=5.0).double()
    problem, losses = super_resolution(signal(16, 24)), []
    for side in (64, 8):
        monkeypatch.setattr(enlargement, "TILE", side)
        batch = drawn(problem, doubled(tables_of(problem)), None, 0, 0)
        losses.append(losses_of(network, problem, ForwardDerivatives(), batch)["value"])
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-5, atol=0)


def test_a_draw_depends_on_seed_and_step_alone():
    problem = super_resolution(signal(9, 7), total_variation=0.1)

    def draw(seed: int, step: int, batch_size: int | None = None) -> list[Tensor]:
        batch = batch_of(problem, batch_size, seed, step)
        return [batch["samples"][key] for key in sorted(batch["samples"])]

    def same(a: list[Tensor], b: list[Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    state = torch.get_rng_state()
    assert same(draw(1, 5), draw(1, 5)) and same(draw(1, 5), draw(1, 5, batch_size=10))
    assert not same(draw(1, 5), draw(1, 6)) and not same(draw(1, 5), draw(2, 5))
    assert torch.equal(state, torch.get_rng_state())


def test_the_field_is_looked_at_within_the_picture_alone():
    for scale, coarse in ((2, (9, 16)), (2.5, (7,)), (3, (4, 5, 6))):
        of = signal(*coarse, scale=scale)
        term = term_of(of)
        table = term.points()
        coords = term.draw(table, None, torch.Generator().manual_seed(0), 0.0)["coords"]
        outermost = of.coords().abs().amax(0) + 0.5 / torch.tensor(of.pixels_per_unit)
        assert (coords.abs().amax(0) <= outermost + 1e-6).all()
        assert (coords.abs().amax(0) > outermost - 1 / torch.tensor(of.pixels_per_unit) * scale).all()


def test_a_field_on_a_corner_grid_is_enlarged_by_its_own_axes():
    """A cosine of samples, whose spacing in coordinates differs by axis: observed, it is the small picture."""
    shape, units = (18, 30), PixelCorners().pixels_per_unit((18, 30))

    def field(coords: Tensor) -> Tensor:
        places = [
            coords[:, axis].double() * unit + n / 2 for axis, (n, unit) in enumerate(zip(shape, units, strict=True))
        ]
        return torch.cos(math.pi * 2 * places[0] / 18) * torch.cos(math.pi * 3 * places[1] / 30)

    empty = SampledSignal(torch.zeros(*shape, 1), grid=PixelCorners())
    of = SampledSignal(
        field(empty.coords()).reshape(*shape, 1).float(), grid=PixelCorners(), observation=Downsampling(2)
    )
    term = term_of(of)
    points = term.draw(term.points(), None, torch.Generator().manual_seed(0), 0.0)
    loss = float(term.losses(Jet(field(points["coords"])[:, None].float()), points)["value"])
    # The lattice's sum stands for the kernel's integral, to a few thousandths of the cosine's own size.
    assert loss < 1e-2**2 * float(of.values.square().mean())


def test_many_fields_end_as_each_alone(small_tiles):
    """Twice over: their losses at one batch, and the pieces that the batch is cut into."""
    signals = [signal(16, 9, channels=3, seed=seed) for seed in (0, 1, 2)]
    networks = [Siren(2, 3, hidden_features=8, hidden_layers=1, omega_0=5.0, seed=1) for _ in signals]
    problems = [super_resolution(of, total_variation=0.05) for of in signals]
    together, strategies = merged(networks, problems), {"field": AutoDerivatives(3)}
    batch = together.draw(together.tables(), None, 4, 7, 0.0)
    found = together.losses(strategies, batch)
    for index, (network, problem) in enumerate(zip(networks, problems, strict=True)):
        alone = merged([network], [problem])
        for name, loss in alone.losses(strategies, alone.draw(alone.tables(), None, 4, 7, 0.0)).items():
            torch.testing.assert_close(found[name][index], loss[0], rtol=1e-5, atol=1e-7)
    tiles = [part for part in pieces(together.problem, batch, together.point_axis) if "samples" in part.batch]
    assert len(tiles) == 4
    each = [together.losses(strategies, tile.batch)["value"] for tile in tiles]
    torch.testing.assert_close(torch.stack(each).mean(0), found["value"])


@pytest.mark.parametrize(("coarse", "scale"), [((24,), 3), ((5, 7, 6), 2)])
def test_signals_of_one_and_three_axes(coarse, scale, one_thread):
    fine = tuple(scale * m for m in coarse)
    axes = torch.meshgrid(*((torch.arange(n) + 0.5) / n * math.pi for n in fine), indexing="ij")
    values = torch.stack([torch.cos(2 * axis) for axis in axes]).mean(0)[..., None]
    of = SampledSignal(values, observation=Downsampling(scale))
    network = Siren(len(coarse), 1, hidden_features=32, hidden_layers=1, omega_0=4.0)
    found = fit(network, super_resolution(of), steps=150, lr=5e-3, progress=False).metrics
    # Closer than the measurement's own samples, each repeated over what it covers.
    target, blocks = values[..., 0].numpy() / 2, values[..., 0].numpy() / 2
    for axis, m in enumerate(coarse):
        blocks = np.stack([part.mean(axis) for part in np.split(blocks, m, axis)], axis).repeat(scale, axis)
    assert found["psnr"] > psnr(blocks, target)
    assert found["train_psnr"] > found["psnr"]  # what was measured is fitted best
    assert "psnr_y" not in found and "ssim_y" not in found


def test_what_super_resolution_cannot_do():
    with pytest.raises(UserError, match=r"measures a smaller picture; dataset\.heldout=0\.5"):
        super_resolution(SampledSignal(torch.zeros(8, 8, 1), observation=RandomFraction(0.5)))
    noisy = SampledSignal(torch.zeros(8, 8, 1), observation=downsampling(2, sigma=0.1))
    assert term_of(noisy).points()["data"].shape == (4, 4, 1)
