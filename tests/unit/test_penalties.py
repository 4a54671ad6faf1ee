"""Penalties of a known field equal their formulas, and mean the same for every size of the picture."""

import math

import pytest
import torch
from torch import Tensor

from siren_pl import SampledSignal, Siren
from siren_pl.field.derivatives import AutoDerivatives
from siren_pl.field.jet import Jet
from siren_pl.problems.operators import Downsampling
from siren_pl.problems.penalties import CORNER, MOST_POINTS, PENALTIES, Penalty, penalties
from siren_pl.problems.penalties import total_variation as total_variation_of
from siren_pl.problems.pictures.restoration import inpainting
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.observations import RandomFraction
from tests.fields import merged

STEP = 1e-4


def penalty(name: str, signal: SampledSignal, weight: float = 1.0) -> Penalty:
    (term,) = penalties(signal.domain, **{name: weight}).values()
    assert isinstance(term, Penalty)
    return term


def drawn(term: Penalty, count: int | None = None, seed: int = 0) -> dict[str, Tensor]:
    table = {key: column.double() for key, column in term.points().items()}
    return term.draw(table, count, torch.Generator().manual_seed(seed), 0.0)


def by_differences(name: str, field, coords: Tensor, spacing: float | Tensor) -> float:
    """The penalty from values alone: central differences of the field at points (N, D), in units of the spacing."""
    steps = STEP * torch.eye(coords.shape[1], dtype=torch.float64)
    ahead, behind = (torch.stack([field(coords + sign * step) for step in steps]) for sign in (1, -1))  # (D, N, C)
    slopes = (ahead - behind) / (2 * STEP) * spacing
    bends = (ahead + behind - 2 * field(coords)) / STEP**2 * spacing**2
    each = {
        "total_variation": ((slopes**2).sum((0, 2)) + CORNER**2).sqrt(),
        "curvature": ((bends**2).sum((0, 2)) + CORNER**2).sqrt(),
        "spectral": (bends.sum(0) ** 2).sum(-1),
    }
    return float(each[name].mean())


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("shape", [(12,), (9, 14), (5, 6, 4)])
def test_a_penalty_is_its_formula(name, shape):
    signal = SampledSignal(torch.zeros(*shape, 3), observation=RandomFraction(0.5))
    network = Siren(len(shape), 3, hidden_features=16, hidden_layers=1, omega_0=4.0, seed=3).double()
    term = penalty(name, signal, 0.7)
    points = drawn(term, 200)
    jet = AutoDerivatives(3)(network, points["coords"], term.order, term.groups)
    found = {key: float(loss.detach()) for key, loss in term.losses(jet, points).items()}
    # Coordinate units between samples, were the seen ones spread evenly: a pixel is 2 / longest axis.
    spacing = 2 / max(shape) * 2 ** (1 / len(shape))
    with torch.no_grad():
        expected = 0.7 * by_differences(name, network, points["coords"], spacing)
    assert list(found) == [name] and found[name] == pytest.approx(expected, rel=0.02)


# Gradient (D, C) and pure second derivatives (D, C) at every point, and what they cost for a pixel of so many units.
KNOWN = {
    "a slope has its length": ("total_variation", [[3], [-4]], [[0], [0]], lambda p: 5 * p),
    "channels count together": ("total_variation", [[1, 2], [2, 4]], [[0, 0], [0, 0]], lambda p: 5 * p),
    "a slope has no bend": ("curvature", [[3], [-4]], [[0], [0]], lambda p: 0.0),
    "a bowl": ("curvature", [[0], [0]], [[2], [2]], lambda p: math.sqrt(8) * p**2),
    "a saddle bends": ("curvature", [[0], [0]], [[2], [-2]], lambda p: math.sqrt(8) * p**2),
    "a bowl's Laplacian": ("spectral", [[0], [0]], [[2], [2]], lambda p: (4 * p**2) ** 2),
    "a saddle has none": ("spectral", [[0], [0]], [[2], [-2]], lambda p: 0.0),
}


@pytest.mark.parametrize("case", KNOWN)
def test_known_fields(case):
    name, gradient, second, cost = KNOWN[case]
    signal = SampledSignal(torch.zeros(8, 10, 1))
    term = penalty(name, signal)
    points = drawn(term, 50)
    slopes, bends = (torch.tensor(each).double()[:, None].expand(-1, 50, -1) for each in (gradient, second))
    jet = Jet(slopes[0], slopes, bends, ((1.0, 0.0), (0.0, 1.0)))
    # The corner of a norm is rounded off.
    corner = 0.0 if name == "spectral" else CORNER
    assert float(term.losses(jet, points)[name]) == pytest.approx(math.hypot(cost(2 / 10), corner), rel=1e-6)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()], ids=["centres", "corners"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", PENALTIES)
def test_a_weight_means_the_same_along_both_axes_of_a_flat_picture(name, axis, grid):
    """A ramp, or a bowl, along one axis: its slope, or bend, per sample is the cost, whichever axis it is."""
    signal = SampledSignal(torch.zeros(9, 33, 1), grid=grid)
    # By the contract: half of the longer side's samples in a unit of a centred grid, (n - 1) / 2 of a corner grid.
    unit = (33 / 2 if grid == PixelCentres() else (signal.shape[axis] - 1) / 2) * 0.1  # 0.1 a sample
    term = penalty(name, signal)
    points, slopes, bends = drawn(term, 50), torch.zeros(2, 50, 1), torch.zeros(2, 50, 1)
    slopes[axis] = unit
    bends[axis] = unit**2
    cost = {"total_variation": 0.1, "curvature": 0.01, "spectral": 0.01**2}[name]
    found = term.losses(Jet(slopes[0], slopes, bends, ((1.0, 0.0), (0.0, 1.0))), points)[name]
    # The corner of a norm is rounded off; tables are float32.
    assert float(found) == pytest.approx(math.hypot(cost, 0 if name == "spectral" else CORNER), rel=1e-5)


def wave(period: float):
    """A wave of so many coordinate units, in both directions."""
    return lambda x: torch.cos(2 * math.pi / period * x).prod(1, keepdim=True)


def loss_of(name: str, signal: SampledSignal, field, seed: int = 0) -> float:
    points = drawn(penalty(name, signal), seed=seed)
    return by_differences(name, field, points["coords"], points["spacing"][:, None, None])


@pytest.mark.parametrize("name", PENALTIES)
def test_a_weight_means_the_same_at_every_enlargement(name):
    """One small picture, looked for two, three and eight times as large: the same field costs the same."""
    signals = [SampledSignal(torch.zeros(12 * s, 16 * s, 1), observation=Downsampling(s)) for s in (2, 3, 8)]
    losses = [loss_of(name, signal, wave(0.5)) for signal in signals]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_weight_means_the_same_for_a_thumbnail_and_a_poster(name):
    """A pattern of eight pixels a period costs as much per point whatever the size of the picture it fills."""
    losses = [loss_of(name, SampledSignal(torch.zeros(n, n, 1)), wave(8 * 2 / n)) for n in (32, 128, 512)]
    # Means over 4,096 random points.
    assert losses == pytest.approx([losses[0]] * 3, rel=0.08)


def test_points_fill_the_domain_and_nothing_else():
    signal = SampledSignal(torch.zeros(60, 180, 1))
    coords = drawn(penalty("total_variation", signal))["coords"]
    assert coords.shape == (MOST_POINTS, 2)
    extent = torch.tensor([60 / 180, 1.0]).double()
    assert (coords.abs() <= extent).all() and (coords.abs().amax(0) > 0.99 * extent).all()
    # A uniform variable on [-a, a] has variance a² / 3.
    torch.testing.assert_close(coords.var(0), extent.square() / 3, rtol=0.1, atol=0)
    assert len(drawn(penalty("total_variation", signal), 100)["coords"]) == 100
    assert not torch.equal(coords, drawn(penalty("total_variation", signal), seed=1)["coords"])


def test_a_penalty_without_weight_is_none():
    signal = SampledSignal(torch.zeros(8, 10, 1))
    assert penalties(signal.domain, total_variation=0.0, curvature=0.0, spectral=0.0) == {}
    assert list(penalties(signal.domain, total_variation=0.0, curvature=0.1, spectral=0.0)) == ["curvature"]
    assert list(inpainting(signal, 0.0, spectral=0.1).terms) == ["samples", "spectral"]


def test_penalties_of_many_fields_are_those_of_each():
    signals = [SampledSignal(torch.rand(6, 8, 1, generator=torch.Generator().manual_seed(s)) * 2 - 1) for s in (0, 1)]
    networks = [Siren(2, 1, hidden_features=8, hidden_layers=1, omega_0=5.0, seed=1) for _ in signals]
    problems = [inpainting(signal, total_variation=0.1, curvature=0.2, spectral=0.3) for signal in signals]
    together, strategies = merged(networks, problems), {"field": AutoDerivatives(1)}
    found = together.losses(strategies, together.draw(together.tables(), 20, 0, 3, 0.0))
    for index, (network, problem) in enumerate(zip(networks, problems, strict=True)):
        alone = merged([network], [problem])
        own = alone.losses(strategies, alone.draw(alone.tables(), 20, 0, 3, 0.0))
        assert own.keys() == found.keys() == {"value", *PENALTIES}
        for name, loss in own.items():
            torch.testing.assert_close(found[name][index], loss[0], rtol=1e-4, atol=1e-7)


def test_total_variation_of_a_field_is_kornias_of_its_picture():
    """Along one axis both count the way up and down: of a wave of three half periods, three times two."""
    from kornia.losses import total_variation

    n = 300
    steps = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 - 1
    wave, slope = torch.cos(1.5 * math.pi * (steps + 1)), -1.5 * math.pi * torch.sin(1.5 * math.pi * (steps + 1))
    picture = wave.expand(1, 1, n)
    up_and_down = float(total_variation(picture[..., None, :].reshape(1, 1, 1, n), reduction="sum"))
    assert up_and_down == pytest.approx(6, abs=1e-3)
    jet = Jet(wave[:, None], slope[None, :, None])
    spacing = torch.tensor([2 / n], dtype=torch.float64)
    # CORNER rounds the norm where the slope is nearly none: there it adds less than itself per sample.
    assert n * float(total_variation_of(jet, spacing)) == pytest.approx(up_and_down, abs=n * CORNER / 3)
