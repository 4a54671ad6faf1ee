"""Scores from slabs equal those of the whole picture, as computed by scikit-image and the ordinary judgement."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from siren_pl import Problem
from siren_pl.field.derivatives import AutoDerivatives
from siren_pl.field.networks import Siren
from siren_pl.problems.derivatives.alignment import align_mean, aligned_scores
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled import judge as judging
from siren_pl.problems.sampled import rendering
from siren_pl.problems.sampled import signal as sampled
from siren_pl.problems.sampled.observations import RandomFraction
from siren_pl.problems.sampled.rendering import render, render_levels
from siren_pl.problems.sampled.scores import RunningScores
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training import callbacks
from tests.fields import merged
from tests.judged import Judged, answer_of, judged

FIELD = Siren(2, 3, 16, 1, omega_0=5.0)
SIGNAL = SampledSignal(torch.randint(0, 256, (33, 47, 3), dtype=torch.uint8), observation=RandomFraction(0.4))
FIT = image_fit(SIGNAL)
ALIGNED = replace(FIT, name="aligned", judge=replace(FIT.judge, scores=aligned_scores, align=align_mean))


def limited(problem: Problem, monkeypatch: pytest.MonkeyPatch, most: int) -> Judged:
    monkeypatch.setattr(sampled, "MOST_NUMBERS", most)
    return judged(FIELD, problem)


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "CHUNK", 100)  # two rows of 47


def test_psnr_is_scikit_images(monkeypatch):
    found = limited(FIT, monkeypatch, 100).metrics
    result = render(answer_of(FIELD), SIGNAL).double().numpy().clip(-1, 1) / 2 + 0.5
    target = SIGNAL.stored.numpy() / 255
    observed = SIGNAL.observed.numpy()
    pairs = {
        "psnr": (target, result),
        "train_psnr": (target[observed], result[observed]),
        "heldout_psnr": (target[~observed], result[~observed]),
        "psnr_8bit": (target, np.round(result * 255) / 255),
    }
    for name, pair in pairs.items():
        # Targets pass through float32.
        assert found[name] == pytest.approx(peak_signal_noise_ratio(*pair, data_range=1.0), abs=1e-5)


def test_by_slabs_or_as_a_whole(monkeypatch, tmp_path):
    whole, slabs = limited(FIT, monkeypatch, 1 << 20), limited(FIT, monkeypatch, 100)
    left_out = {"ssim", "ssim_siren", "gradient_psnr", "laplacian_psnr"}
    assert slabs.metrics.keys() == whole.metrics.keys() - left_out
    # float32 matrix products of other batch sizes, and another order of summation.
    assert slabs.metrics == {name: pytest.approx(whole.metrics[name], abs=1e-4) for name in slabs.metrics}
    assert np.array_equal(
        slabs.found.resampled(SIGNAL.shape),
        render_levels(answer_of(FIELD), SIGNAL.grid.axes(SIGNAL.shape, SIGNAL.shape), 3),
    )
    assert slabs.found.resampled((5, 7)).shape == (5, 7, 3)
    names = ["reconstruction.png", "restoration.png", "zoom.png"]
    assert [path.name for path in slabs.draw(tmp_path)] == names


def test_a_slab_may_hold_no_observed_sample():
    signal = SampledSignal(torch.zeros(50, 1, 1, dtype=torch.uint8), observation=RandomFraction(0.5))
    scores = RunningScores(signal)
    for row in range(50):
        scores.add(slice(row, row + 1), torch.full((1, 1, 1), -0.8))
    # (0.1 - 0)² in [0, 1] is 20 dB, whichever part.
    found = scores.metrics()
    assert all(found[name] == pytest.approx(20, abs=1e-5) for name in ("psnr", "train_psnr", "heldout_psnr"))


def test_an_alignment_is_that_of_the_excerpt(monkeypatch):
    """The excerpt of so small a signal is all of it: the estimated constant is the exact one."""
    whole, slabs = limited(ALIGNED, monkeypatch, 1 << 20), limited(ALIGNED, monkeypatch, 100)
    torch.testing.assert_close(slabs.found.offset, whole.found.offset, rtol=0, atol=1e-5)
    # Scored as a whole or by slabs, what the constant makes of the field is in `psnr` alone.
    names = ("psnr", "train_psnr", "heldout_psnr", "psnr_8bit", "psnr_y")
    assert {name: slabs.metrics[name] for name in names} == {
        name: pytest.approx(whole.metrics[name], abs=1e-3) for name in names
    }
    assert whole.metrics["heldout_psnr"] > whole.metrics["psnr"]
    difference = slabs.found.resampled(SIGNAL.shape).astype(int) - whole.found.resampled(SIGNAL.shape)
    assert abs(difference).max() <= 1  # a tie may be rounded either way


def test_progress_looks_at_an_excerpt_of_a_large_signal(monkeypatch):
    module = SimpleNamespace(fields=merged([FIELD], [FIT]), diverged={}, derivatives={"field": AutoDerivatives(3)})
    exact = callbacks.quick_scores(module)
    monkeypatch.setattr(judging, "QUICK_SAMPLES", 700)
    estimate = callbacks.quick_scores(module)
    assert estimate == callbacks.quick_scores(module) != exact
    # Squared errors of noise scatter by about their mean: 700 of them average to 4 %, 0.2 dB; thrice that.
    assert estimate == {name: pytest.approx(exact[name], abs=0.6) for name in exact}
    coords, flat = SIGNAL.excerpt(700)
    error = (FIELD(coords).detach().clamp(-1, 1) - flat.values).numpy() / 2
    assert estimate["eval/psnr"] == pytest.approx(-10 * np.log10((error.astype(float) ** 2).mean()), abs=1e-4)
