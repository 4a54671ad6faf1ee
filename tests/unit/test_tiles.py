"""Networks on overlapping tiles are exact as jets and smooth across borders; one tile is a plain SIREN."""

import math

import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutogradDerivatives, ForwardDerivatives, ReverseDerivatives
from siren_pl.field.jet import Jet, seed
from siren_pl.field.networks import Siren, Tiles
from siren_pl.field.networks.tiles import share, tiles_rule
from siren_pl.field.networks.visits import Blocks, Visits, best_length
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled.signal import SampledSignal
from tests.fields import domain, merged

OVERLAP = 0.3
PURE = ((1.0, 0.0), (0.0, 1.0))


def tiles(axes: int = 2, count: int = 4, **options) -> Tiles:
    return Tiles(axes, 3, 6, 1, 20.0, count, OVERLAP, **options).double()


def random_points(axes: int = 2, count: int = 60) -> torch.Tensor:
    return torch.rand(count, axes, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 2 - 1


def points_in_overlaps(count: int = 4) -> torch.Tensor:
    """On inner borders, beside them, at the overlaps' ends, at the corners of the domain and beyond them."""
    borders = torch.arange(1, count, dtype=torch.float64) * 2 / count - 1
    half = OVERLAP / count
    line = torch.cat([borders + shift * half for shift in (-0.9, -0.2, 0.0, 0.3, 0.9)])
    line = torch.cat([line, torch.tensor([-1.1, -1.0, 0.01, 1.0, 1.1]).double()])
    return torch.cartesian_prod(line, line)


def as_constants(field: Tiles) -> Tiles:
    """Every network says (1, 1, 1), so that the field is the sum of the windows."""
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.zero_()
        field.tile.layers[-1].bias.fill_(1.0)
    return field


@pytest.mark.parametrize("groups", [None, PURE])
@pytest.mark.parametrize("points", [random_points(), points_in_overlaps(), random_points(count=1)])
def test_jets_agree_with_nested_autograd(points: torch.Tensor, groups) -> None:
    field = tiles()
    found, wanted = (way(field, points, 2, groups) for way in (ForwardDerivatives(), AutogradDerivatives()))
    for part in ("value", "gradient", "second"):
        expected = getattr(wanted, part).detach()
        torch.testing.assert_close(
            getattr(found, part).detach(), expected, rtol=1e-9, atol=1e-11 * float(expected.abs().max())
        )
    reverse = ReverseDerivatives()(field, points, 1)
    torch.testing.assert_close(reverse.gradient, wanted.gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axes", [1, 3])
def test_any_number_of_axes(axes: int) -> None:
    field, points = tiles(axes, 3), random_points(axes)
    found, wanted = (way(field, points, 2) for way in (ForwardDerivatives(), AutogradDerivatives()))
    torch.testing.assert_close(found.laplacian, wanted.laplacian, rtol=1e-9, atol=1e-9)


def test_weights_get_the_gradients_of_nested_autograd() -> None:
    field = tiles()

    def slopes(way) -> tuple[torch.Tensor, ...]:
        jet = way(field, random_points(), 2)
        return torch.autograd.grad(jet.laplacian.square().mean() + jet.value.square().mean(), list(field.parameters()))

    for found, wanted in zip(slopes(ForwardDerivatives()), slopes(AutogradDerivatives()), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10 * float(wanted.abs().max()))


def test_a_jet_that_differs_from_point_to_point_is_followed() -> None:
    """Along x(t) = (t², t): a gradient with a row for each point, and second derivatives that are not zero."""
    field = tiles()
    t = torch.linspace(0, 0.99, 40, dtype=torch.float64)
    curve = torch.stack([t * t, t], -1)
    slope, bend = torch.stack([2 * t, torch.ones_like(t)], -1), torch.tensor([2.0, 0.0]).double().expand(40, 2)
    found = field(Jet(curve, slope[None], bend[None], ((1.0,),)))
    plane = ForwardDerivatives()(field, curve, 2, PURE)
    axes = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).double()
    three = field(seed(curve, 2, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), axes))
    mixed = (three.second[2] - three.second[0] - three.second[1]) / 2
    expected = plane.second[0] * slope[:, :1] ** 2 + 2 * mixed * slope[:, :1] + plane.second[1] + 2 * plane.gradient[0]
    torch.testing.assert_close(found.second[0], expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.gradient[0], plane.gradient[0] * slope[:, :1] + plane.gradient[1])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_windows_sum_to_one_and_their_derivatives_to_zero(axes: int) -> None:
    points = points_in_overlaps() if axes == 2 else random_points(axes, 500)
    jet = ForwardDerivatives()(as_constants(tiles(axes)), points, 2)
    torch.testing.assert_close(jet.value, torch.ones_like(jet.value), rtol=0, atol=1e-14)
    assert jet.gradient.abs().max() < 1e-12 and jet.second.abs().max() < 1e-10


def test_the_field_is_the_windowed_sum_of_its_networks() -> None:
    """Written out for one axis, tile by tile, over all of them."""
    count, x = 4, torch.linspace(-1, 1, 300, dtype=torch.float64)[:, None]
    field = tiles(1, count)
    total = torch.zeros(300, 3, dtype=torch.float64)
    layers = field.tile.layers
    omega = 20.0 * (1 + OVERLAP) / count
    for tile in range(count):
        middle, half = (2 * tile + 1) / count - 1, (1 + OVERLAP) / count

        def rise(border: float) -> torch.Tensor:
            t = ((x - border) / (2 * OVERLAP / count) + 0.5).clamp(0, 1)
            return 6 * t**5 - 15 * t**4 + 10 * t**3

        z = (x - middle) / half
        for layer in layers[:-1]:
            z = torch.sin(omega * (z @ layer.weight[tile].mT + layer.bias[tile]))
        value = z @ layers[-1].weight[tile].mT + layers[-1].bias[tile]
        up = rise(middle - 1 / count) if tile > 0 else 1
        down = 1 - rise(middle + 1 / count) if tile < count - 1 else 1
        total = total + up * down * value
    torch.testing.assert_close(field(x), total, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("place", [-0.5 - OVERLAP / 4, -0.5, -0.5 + OVERLAP / 4])
def test_values_slopes_and_curvatures_are_continuous(place: float) -> None:
    """At a border and at the ends of its overlap."""
    step = 1e-9
    pair = torch.tensor([[place - step, 0.1], [place + step, 0.1]], dtype=torch.float64)
    jet = ForwardDerivatives()(tiles(), pair, 2, PURE)
    for stream in (jet.value, jet.gradient, jet.second):
        left, right = stream.unbind(-2)
        torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-5)


def test_the_order_of_points_does_not_matter() -> None:
    field, points = tiles(), random_points(count=300)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(field(points[order]), field(points)[order])
    alone = torch.cat([field(point[None]) for point in points[:20]])
    torch.testing.assert_close(alone, field(points)[:20])


def test_leading_axes_pass() -> None:
    field, points = tiles(), random_points(count=24)
    jet, flat = (ForwardDerivatives()(field, x, 2) for x in (points.reshape(2, 12, 2), points))
    torch.testing.assert_close(jet.value.reshape(24, 3), flat.value)
    torch.testing.assert_close(jet.gradient.reshape(2, 24, 3), flat.gradient)
    torch.testing.assert_close(jet.second.reshape(1, 24, 3), flat.second)


def test_one_tile_is_a_siren() -> None:
    field, siren = tiles(count=1, seed=4), Siren(2, 3, 6, 1, 20.0, seed=4).double()
    assert torch.equal(field(random_points()), siren(random_points()))
    assert field.fixed_shapes and not tiles(count=2).fixed_shapes


def member_of(field: Tiles, number: int) -> Tiles:
    """One member as a field of its own, with its share of the stacked weights."""
    own = Tiles(2, 3, 6, 1, 20.0, field.tiles, OVERLAP).double()
    share_of = field.networks // field.members
    weights = {
        name: stack[number * share_of : (number + 1) * share_of].reshape(own.state_dict()[name].shape)
        for name, stack in field.state_dict().items()
    }
    own.load_state_dict(weights)
    return own


@pytest.mark.parametrize("count", [1, 3])
def test_members_are_averaged_with_their_derivatives(count: int) -> None:
    field, points = tiles(count=count, members=3), points_in_overlaps(3)
    alone = [ForwardDerivatives()(member_of(field, number), points, 2, PURE) for number in range(3)]
    found = ForwardDerivatives()(field, points, 2, PURE)
    for part in ("value", "gradient", "second"):
        expected = torch.stack([getattr(jet, part) for jet in alone]).mean(0)
        torch.testing.assert_close(getattr(found, part), expected, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(field(points), found.value)


@pytest.mark.parametrize("count", [1, 3])
def test_apart_every_point_is_one_member_s(count: int) -> None:
    field, points = tiles(count=count, members=3), random_points()
    alone = torch.stack([member_of(field, number)(points) for number in range(3)])
    turns = torch.arange(len(points)) % 3
    torch.testing.assert_close(field.apart(points), alone[turns, torch.arange(len(points))])
    one = tiles()
    assert torch.equal(one.apart(points), one(points)) and one.members == 1 and one.networks == 16


def test_members_learn_apart() -> None:
    """A loss leads each member to the target, not their mean: the sum of all gradients is each one's own."""
    field, points = tiles(count=2, members=2), random_points(count=40)
    loss = (field.apart(points) - 1).square().sum()
    slopes = torch.autograd.grad(loss, list(field.parameters()))
    for number in range(2):
        member = member_of(field, number)
        own = torch.autograd.grad((member(points[number::2]) - 1).square().sum(), list(member.parameters()))
        for both, mine in zip(slopes, own, strict=True):
            torch.testing.assert_close(both[4 * number : 4 * number + 4], mine)


def test_tiles_start_different_and_from_the_seed() -> None:
    weights = tiles(count=3, seed=2).tile.layers[1].weight.detach()
    assert weights.shape == (9, 6, 6) and len({float(weight[0, 0]) for weight in weights}) == 9
    assert torch.equal(weights, tiles(count=3, seed=2).tile.layers[1].weight)
    bound = math.sqrt(6 / 6) / (20.0 * share(3, OVERLAP))  # SIREN's, for the omega_0 of a tile
    assert 0.8 * bound < weights.abs().max() <= bound


def test_the_number_of_tiles_follows_what_is_measured_and_what_is_wanted() -> None:
    """A photograph; a thumbnail; pictures enlarged twice from 128 and four times from 64 and 128 samples."""
    pairs = [(512.0, 512.0), (20.0, 20.0), (128.0, 256.0), (64.0, 256.0), (128.0, 512.0)]
    found = [tiles_rule(domain(2, 3, resolution, density)) for density, resolution in pairs]
    assert found == [8, 1, 3, 2, 4]


def test_many_fields_at_once_are_refused() -> None:
    problems = [image_fit(SampledSignal(torch.zeros(4, 4, 3)))] * 2
    with pytest.raises(UserError, match=r"one at a time \(dataset\.index=0\).*model\.tiles=1"):
        merged([tiles(), tiles()], problems)


@pytest.mark.parametrize("options", [{"tiles": 0}, {"members": 0}, {"overlap": 0.0}, {"overlap": 0.6}])
def test_sizes_out_of_range_are_refused(options) -> None:
    with pytest.raises(ValueError, match="overlap in"):
        Tiles(2, 1, **options)


def test_blocks_hold_every_visit_once_and_waste_little() -> None:
    """A few rows of a grid fill one row of tiles and graze the next."""
    line = torch.linspace(-1, 1, 256)
    coords = torch.cartesian_prod(line[:30], line)
    visits = Visits.of(coords, 8, 0.25)
    blocks = Blocks.of(visits.tile, 64)
    assert torch.equal(blocks.visit[blocks.slot], torch.arange(len(visits.point)))
    assert len(blocks.slot.unique()) == len(blocks.slot)
    assert torch.equal(blocks.tile[blocks.slot // blocks.shape[1]], visits.tile)
    assert math.prod(blocks.shape) < 1.35 * len(visits.point)
    assert set(visits.tile.tolist()) == set(range(16))
    assert best_length(torch.tensor([0, 500, 500, 0, 500])) == 500
    assert best_length(torch.tensor([0, 10_000, 100, 120, 90])) <= 1250
