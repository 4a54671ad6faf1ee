"""Grids place samples, signals hold some of them out, and unsuitable ground truth is refused."""

import math

import numpy as np
import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners, coordinates
from siren_pl.problems.sampled.observations import RandomFraction
from siren_pl.problems.sampled.signal import SampledSignal

# float64 coordinates below 1 in size: a few units in the last place.
TIGHT = {"rtol": 0, "atol": 1e-15}


@pytest.mark.parametrize("shape", [(5,), (6, 9), (9, 6), (1, 4), (2, 3, 8)])
def test_pixel_centres(shape):
    axes = PixelCentres().axes(shape, shape)
    longest = max(shape)
    for n, axis in zip(shape, axes, strict=True):
        expected = torch.tensor([(2 * i + 1 - n) / longest for i in range(n)], dtype=torch.float64)
        torch.testing.assert_close(axis, expected, **TIGHT)
    assert PixelCentres().pixels_per_unit(shape) == (longest / 2,) * len(shape)


@pytest.mark.parametrize("shape", [(4, 6), (8, 2), (10,)])
def test_centres_of_blocks_are_the_coarse_centres(shape):
    """Halving a picture puts each coarse centre in the middle of its 2 × 2 block: resolutions are aligned."""
    grid = PixelCentres()
    coarse_shape = tuple(n // 2 for n in shape)
    coarse, fine = grid.axes(coarse_shape, coarse_shape), grid.axes(shape, shape)
    resampled = grid.axes(shape, coarse_shape)
    for a, b, c in zip(coarse, fine, resampled, strict=True):
        torch.testing.assert_close(b.reshape(-1, 2).mean(1), a, **TIGHT)
        torch.testing.assert_close(c, a, **TIGHT)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
@pytest.mark.parametrize(("shape", "size"), [((4, 6), (12, 18)), ((4, 6), (5, 7)), ((6, 4), (2, 3))])
def test_resampled_grids_tile_the_same_domain(shape, size, grid):
    for n, m, axis in zip(shape, size, grid.axes(shape, size), strict=True):
        edge = n / max(shape) if grid == PixelCentres() else n / (n - 1)  # half the extent of this axis
        assert len(axis) == m
        torch.testing.assert_close(axis.diff(), torch.full((m - 1,), 2 * edge / m, dtype=torch.float64), **TIGHT)
        assert float(axis[0] + edge) == pytest.approx(edge / m)  # half a cell from the edge, on both sides
        assert float(edge - axis[-1]) == pytest.approx(edge / m)


@pytest.mark.parametrize("shape", [(4, 6), (9, 3), (256, 171)])
def test_corners(shape):
    for m, axis in zip(shape, PixelCorners().axes(shape, shape), strict=True):
        np.testing.assert_allclose(axis.numpy(), np.linspace(-1, 1, m), **TIGHT)
    assert PixelCorners().pixels_per_unit((4, 6)) == (1.5, 2.5)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
def test_pixels_per_unit_is_the_inverse_spacing(grid):
    shape = (5, 8)
    for axis, unit in zip(grid.axes(shape, shape), grid.pixels_per_unit(shape), strict=True):
        torch.testing.assert_close(axis.diff() * unit, torch.ones(len(axis) - 1, dtype=torch.float64))


def test_points_are_flattened_row_first():
    y, x = torch.tensor([10.0, 20.0]), torch.tensor([1.0, 2.0, 3.0])
    expected = [[10, 1], [10, 2], [10, 3], [20, 1], [20, 2], [20, 3]]
    points = coordinates([y, x])
    assert points.tolist() == expected
    assert points.dtype == torch.float32


def test_coordinates_meet_their_samples():
    signal = SampledSignal(torch.rand(3, 5, 2))
    coords = signal.coords().reshape(3, 5, 2)
    assert coords[2, 1].tolist() == pytest.approx([(2 * 2 + 1 - 3) / 5, (2 * 1 + 1 - 5) / 5])
    assert signal.coords((6, 10)).shape == (60, 2)
    assert (signal.shape, signal.in_features, signal.out_features) == ((3, 5), 2, 2)


@pytest.mark.parametrize("heldout", [0.0, 0.1, 0.5, 0.73])
@pytest.mark.parametrize("shape", [(11, 9), (50,), (4, 5, 6)])
def test_heldout_count_is_exact(shape, heldout):
    signal = SampledSignal(torch.zeros(*shape, 1), observation=RandomFraction(heldout, 3))
    assert int((~signal.observed).sum()) == round(heldout * math.prod(shape))
    assert signal.observed.shape == shape
    assert signal.domain.resolution == pytest.approx(max(shape) * (1 - heldout) ** (1 / len(shape)))


def test_the_seed_decides_the_mask():
    def mask(seed: int, values: float = 0.0) -> torch.Tensor:
        torch.manual_seed(round(values * 100))  # the global generator has no say
        return SampledSignal(torch.full((8, 9, 1), values), observation=RandomFraction(0.4, seed)).observed

    assert torch.equal(mask(1), mask(1, values=0.5))
    assert not torch.equal(mask(1), mask(2))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_counted_and_refused(bad):
    values = torch.zeros(4, 4, 1)
    values[1, 1:4] = bad
    with pytest.raises(UserError, match=r"scan holds 3 values that are NaN or infinite"):
        SampledSignal(values, "scan")


@pytest.mark.parametrize("heldout", [-0.1, 1.0, 1.5, math.nan])
def test_heldout_out_of_range_is_refused(heldout):
    with pytest.raises(UserError, match=r"dataset\.heldout"):
        SampledSignal(torch.zeros(4, 4, 1), observation=RandomFraction(heldout))


def test_something_must_be_left_to_train_on():
    with pytest.raises(UserError, match=r"dataset\.heldout"):
        _ = SampledSignal(
            torch.zeros(4, 4, 1), observation=RandomFraction(0.99)
        ).observed  # round(0.99 × 16) = 16 of 16 samples
