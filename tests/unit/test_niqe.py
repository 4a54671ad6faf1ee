"""NIQE's parts agree with SciPy and Pillow, and the whole has the right invariances; its parameters are made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, optimize, stats
from scipy.special import gammaln
from skimage import data

from siren_pl.errors import UserError
from siren_pl.problems.pictures import metrics
from siren_pl.problems.pictures.rivals.niqe import asymmetric_fit, halved, niqe, normalised

RNG = np.random.default_rng(0)
LINE = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
WINDOW = np.outer(LINE, LINE) / LINE.sum() ** 2


def asymmetric_samples(shape: float, left: float, right: float, count: int) -> np.ndarray:
    """Draw the side in proportion to its mass, which is that to its width."""
    size = np.abs(stats.gennorm.rvs(shape, size=count, random_state=RNG))
    return np.where(RNG.random(count) < left / (left + right), -left, right) * size


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 3.5])
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.4, 1.3), (30.0, 12.0)])
def test_the_fit_finds_what_samples_were_drawn_from(shape, left, right):
    samples = asymmetric_samples(shape, left, right, 200_000)
    # Heavy tails make moments scatter: at shape 1/2 by 3 % over draws of this size.
    np.testing.assert_allclose(asymmetric_fit(samples), [shape, left, right], rtol=0.1)


def test_the_fit_agrees_with_maximum_likelihood():
    samples = asymmetric_samples(0.9, 0.7, 1.1, 50_000)

    def surprise(logarithms: np.ndarray) -> float:
        shape, left, right = np.exp(logarithms)
        width = np.where(samples < 0, left, right)
        return float(((np.abs(samples) / width) ** shape).mean() + np.log((left + right) / shape) + gammaln(1 / shape))

    likely = np.exp(optimize.minimize(surprise, np.zeros(3), method="Nelder-Mead").x)
    np.testing.assert_allclose(asymmetric_fit(samples), likely, rtol=0.04)


def test_the_fit_of_symmetric_samples_is_scipys():
    samples = stats.gennorm.rvs(1.5, scale=2, size=100_000, random_state=RNG)
    shape, left, right = asymmetric_fit(samples)
    expected = stats.gennorm.fit(samples[:20_000], floc=0)
    assert shape == pytest.approx(expected[0], rel=0.05)
    assert (left + right) / 2 == pytest.approx(expected[2], rel=0.05)


def test_fits_are_made_along_the_last_axis():
    samples = RNG.standard_normal((4, 500))
    np.testing.assert_array_equal(np.stack(asymmetric_fit(samples))[:, 2], asymmetric_fit(samples[2]))
    assert np.isnan(asymmetric_fit(np.zeros(9))).all()


def test_half_size_is_pillows_antialiased_bicubic():
    levels = RNG.random((24, 40)) * 255
    expected = Image.fromarray(levels.astype(np.float32)).resize((20, 12), Image.Resampling.BICUBIC)
    # Away from the border, which Pillow does not reflect; single precision.
    np.testing.assert_allclose(halved(levels)[2:-2, 2:-2], np.asarray(expected)[2:-2, 2:-2], atol=1e-4)
    mirrored = np.concatenate([np.concatenate([levels, levels[:, ::-1]], 1)] * 2)
    mirrored[24:] = mirrored[23::-1]
    np.testing.assert_allclose(halved(mirrored)[:12, :20][:-2, :-2], halved(levels)[:-2, :-2], atol=1e-9)
    np.testing.assert_allclose(halved(mirrored)[10:12, 18:20], halved(levels)[-2:, -2:], atol=1e-9)


def test_normalised_luminance_is_equation_1():
    levels = RNG.random((20, 21)) * 255
    row, column = 9, 13
    patch = levels[row - 3 : row + 4, column - 3 : column + 4]
    mean = (WINDOW * patch).sum()
    deviation = np.sqrt((WINDOW * (patch - mean) ** 2).sum())
    expected = (levels[row, column] - mean) / (deviation + 1)
    assert normalised(levels, WINDOW)[row, column] == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(normalised(np.full((9, 9), 7.0), WINDOW), 0, atol=1e-7)


@pytest.fixture
def parameters(tmp_path: Path) -> Path:
    """The features that Gaussian white noise would have, about, with a unit covariance."""
    path = tmp_path / "natural.npz"
    mean = np.tile([2.5, 0.8, *[0.8, 0.0, 0.3, 0.3] * 4], 2)[None]
    np.savez(path, mu_pris_param=mean, cov_pris_param=np.eye(36), gaussian_window=WINDOW)
    return path


def photograph() -> np.ndarray:
    return np.asarray(data.astronaut()[:300, :300]) / 255


def score(pixels: np.ndarray, parameters: Path) -> float:
    result = niqe(pixels, parameters)
    assert isinstance(result, float)
    return result


def test_only_whole_blocks_count(parameters):
    pixels = photograph()
    # Beyond the blocks, but within the reach of no window or kernel.
    other = pixels.copy()
    other[296:], other[:, 297:] = 0.5, 0.5
    assert score(other, parameters) == score(pixels, parameters) == score(pixels[:288, :288], parameters)


def test_grey_is_three_equal_channels(parameters):
    grey = photograph()[..., :1]
    assert score(grey, parameters) == pytest.approx(score(grey.repeat(3, 2), parameters), rel=1e-6)


def test_half_a_level_is_rounded_away(parameters):
    levels = RNG.integers(20, 230, (96, 192, 1)).astype(float)
    grey = (levels - 16) / 219  # whole levels of Y
    assert metrics.studio_luma(grey) * 255 == pytest.approx(levels)
    assert score(grey + 0.4 / 219, parameters) == pytest.approx(score(grey, parameters), rel=1e-12)


def test_distance_is_that_of_means_and_covariances(tmp_path, parameters):
    """With the picture's own mean the distance is zero; moved by d along an axis, it is d² over the variance there."""
    pixels = photograph()[:96, :96]  # one block: no covariance of its own
    single = score(pixels, parameters)
    natural = dict(np.load(parameters))
    distances = []
    for axis in range(36):
        moved = natural | {"mu_pris_param": natural["mu_pris_param"] + np.eye(36)[axis]}
        np.savez(tmp_path / "moved.npz", **moved)
        distances.append(score(pixels, tmp_path / "moved.npz"))
    # |m + e − f|² − |m − f|² = 2 (m − f) + 1, for the covariance 1/2 · I.
    offsets = ((np.square(distances) - single**2) / 2 - 1) / 2
    np.savez(tmp_path / "own.npz", **natural | {"mu_pris_param": natural["mu_pris_param"] - offsets})
    assert score(pixels, tmp_path / "own.npz") == pytest.approx(0, abs=1e-5)
    assert single**2 == pytest.approx(2 * (offsets**2).sum(), rel=1e-9)
    assert offsets[0] == pytest.approx(2.5 - 1.5, abs=1.4)  # a shape between that of heavy tails and the Gaussian's


def test_blur_moves_a_picture_from_natural_statistics(parameters):
    pixels = photograph()
    blurred = ndimage.gaussian_filter(pixels, (2, 2, 0))
    assert score(blurred, parameters) > score(pixels, parameters)


@pytest.mark.parametrize("pixels", [np.zeros((95, 300, 3)), np.zeros((300, 95, 1)), np.full((200, 200, 3), 0.5)])
def test_no_block_or_nothing_to_see(pixels, parameters):
    assert niqe(pixels, parameters) is None


def test_missing_parameters(tmp_path):
    with pytest.raises(UserError, match=r"no\.npz, do not exist: name an \.npz file .*mu_pris_param \(1, 36\)"):
        niqe(photograph(), tmp_path / "no.npz")


@pytest.mark.parametrize("damage", [lambda content: b"no archive", lambda content: content[:-200], lambda _: b""])
def test_damaged_parameters(damage, parameters):
    parameters.write_bytes(damage(parameters.read_bytes()))
    with pytest.raises(UserError, match=r"natural\.npz does not hold the parameters of NIQE"):
        niqe(photograph(), parameters)


def test_other_numbers(parameters):
    natural = dict(np.load(parameters))
    np.savez(parameters, **natural | {"gaussian_window": np.ones((5, 5))})
    with pytest.raises(UserError, match=r"shapes .*\(5, 5\)"):
        niqe(photograph(), parameters)
    del natural["cov_pris_param"]
    np.savez(parameters, **natural)
    with pytest.raises(UserError, match="does not hold the parameters"):
        niqe(photograph(), parameters)
