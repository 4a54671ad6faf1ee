"""Measures of sounds against formulas written out in NumPy, and rules of the networks."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from siren_pl.errors import UserError
from siren_pl.field.networks.sounds import chunks_omega_rule, chunks_rule, hidden_omega_rule, omega_rule
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sound.figures import envelope, spectrogram
from siren_pl.problems.sound.judge import audio_fit
from siren_pl.problems.sound.kind import thinned
from siren_pl.problems.sound.measures import log_spectral_distance, si_sdr, sound_scores
from siren_pl.problems.sound.rivals import spline
from tests.fields import domain
from tests.judged import answer_of
from tests.sounds import RATE, chirp, signal_of, tone


def noisy(samples: np.ndarray, level: float = 0.01) -> np.ndarray:
    return samples + level * np.random.default_rng(1).standard_normal(samples.shape)


def test_ratios_are_those_of_their_definitions() -> None:
    truth = np.stack([tone(440), tone(600, amplitude=0.2)], 1)
    found = 0.9 * noisy(truth) + 0.003
    signal = signal_of(truth)
    truth, result = signal.values.double().numpy(), torch.from_numpy(found)
    scores = sound_scores(result, signal)
    error = np.mean((found - truth) ** 2)
    assert scores["mse"] == pytest.approx(error, rel=1e-9)
    assert scores["snr"] == pytest.approx(10 * math.log10(np.mean(truth**2) / error), abs=1e-9)
    # Le Roux et al. 2019, equation 3: the target is scaled to be nearest to the result, channel by channel.
    each = []
    for x, s in zip(found.T, truth.T, strict=True):
        target = (x @ s) / (s @ s) * s
        each.append(10 * math.log10((target @ target) / ((target - x) @ (target - x))))
    assert scores["si_sdr"] == pytest.approx(np.mean(each), abs=1e-6)
    assert sound_scores(signal.values, signal)["snr"] == 200.0
    assert sound_scores(signal.values * 0, signal)["snr"] == pytest.approx(0.0)


def test_held_out_samples_are_scored_apart() -> None:
    signal = signal_of(tone(440), heldout=0.25, seed=3)
    found = torch.from_numpy(noisy(tone(440)))[:, None]
    scores, seen = sound_scores(found, signal), signal.observed.numpy()
    errors = (found - signal.values).double().numpy()[:, 0] ** 2
    assert seen.sum() == 1500
    assert scores["train_mse"] == pytest.approx(errors[seen].mean(), rel=1e-6)
    assert scores["heldout_mse"] == pytest.approx(errors[~seen].mean(), rel=1e-6)
    assert 0.25 * scores["heldout_mse"] + 0.75 * scores["train_mse"] == pytest.approx(scores["mse"], rel=1e-6)


def test_the_spectral_distance_is_that_of_scipys_transform() -> None:
    truth, found = chirp(200, 3000, 6000), noisy(chirp(200, 3000, 6000))
    window = hann(2048, sym=False)
    transform = ShortTimeFFT(window, 512, RATE)
    # SciPy's slice p is centred at sample 512 p; these lie within the sound.
    within = {"p0": 2, "p1": 3 + (6000 - 2048) // 512}
    spectra = [np.abs(transform.stft(x, **within) * 2 / window.sum()) ** 2 for x in (found, truth)]
    least = spectra[1].max() * 10**-9.6
    logs = [10 * np.log10(np.maximum(power, least)) for power in spectra]
    expected = np.sqrt(((logs[0] - logs[1]) ** 2).mean(0)).mean()
    assert log_spectral_distance(found[:, None], truth[:, None]) == pytest.approx(expected, rel=1e-9)
    assert log_spectral_distance(truth[:, None], truth[:, None]) == 0.0
    assert log_spectral_distance(truth[:5, None], truth[:5, None] * 2) == pytest.approx(20 * math.log10(2), rel=0.05)


def test_a_sine_of_full_scale_is_at_zero_decibels_in_its_own_bin() -> None:
    values = spectrogram(tone(1000, 8192, amplitude=1.0))
    assert values.max() == pytest.approx(0.0, abs=0.01)
    rows = np.linspace(0, RATE / 2, values.shape[0])
    assert (np.abs(rows[values.argmax(0)] - 1000) < 20).all()


def test_an_envelope_holds_every_peak() -> None:
    samples = noisy(tone(440, 10_001), 0.2)
    times, low, high = envelope(samples, RATE)
    assert low.min() == samples.min() and high.max() == samples.max() and (low <= high).all()
    assert len(times) == 2000 and 0 < times[0] < times[-1] < 10_001 / RATE


def test_the_spline_is_exact_for_cubics_and_needs_gaps() -> None:
    t = np.linspace(-1, 1, 101)
    cubic = 0.3 * t**3 - 0.5 * t**2 + 0.2
    signal = signal_of(cubic, stride=3)
    np.testing.assert_allclose(spline(signal)[:, 0], cubic, atol=1e-5)
    assert spline(signal_of(cubic)) is None


def test_what_collapses_to_silence_is_told_and_nothing_else() -> None:
    signal = signal_of(tone(440))
    judge = audio_fit(signal).judge

    class Quiet(torch.nn.Module):
        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = torch.nn.Parameter(torch.tensor(share))

        def forward(self, coords):
            return self.share * torch.sin(2 * math.pi * 440 * (coords + 1) / 2 * 2000 / RATE) / 2

    silent = judge.judge(answer_of(Quiet(1e-3)))
    assert "collapsed to silence" in silent.failure and "optimizer.factor" in silent.failure
    assert silent.metrics["mse"] == pytest.approx(0.125, rel=0.01)  # the power of a sine of amplitude 1/2
    for share in (1.0, 0.2):
        assert not judge.judge(answer_of(Quiet(share))).failure


def test_quick_scores_of_a_long_sound_are_those_of_an_excerpt() -> None:
    long = tone(440, (1 << 18) + 1000)
    signal = signal_of(long, heldout=0.5)

    class Zero(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, coords):
            return coords * self.weight

    scores = audio_fit(signal).judge.quick(answer_of(Zero()))
    assert scores == {"snr": pytest.approx(0.0, abs=1e-5), "heldout_snr": pytest.approx(0.0, abs=1e-5)}


def test_rules_follow_the_samples_of_one_axis_and_leave_pictures_alone() -> None:
    sound, picture = domain(1, 1, 308_207.0, 308_207.0), domain(2, 1, 256.0, 256.0)
    assert chunks_rule(sound) == 308 and chunks_rule(domain(1, 1, 90.0, 90.0)) == 1
    assert omega_rule(sound) == pytest.approx(0.03 * 308_207 / 2) and hidden_omega_rule(sound) == 30.0
    assert omega_rule(picture) == 30.0 and hidden_omega_rule(picture) is None
    # Half as many samples given: half the fastest wave, on the same domain.
    assert chunks_omega_rule(domain(1, 1, 1000.0, 1000.0)) == pytest.approx(chunks_omega_rule(sound) * 1000 / 308_207)


def test_a_silent_channel_says_nothing_about_the_others() -> None:
    truth = np.stack([np.sin(np.arange(1000.0)), np.zeros(1000)], 1)
    found = truth + 0.01 * np.cos(np.arange(1000.0))[:, None]
    assert si_sdr(found, truth) == pytest.approx(si_sdr(found[:, :1], truth[:, :1]))
    assert si_sdr(found, truth) > 30


def test_a_picture_is_no_sound() -> None:
    picture = SampledSignal(torch.rand(4, 4, 1, generator=torch.Generator().manual_seed(0)), "picture")
    with pytest.raises(UserError, match=r"picture is none: choose dataset=audio"):
        audio_fit(picture)


def test_a_lower_rate_keeps_what_it_can_hold_and_nothing_else() -> None:
    times, rate = 7, 6300
    kept, lost = tone(1000, 2 * rate * times, rate * times), tone(4500, 2 * rate * times, rate * times)
    found = thinned((kept + lost).astype(np.float64)[:, None], times)[:, 0]
    inner = slice(200, -200)  # away from the ends, beyond which nothing is known
    assert np.abs(found - kept[times // 2 :: times])[inner].max() < 2e-3
