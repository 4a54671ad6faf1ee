"""Downsampling equals Pillow's inside a picture, and a plain sum with reflection at its border."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.operators import KERNELS, Downsampling, downsampling
from siren_pl.problems.operators.kernels import gaussian
from siren_pl.problems.sampled.observations import Everything, RandomFraction, noisy

RNG = np.random.default_rng(0)
PILLOWS = {"bicubic": "BICUBIC", "bilinear": "BILINEAR", "lanczos": "LANCZOS", "area": "BOX"}
# Written anew: weight at a distance in coarse samples, and how far it reaches.
PLAIN = {
    "bicubic": (
        lambda x: 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0,
        2,
    ),
    "bilinear": (lambda x: max(0.0, 1 - x), 1),
    "area": (lambda x: 1.0 if x < 0.5 - 1e-9 else 0.5 if x < 0.5 + 1e-9 else 0.0, 1),
    "lanczos": (lambda x: float(np.sinc(x) * np.sinc(x / 3)) if x < 3 else 0.0, 3),
    "gaussian": (lambda x: math.exp(-2 * x * x) if x < 2 else 0.0, 2),  # standard deviation 1/2, cut at four of them
}


def pillows(picture: np.ndarray, size: tuple[int, int], kernel: str) -> np.ndarray:
    image = Image.fromarray(picture.astype(np.float32))
    return np.asarray(image.resize(size[::-1], Image.Resampling[PILLOWS[kernel]]))


WHOLE = [((63, 45), 3), ((64, 96), 4), ((48, 58), 2)]
# Pillow gives a pixel on the border of two boxes to one of them; here it is shared. Whole boxes have no such pixels.
SIZES = [("area", *size) for size in WHOLE]
SIZES += [
    (kernel, *size) for kernel in PILLOWS if kernel != "area" for size in [*WHOLE, ((61, 53), 2.7), ((47, 59), 2)]
]


@pytest.mark.parametrize(("kernel", "shape", "scale"), SIZES)
def test_away_from_the_border_it_is_pillows(kernel, shape, scale):
    picture = RNG.random(shape)
    found = Downsampling(scale, KERNELS[kernel]).apply(torch.from_numpy(picture)[..., None])[..., 0].numpy()
    margin = math.ceil(KERNELS[kernel].radius)
    inside = (slice(margin, -margin),) * 2
    np.testing.assert_allclose(found[inside], pillows(picture, found.shape, kernel)[inside], rtol=0, atol=2e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n", "scale"), [(12, 3), (13, 2), (9, 4), (17, 2.3), (5, 5), (7, 1)])
def test_it_is_a_plain_sum_with_reflection(kernel, n, scale):
    weigh, radius = PLAIN[kernel]
    operator = Downsampling(scale, KERNELS[kernel])
    (m,) = operator.coarse((n,))
    ratio = n / m
    pad = math.ceil(radius * ratio) + 1
    values = RNG.normal(size=n)
    around = np.pad(values, pad, mode="symmetric")
    expected = []
    for j in range(m):
        places = (np.arange(-pad, n + pad) + 0.5) / ratio
        weights = np.array([weigh(abs(place - j - 0.5)) for place in places])
        expected.append((weights * around).sum() / weights.sum())
    found = operator.apply(torch.from_numpy(values)[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def imresize(values: np.ndarray, size: int, scale: float, kernel: str) -> np.ndarray:
    """MATLAB's imresize along one axis, after its published code: samples are numbered from 1 and x is an output."""
    weigh, radius = PLAIN[kernel]
    n, width = len(values), 2 * radius / scale
    mirrored = np.concatenate([values, values[::-1]])
    found = []
    for x in range(1, size + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        taps = math.floor(u - width / 2) + np.arange(math.ceil(width) + 2)
        weights = np.array([scale * weigh(abs(scale * (u - tap))) for tap in taps])
        found.append((weights / weights.sum() * mirrored[(taps - 1) % (2 * n)]).sum())
    return np.array(found)


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear", "lanczos"])
@pytest.mark.parametrize(("n", "scale"), [(12, 3), (16, 4), (23, 2.3), (13, 2), (17, 4), (17, 2.3)])
def test_it_is_matlabs_imresize_to_the_same_size(kernel, n, scale):
    """By its scale MATLAB does the same where that divides the size, else it is off by part of a sample."""
    values = RNG.normal(size=n)
    found = Downsampling(scale, KERNELS[kernel]).apply(torch.from_numpy(values)[:, None])[:, 0].numpy()
    size = math.ceil(n / scale - 1e-9)
    np.testing.assert_allclose(found, imresize(values, size, size / n, kernel), rtol=0, atol=1e-12)
    by_scale = imresize(values, size, 1 / scale, kernel)
    assert np.allclose(found, by_scale, rtol=0, atol=1e-12) == math.isclose(size * scale, n)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [1, 1.5, 2, 3.7, 8, 100])
def test_constants_stay_up_to_the_border(kernel, scale):
    found = Downsampling(scale, KERNELS[kernel]).apply(torch.full((13, 7, 1), 0.3, dtype=torch.float64))
    torch.testing.assert_close(found, torch.full_like(found, 0.3), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("scale", "fine", "coarse"),
    [
        (4, (128, 96), (32, 24)),
        (4, (129, 127), (33, 32)),
        (2, (7, 1), (4, 1)),
        (3, (2, 10), (1, 4)),
        (2.5, (10, 13), (4, 6)),
        (1, (5, 6), (5, 6)),
        (1.1, (110, 11), (100, 10)),
        (2.3, (23, 230), (10, 100)),  # 2.3 is a little less in binary: no eleventh sample
    ],
)
def test_the_smaller_picture_is_rounded_up(scale, fine, coarse):
    operator = Downsampling(scale)
    assert operator.coarse(fine) == coarse
    assert operator.apply(torch.zeros(*fine, 2)).shape == (*coarse, 2)
    assert operator.count(fine) == math.prod(coarse) and operator.density(fine) == max(coarse)
    assert not operator.observed(fine).any()


@pytest.mark.parametrize("scale", [1, 1.1, 1.3, 1.5, 1.9, 2, 2.3, 2.5, 2.7, 3, 3.14159, 4, 7.7, 16])
def test_the_picture_that_is_looked_for_is_as_large_as_goes(scale):
    """Made smaller again, it must have the size of the data; one more sample would have been too many."""
    operator = Downsampling(scale)
    for m in range(1, 400):
        (n,) = operator.fine((m,))
        assert operator.coarse((n,)) == (m,)
        assert operator.coarse((n + 1,)) == (m + 1,)


def test_the_picture_for_people_has_a_block_per_sample():
    data = torch.arange(6.0).reshape(2, 3, 1)
    shown = Downsampling(2).picture(data, (4, 6))
    assert torch.equal(shown, data.repeat_interleave(2, 0).repeat_interleave(2, 1))
    assert Downsampling(2.5).picture(torch.rand(4, 6, 3), (10, 13)).shape == (10, 13, 3)


def test_a_wider_gaussian_blurs_more():
    picture = torch.from_numpy(RNG.random((24, 24, 1)))
    spread = [float(Downsampling(2, gaussian(sigma)).apply(picture).std()) for sigma in (0.3, 0.6, 1.2)]
    assert spread == sorted(spread, reverse=True)
    assert downsampling(2, "gaussian", 1.2).kernel.radius == 5  # four deviations, to half a sample
    named = downsampling(2, "gaussian")
    assert torch.equal(named.apply(picture), Downsampling(2, gaussian(0.5)).apply(picture))


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.2])
def test_a_gaussian_at_scale_one_is_kornias_blur(sigma):
    from kornia.filters import gaussian_blur2d

    picture = torch.from_numpy(RNG.random((40, 44, 1)))
    side, margin = 2 * math.ceil(4 * sigma) + 1, math.ceil(4 * sigma)
    blurred = gaussian_blur2d(picture.movedim(-1, 0)[None], (side, side), (sigma, sigma))[0].movedim(0, -1)
    found = Downsampling(1, gaussian(sigma)).apply(picture)
    inside = (slice(margin, -margin),) * 2
    # Cut at four deviations, to half a sample: what is beyond has a weight of exp(-8).
    torch.testing.assert_close(found[inside], blurred[inside], rtol=0, atol=5e-4)


@pytest.mark.parametrize("sigma", [0.01, 1e-3])
@pytest.mark.parametrize(("n", "scale"), [(12, 3), (12, 2), (13, 2.5)])
def test_a_gaussian_narrower_than_a_pixel_takes_the_nearest_one_or_two(n, scale, sigma):
    """The limit of a Gaussian of no width; at an even scale two pixels are equally near."""
    picture = torch.from_numpy(RNG.random((n, 1, 1)))
    small = Downsampling(scale, gaussian(sigma)).apply(picture).flatten().numpy()
    centres = (np.arange(len(small)) + 0.5) * n / len(small) - 0.5
    low, high = np.ceil(centres - 0.5 - 1e-9).astype(int), np.floor(centres + 0.5 + 1e-9).astype(int)
    np.testing.assert_allclose(small, (picture.flatten()[low] + picture.flatten()[high]) / 2, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [0.99, 0, -2, math.nan])
def test_a_scale_below_one_is_refused(scale):
    with pytest.raises(UserError, match=r"task\.scale=.* must be a number from 1"):
        Downsampling(scale)


@pytest.mark.parametrize(("measured", "truth"), [((30, 20), (121, 80)), ((30, 20), (116, 80)), ((60, 40), (120, 80))])
def test_a_pair_that_does_not_belong_together(measured, truth):
    with pytest.raises(UserError, match=r"dataset\.reference is of .* pixels.*task\.scale=4 makes") as caught:
        downsampling(4, sigma=0.1).require_pair(measured, truth)
    assert all(" × ".join(map(str, size)) in str(caught.value) for size in (measured, truth))


def test_pairs_that_belong_together():
    Downsampling(4).require_pair((30, 20), (120, 77))
    for other in (Everything(), noisy(sigma=0.1), RandomFraction(0.5)):
        other.require_pair((5, 6), (5, 6))
        with pytest.raises(UserError, match="5 × 7"):
            other.require_pair((5, 6), (5, 7))
