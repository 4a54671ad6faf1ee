"""A picture rendered in chunks equals the field evaluated at once, at any size; bytes are rounded and clipped."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from siren_pl.field.derivatives import AutogradDerivatives, ForwardDerivatives, ReverseDerivatives
from siren_pl.field.networks import Siren
from siren_pl.problems.sampled import rendering
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.rendering import render, render_levels
from siren_pl.problems.sampled.signal import SampledSignal
from tests.judged import answer_of

# float32 matrix products of another batch size may sum in another order.
SINGLE = {"rtol": 0, "atol": 1e-5}
SIZES = [None, (7, 9), (1, 1), (13, 4), (17, 23)]


@pytest.fixture(autouse=True, params=[10, 32_768], ids=["small chunks", "one chunk"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "CHUNK", request.param)


def signal(shape: tuple[int, ...] = (7, 9), channels: int = 2, grid: PixelCentres | PixelCorners | None = None):
    return SampledSignal(torch.zeros(*shape, channels), grid=grid or PixelCentres())


@functools.cache
def network(axes: int = 2, channels: int = 2) -> nn.Module:
    return Siren(axes, channels, 8, 1, omega_0=5.0)


class Constant(nn.Module):
    """A field of one value, with a parameter as every network has."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, coords: Tensor) -> Tensor:
        return self.value.expand(len(coords), 1)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
@pytest.mark.parametrize("size", SIZES)
def test_render_equals_direct_evaluation(size, grid):
    scene = signal(grid=grid)
    with torch.no_grad():
        expected = network()(scene.coords(size)).reshape(*(size or scene.shape), 2)
    result = render(answer_of(network()), scene, size)
    torch.testing.assert_close(result, expected, **SINGLE)
    assert result.dtype == torch.float32
    assert not result.requires_grad


class Ramp(nn.Module):
    """A field that tells its own place in samples, sample i at i + 1/2, and a cosine of it."""

    def __init__(self, scene: SampledSignal) -> None:
        super().__init__()
        # The axes of a corner grid have (n - 1) / 2 samples a unit, those of centres half of the longer side's.
        corners = [(n - 1) / 2 for n in scene.shape]
        units = corners if scene.grid == PixelCorners() else [max(scene.shape) / 2] * 2
        self.unit = nn.Parameter(torch.tensor(units))
        self.half = torch.tensor(scene.shape) / 2

    def forward(self, coords: Tensor) -> Tensor:
        places = coords * self.unit + self.half
        return torch.stack([places.sum(-1), torch.cos(places[:, 0]) * torch.cos(places[:, 1] / 2)], -1)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
@pytest.mark.parametrize("size", [(7, 9), (28, 36), (3, 20)])
def test_pixels_of_any_size_lie_on_the_samples(size, grid):
    """Aligned as Pillow resizes: pixel j of m stands at (j + 1/2) n / m samples, on every grid and along both axes."""
    scene = signal(grid=grid)
    y, x = np.meshgrid(*((np.arange(m) + 0.5) * n / m for n, m in zip(scene.shape, size, strict=True)), indexing="ij")
    expected = np.stack([y + x, np.cos(y) * np.cos(x / 2)], -1)
    np.testing.assert_allclose(render(answer_of(Ramp(scene)), scene, size).numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(11,), (3, 5, 4)])
def test_render_in_one_and_three_dimensions(shape):
    scene = signal(shape)
    field = network(len(shape))
    with torch.no_grad():
        expected = field(scene.coords()).reshape(*shape, 2)
    torch.testing.assert_close(render(answer_of(field), scene), expected, **SINGLE)


def test_rendering_finer_passes_through_the_same_field():
    """At three times the resolution every third pixel centre, from the second, is a centre of the original grid."""
    fine, coarse = render(answer_of(network()), signal(), (21, 27)), render(answer_of(network()), signal())
    torch.testing.assert_close(fine[1::3, 1::3], coarse, **SINGLE)


def test_double_networks_are_rendered_too():
    field = Siren(2, 2, 8, 1, omega_0=5.0).double()
    assert answer_of(field)(signal().coords()).dtype == torch.float32
    torch.testing.assert_close(render(answer_of(field), signal()), render(answer_of(network()), signal()), **SINGLE)


@pytest.mark.parametrize("size", [(7, 9), (13, 4), (1, 1)])
def test_bytes_are_the_rounded_picture(size):
    scene = signal()
    values = render(answer_of(network()), scene, size).numpy()
    result = render_levels(answer_of(network()), scene.grid.axes(scene.shape, size), 2)
    assert result.dtype == np.uint8
    assert result.shape == (*size, 2)
    # Half a level of rounding, and float32's share of 1e-7 × 255.
    np.testing.assert_allclose(result, (values.clip(-1, 1) / 2 + 0.5) * 255, rtol=0, atol=0.5 + 1e-3)


@pytest.mark.parametrize(
    ("value", "level"),
    [(-5.0, 0), (-1.0, 0), (1.0, 255), (7.0, 255), (100.4 / 127.5 - 1, 100), (100.6 / 127.5 - 1, 101)],
)
def test_bytes_are_clipped_and_rounded(value, level):
    assert (render_levels(answer_of(Constant(value)), PixelCentres().axes((7, 9), (3, 5)), 1) == level).all()


def test_bytes_undo_scale_and_offset():
    scene = signal(channels=2)
    found = render_levels(
        answer_of(network(), 4.0), scene.grid.axes((7, 9), (7, 9)), 2, offset=torch.tensor([0.5, -0.25])
    )
    values = render(answer_of(network()), scene).numpy() / 4 + np.array([0.5, -0.25])
    np.testing.assert_allclose(found, (values.clip(-1, 1) / 2 + 0.5) * 255, rtol=0, atol=0.5 + 1e-3)


@pytest.mark.parametrize("strategy", [ForwardDerivatives(), AutogradDerivatives()])
def test_jet_on_grid_order_two(strategy):
    scene = signal()
    field = Siren(2, 2, 8, 1, omega_0=5.0).double()
    expected = AutogradDerivatives()(field, scene.coords().double(), 2)
    found = answer_of(field, derivatives=strategy).jet(scene.coords())
    for a, b in [
        (found.value, expected.value),
        (found.gradient, expected.gradient),
        (found.laplacian, expected.laplacian),
    ]:
        # Computed in float64, stored in float32: seven digits.
        torch.testing.assert_close(a.double(), b.detach(), rtol=1e-6, atol=1e-6)


def test_jet_on_grid_order_one(monkeypatch):
    """A field that ends at order 1 is asked for no more, and a strategy that ends there gives way to the jet."""
    field = network()
    assert answer_of(field, derivatives=ReverseDerivatives()).jet(signal().coords()).order == 2
    monkeypatch.setattr(type(field), "highest_order", 1)
    found = answer_of(field, 2.0, ReverseDerivatives()).jet(signal().coords())
    assert found.order == 1
    assert found.gradient.shape == (2, 63, 2)
    expected = AutogradDerivatives()(network(), signal().coords(), 1).gradient.detach()
    torch.testing.assert_close(2 * found.gradient, expected, rtol=1e-4, atol=1e-4)  # float32 with slopes of order 1e1
