"""Windows are aligned with the samples: they are parts of the whole's grid and of Pillow's resize of the whole."""

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.pictures.windows import Window, at_scale, bicubic, busiest, detail, divided, nearest
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal

RNG = np.random.default_rng(0)
SIGNAL = SampledSignal(torch.from_numpy(RNG.integers(0, 256, (24, 30, 3), dtype=np.uint8)))


@pytest.mark.parametrize("scale", [1, 4, 0.5, 2.7, 1 / 3])
def test_a_window_at_a_scale_is_a_part_of_the_whole_at_that_scale(scale):
    window = at_scale([3, 5.5, 12, 14], scale, SIGNAL)
    whole = [max(1, round(n * scale)) for n in SIGNAL.shape]
    places = SIGNAL.grid.at(SIGNAL.shape, window.places())
    for axis, (n, m, low, high) in enumerate(zip(SIGNAL.shape, whole, (3, 5.5), (15, 19.5), strict=True)):
        # By the contract: pixel j of m lies at (2j + 1 - m) / m · n / N, and at (j + 1/2) n / m samples.
        inside = [j for j in range(m) if low <= (j + 0.5) * n / m < high]
        expected = [(2 * j + 1 - m) / m * n / 30 for j in inside]
        np.testing.assert_allclose(places[axis].numpy(), expected, rtol=0, atol=1e-12)
        assert window.size[axis] == len(inside)


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
def test_samples_lie_where_the_grid_says(grid):
    window = divided([0, 0, 24, 30], [24, 30], SIGNAL)
    for found, expected in zip(grid.at((24, 30), window.places()), grid.axes((24, 30), (24, 30)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [(48, 60), (12, 10), (24, 30), (37, 91)])
def test_bicubic_of_all_is_pillows(size):
    found = bicubic(SIGNAL, Window((0, 0, 24, 30), size))
    for channel in range(3):
        image = Image.fromarray(to_unit(SIGNAL.values)[..., channel].astype(np.float32))
        expected = np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC)).clip(0, 1)
        np.testing.assert_allclose(found[..., channel], expected, rtol=0, atol=1e-6)  # float32


@pytest.mark.parametrize("scale", [4, 0.5])
def test_bicubic_of_a_window_is_a_part_of_that_of_all(scale):
    part = at_scale([4, 10, 8, 12], scale, SIGNAL)
    whole = bicubic(SIGNAL, at_scale([0, 0, 24, 30], scale, SIGNAL))
    top, left = round(4 * scale), round(10 * scale)
    found = bicubic(SIGNAL, part)
    np.testing.assert_allclose(found, whole[top : top + part.size[0], left : left + part.size[1]], rtol=0, atol=1e-6)


def test_nearest_shows_the_samples_themselves():
    found = nearest(SIGNAL, at_scale([4, 10, 3, 2], 5, SIGNAL))
    expected = SIGNAL.stored.numpy()[4:7, 10:12].repeat(5, 0).repeat(5, 1) / 255
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)  # values pass through float32


def test_a_size_is_met_exactly_or_along_the_longer_side():
    assert divided([1.5, 2, 5, 10], (7, 3), SIGNAL) == Window((1.5, 2, 6.5, 12), (7, 3))
    assert divided([1, 2, 5, 10], 40, SIGNAL).size == (20, 40)
    assert divided([0, 0, 0.01, 10], 5, SIGNAL).size == (1, 5)


@pytest.mark.parametrize("rectangle", [[-1, 0, 4, 4], [0, -0.1, 4, 4], [21, 0, 4, 4], [0, 28, 4, 2.5], [0, 0, 0, 3]])
def test_windows_that_leave_the_image(rectangle):
    for made in (lambda: divided(rectangle, 8, SIGNAL), lambda: at_scale(rectangle, 2, SIGNAL)):
        with pytest.raises(UserError, match=r"window=.*24 rows and 30 columns"):
            made()


def test_windows_of_nothing():
    with pytest.raises(UserError, match=r"window=0,0,1,1 holds the centre of no pixel at scale=0\.1"):
        at_scale([0, 0, 1, 1], 0.1, SIGNAL)
    with pytest.raises(UserError, match="1 axes"):
        divided([0, 0, 1, 1], 4, SampledSignal(torch.zeros(9, 1)))


def test_the_busiest_window_holds_most_detail():
    for top, left in ((0, 0), (10, 36), (24, 3)):
        map_ = np.zeros((32, 48))
        map_[top : top + 8, left : left + 12] = 1
        assert busiest(map_, (8, 12)) == [(slice(top, top + 8), slice(left, left + 12))]


def test_busiest_windows_do_not_overlap():
    map_ = RNG.random((40, 40))
    found = busiest(map_, (9, 7), 12)
    covered = np.zeros((40, 40), int)
    for window in found:
        covered[window] += 1
    assert covered.max() == 1
    means = [map_[window].mean() for window in found]
    assert len(found) > 4 and means == sorted(means, reverse=True)
    # The first is the best of all, by exhaustion.
    best = max(map_[i : i + 9, j : j + 7].mean() for i in range(32) for j in range(34))
    assert means[0] == pytest.approx(best, abs=1e-12)
    assert busiest(map_, (9, 7), 12) == found
    assert len(busiest(map_, (40, 40), 2)) == 1


def test_detail_is_the_slope():
    y, x = np.mgrid[:6, :8].astype(float)
    pixels = np.stack([3 * y + 4 * x, 0 * x], -1)
    np.testing.assert_allclose(detail(pixels), np.full((6, 8), 2.5), rtol=1e-12)  # mean of 5 and 0
