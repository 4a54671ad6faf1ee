"""Metrics equal those of scikit-image and torchmetrics; alignments undo exactly what a task does not determine."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio as skimage_psnr
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio as torchmetrics_psnr

from siren_pl.problems.derivatives import alignment
from siren_pl.problems.pictures import metrics as pictures
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled import similarity as similarities

RNG = np.random.default_rng(0)
SHAPES = [(16, 20, 1), (16, 20, 3), (11, 11, 1)]


def pair(shape: tuple[int, ...], noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    target = ndimage.gaussian_filter(RNG.random(shape), (1, 1, 0))
    return (target + noise * RNG.standard_normal(shape)).clip(0, 1), target


@pytest.mark.parametrize("noise", [0.5, 0.05, 1e-4])
@pytest.mark.parametrize("shape", SHAPES)
def test_psnr(shape, noise):
    result, target = pair(shape, noise)
    assert metrics.psnr(result, target) == pytest.approx(skimage_psnr(target, result, data_range=1), abs=1e-9)
    other = torchmetrics_psnr(torch.from_numpy(result), torch.from_numpy(target), data_range=1.0)
    assert metrics.psnr(result, target) == pytest.approx(float(other), abs=1e-4)  # its logarithm is float32
    # Ten times the peak is 20 dB.
    assert metrics.psnr(result, target, 10.0) == pytest.approx(metrics.psnr(result, target) + 20, abs=1e-9)


def test_psnr_is_capped():
    target = RNG.random((8, 8, 1))
    assert metrics.psnr(target, target) == metrics.PSNR_CAP == 200.0
    assert metrics.psnr(target + 1e-11, target) == 200.0  # 220 dB
    assert metrics.psnr(target + 1e-9, target) == pytest.approx(180, abs=1e-4)  # 1e-9 beside 1 keeps seven digits
    assert metrics.range_psnr(np.ones((3, 3)), np.ones((3, 3))) == 200.0


def test_psnr_of_known_error():
    assert metrics.psnr(np.full((4, 4, 1), 0.6), np.full((4, 4, 1), 0.5)) == pytest.approx(20, abs=1e-9)
    assert type(metrics.psnr(np.zeros((2, 2, 1)), np.ones((2, 2, 1)))) is float


def test_rounded_pixels_are_those_of_a_file():
    levels = RNG.integers(1, 255, (9, 9, 1))
    for part, level in ((0.4, 0), (0.6, 1), (-0.4, 0), (-0.6, -1)):
        assert np.array_equal(pictures.rounded((levels + part) / 255), (levels + level) / 255)


def similarity(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luminance and structure of Wang et al. 2004 around every pixel: 11 × 11 Gaussian of σ 1.5, mirrored border."""
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2

    def mean(a: np.ndarray) -> np.ndarray:
        return ndimage.correlate(a, window, mode="mirror")

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return (2 * mx * my + c1) / (mx**2 + my**2 + c1), (2 * cov + c2) / (vx + vy + c2)


def wang(x: np.ndarray, y: np.ndarray) -> float:
    """SSIM as printed there (equation 13): the mean over whole windows."""
    luminance, structure = similarity(x, y)
    return float((luminance * structure)[5:-5, 5:-5].mean())


@pytest.mark.parametrize("shape", SHAPES)
def test_ssim_is_wangs(shape):
    result, target = pair(shape)
    by_channel = [wang(result[..., c], target[..., c]) for c in range(shape[-1])]
    assert similarities.ssim(result, target) == pytest.approx(np.mean(by_channel), abs=1e-9)


@pytest.mark.parametrize("shape", [*SHAPES, (7, 9, 1)])
def test_ssim_siren_is_scikit_images_default(shape):
    """The SIREN code calls skimage.measure.compare_ssim(p, trgt, multichannel=True, data_range=1)."""
    result, target = pair(shape)
    by_channel = [structural_similarity(result[..., c], target[..., c], data_range=1.0) for c in range(shape[-1])]
    assert similarities.ssim_siren(result, target) == pytest.approx(np.mean(by_channel), abs=1e-12)


@pytest.mark.parametrize(("shape", "wang_is", "siren_is"), [((10, 30, 1), False, True), ((6, 30, 1), False, False)])
def test_images_smaller_than_the_window_have_no_ssim(shape, wang_is, siren_is):
    result, target = pair(shape)
    assert (similarities.ssim(result, target) is not None) == wang_is
    assert (similarities.ssim_siren(result, target) is not None) == siren_is


def test_luma_is_pillows():
    colour = RNG.integers(0, 256, (6, 7, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(colour).convert("L"))[..., None]
    np.testing.assert_allclose(pictures.luma(colour / 255) * 255, expected, rtol=0, atol=0.52)  # Pillow rounds
    alpha = np.concatenate([colour / 255, np.ones((6, 7, 1))], -1)
    np.testing.assert_array_equal(pictures.luma(alpha), pictures.luma(colour / 255))
    np.testing.assert_array_equal(pictures.luma(expected / 255), expected / 255)


def test_ms_ssim_is_wangs():
    """Wang et al. 2003, equation 7: structure at four scales, and SSIM at the fifth, where a window is the picture."""
    result, target = pair((181, 176, 3))
    channels, expected = [(result[..., c], target[..., c]) for c in range(3)], 1.0
    for exponent in (0.0448, 0.2856, 0.3001, 0.2363):
        expected *= np.mean([similarity(*both)[1][5:-5, 5:-5] for both in channels]) ** exponent
        channels = [tuple(halved(pixels) for pixels in both) for both in channels]
    expected *= np.mean([np.multiply(*similarity(*both)) for both in channels]) ** 0.1333
    assert pictures.ms_ssim(result, target) == pytest.approx(expected, abs=1e-4)  # float32
    assert pictures.ms_ssim(target, target) == pytest.approx(1, abs=1e-6)
    assert pictures.ms_ssim(result[:175], target[:175]) is None


def halved(pixels: np.ndarray) -> np.ndarray:
    height, width = (n // 2 for n in pixels.shape)
    return pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean((1, 3))


def test_studio_luma_is_scikit_images_ycbcr():
    colour = RNG.random((6, 7, 3))
    np.testing.assert_allclose(pictures.studio_luma(colour) * 255, rgb2ycbcr(colour)[..., :1], rtol=1e-12)
    grey = RNG.random((6, 7, 1))
    np.testing.assert_allclose(pictures.studio_luma(grey), pictures.studio_luma(grey.repeat(3, 2)), rtol=1e-12)
    # Black and white of video.
    np.testing.assert_allclose(pictures.studio_luma(np.array([[[0.0], [1.0]]]))[0, :, 0] * 255, [16, 235], rtol=1e-12)


@pytest.mark.parametrize("shape", [(20, 23, 1), (20, 23, 3)])
def test_metrics_on_y_shave_the_border(shape):
    result, target = pair(shape)
    inside = [rgb2ycbcr(a.repeat(4 - a.shape[2], 2)[..., :3])[4:-4, 4:-4, :1] / 255 for a in (result, target)]
    np.testing.assert_allclose([pictures.shaved_luma(a, 4) for a in (result, target)], inside, rtol=0, atol=1e-12)
    # Rows of a picture: their shaved parts are the shaved picture.
    parts = [pictures.shaved_luma(result[at : at + 3], 4, shape[:2], at) for at in range(0, 20, 3)]
    np.testing.assert_array_equal(np.concatenate(parts), pictures.shaved_luma(result, 4))
    assert not pictures.shaved_luma(result, 10).size
    # 219 of 255 levels lie between black and white.
    black, white = (pictures.shaved_luma(picture, 0) for picture in (np.zeros(shape), np.ones(shape)))
    assert metrics.psnr(black, white) == pytest.approx(20 * np.log10(255 / 219), abs=1e-9)


@pytest.mark.parametrize("shape", [(8, 9, 1), (8, 9, 3)])
def test_alignments_recover_the_image(shape):
    target = RNG.random(shape)
    shift, scale = RNG.standard_normal(shape[-1]), RNG.standard_normal(shape[-1]) + 3
    # float64 arithmetic on numbers of order one.
    np.testing.assert_allclose(alignment.mean_aligned(target + shift, target), target, rtol=0, atol=1e-13)
    np.testing.assert_allclose(alignment.affine_aligned(target * scale + shift, target), target, rtol=0, atol=1e-13)
    np.testing.assert_allclose(alignment.affine_aligned(-target * scale, target), target, rtol=0, atol=1e-13)
    np.testing.assert_allclose(alignment.minmax_aligned(target * 2.5 - 0.7, target), target, rtol=0, atol=1e-13)


def test_alignments_are_optimal_in_their_family():
    result, target = pair((12, 12, 1), 0.3)
    error = {
        name: float(np.mean((align(result, target) - target) ** 2))
        for name, align in [("mean", alignment.mean_aligned), ("affine", alignment.affine_aligned)]
    }
    slope, offset = np.polyfit(result.ravel(), target.ravel(), 1)
    assert error["affine"] == pytest.approx(np.mean((slope * result + offset - target) ** 2), rel=1e-9)
    assert error["mean"] == pytest.approx(np.var(result - target), rel=1e-9)
    assert error["affine"] < error["mean"]


def test_alignments_of_a_constant():
    target = RNG.random((5, 5, 1))
    flat = np.full_like(target, 3.0)
    mean = np.full_like(target, target.mean())
    np.testing.assert_allclose(alignment.mean_aligned(flat, target), mean, atol=1e-13)
    np.testing.assert_allclose(alignment.affine_aligned(flat, target), mean, atol=1e-13)
    assert np.isfinite(alignment.minmax_aligned(flat, target)).all()


def test_range_psnr_takes_the_targets_range_for_peak():
    target = np.linspace(-3, 5, 33)
    assert metrics.range_psnr(target + 0.8, target) == pytest.approx(20, abs=1e-9)  # 8 / 0.8


@pytest.mark.parametrize("align", [alignment.mean_aligned, alignment.affine_aligned, alignment.minmax_aligned])
def test_known_samples_alone_settle_an_alignment(align):
    target = np.random.default_rng(4).random((7, 8, 2))
    known = np.ones((7, 8), bool)
    known[3:, 5:] = False
    hidden = target.copy()
    hidden[~known] = 9.0
    values = target * 1.3 - 0.2 if align != alignment.mean_aligned else target - 0.2
    if align == alignment.minmax_aligned:
        values = np.where(known[..., None], values, 0.5)
    found = align(values, hidden, known)
    np.testing.assert_allclose(found[known], target[known], rtol=0, atol=1e-13)
    np.testing.assert_allclose(found[known], align(values, target, known)[known], rtol=0, atol=0)
