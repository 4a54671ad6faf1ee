"""Zooms show a field and its rivals where the picture has most detail, with values clipped for display."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from siren_pl.field.networks import Siren
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.pictures.figures import draw_pixels, opaque
from siren_pl.problems.pictures.judging import zooms
from siren_pl.problems.pictures.judging.zooms import beside, chosen
from siren_pl.problems.pictures.windows import Window
from siren_pl.problems.sampled.scores import clipped
from siren_pl.problems.sampled.signal import SampledSignal
from tests.judged import judged

RNG = np.random.default_rng(0)


def flat_but(*noisy: tuple[int, int], shape: tuple[int, int] = (64, 96)) -> SampledSignal:
    """Grey with patches of noise, 12 × 16, at these corners."""
    samples = np.full((*shape, 1), 100, np.uint8)
    for top, left in noisy:
        samples[top : top + 12, left : left + 16] = RNG.integers(0, 256, (12, 16, 1))
    return SampledSignal(torch.from_numpy(samples))


def test_windows_lie_where_the_detail_is():
    windows = chosen(flat_but((5, 70), (45, 8)))
    assert len(windows) == 2 and {window.size for window in windows} == {(64, 96)}
    for top, left in ((5, 70), (45, 8)):
        # A quarter of each side, 16 × 24, holds each patch.
        assert any(w.box[0] <= top and w.box[1] <= left and w.box[2] >= top + 12 for w in windows)
    signal = flat_but((5, 70), (45, 8))
    assert chosen(signal) == chosen(signal)


@pytest.mark.parametrize("shape", [(31, 64), (64, 31), (5, 5), (1, 400)])
def test_small_images_have_none(shape):
    assert chosen(SampledSignal(torch.zeros(*shape, 1, dtype=torch.uint8))) == []


@pytest.mark.parametrize("shape", [(32, 32), (33, 2000), (700, 1100)])
def test_windows_lie_within_the_image(shape):
    signal = SampledSignal(torch.from_numpy(RNG.integers(0, 256, (*shape, 1), dtype=np.uint8)))
    first, second = chosen(signal)
    for window in (first, second):
        assert min(window.box[:2]) >= 0 and window.box[2] <= shape[0] and window.box[3] <= shape[1]
        assert max(window.size) <= 4 * zooms.MOST_SAMPLES
    assert (
        first.box[2] <= second.box[0]
        or second.box[2] <= first.box[0]
        or (first.box[3] <= second.box[1] or second.box[3] <= first.box[1])
    )


def test_the_panels_are_the_samples_the_field_and_the_enlargement():
    signal = flat_but((5, 70))
    seen: list[Window] = []

    def render(window: Window) -> np.ndarray:
        seen.append(window)
        return np.full((*window.size, 1), 51, np.uint8)

    zoom = beside(image_fit(signal).judge, Window((0, 60, 20, 90), (40, 60)), render)
    (samples, field, bicubic) = (pixels for _, pixels in zoom.panels)
    assert seen == [Window((0, 60, 20, 90), (40, 60))] and zoom.box == (0, 60, 20, 90)
    np.testing.assert_allclose(samples[::2, ::2], signal.stored.numpy()[:20, 60:90] / 255, atol=1e-7)
    assert field == pytest.approx(0.2) and bicubic.shape == (40, 60, 1)
    assert [title for title, _ in zoom.panels] == ["samples (nearest)", "field, 2×", "bicubic of the samples, 2×"]


def test_samples_that_the_field_never_saw_are_called_the_truth():
    signal = flat_but((5, 70))
    zoom = beside(
        poisson_grad(signal).judge, Window((0, 60, 20, 90), (40, 60)), lambda w: np.zeros((*w.size, 1), np.uint8)
    )
    assert [title for title, _ in zoom.panels] == ["truth (nearest)", "field, 2×", "bicubic of the truth, 2×"]


def test_a_huge_window_is_drawn_with_fewer_pixels():
    signal, window = flat_but(), Window((0, 0, 64, 96), (6400, 9600))
    zoom = beside(image_fit(signal).judge, window, lambda window: np.zeros((*window.size, 1), np.uint8))
    assert all(max(pixels.shape) == zooms.MOST_DRAWN for _, pixels in zoom.panels)
    assert zoom.panels[1][0] == "field, 100×"


def test_alpha_is_drawn_over_white():
    pixels = RNG.random((3, 4, 4))
    image = Image.fromarray((pixels * 255).round().astype(np.uint8))
    white = Image.new("RGBA", image.size, "white")
    expected = np.asarray(Image.alpha_composite(white, image).convert("RGB")) / 255
    np.testing.assert_allclose(opaque((pixels * 255).round() / 255), expected, atol=1.01 / 255)
    assert np.array_equal(opaque(np.dstack([np.full((2, 2, 1), 0.3), np.zeros((2, 2, 1))])), np.ones((2, 2, 1)))
    five = RNG.random((2, 2, 5))
    assert np.array_equal(opaque(five), five[..., :3])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_pictures_of_any_channels_are_drawn(channels):
    axes = Figure().subplots()
    draw_pixels(axes, RNG.random((3, 4, channels)))
    assert axes.images[0].get_array().shape == ((3, 4) if channels < 3 else (3, 4, 3))


def test_clipped_counts_what_leaves_the_range_by_half_a_step():
    step = 2 / 255
    values = torch.tensor([0, 1, -1, 1 + 0.49 * step, -1 - 0.49 * step, 1 + 0.51 * step, -1 - 0.51 * step, 7.0])
    assert clipped(values) == 3 / 8


def test_clipped_is_counted_after_the_alignment():
    """A field far off its signal by a constant: everything is outside for the values, nothing for the gradients."""
    signal = SampledSignal(torch.rand(9, 12, 1, generator=torch.Generator().manual_seed(0)) - 0.5)
    field = Siren(2, 1, 8, 1, omega_0=5.0)
    with torch.no_grad():
        field.layers[-1].weight.mul_(0.01)
        field.layers[-1].bias.fill_(40.0)
    found = {problem.name: judged(field, problem).metrics for problem in (image_fit(signal), poisson_grad(signal))}
    assert found["image_fit"]["clipped"] == 1 and found["poisson_grad"]["clipped"] == 0
