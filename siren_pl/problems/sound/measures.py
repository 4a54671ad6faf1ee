"""How near one sound is to another: MSE, SNR, SI-SDR and the distance of their logarithmic spectra.

Samples are (N, C), nominally in [-1, 1]; ratios are in dB and capped, so that an exact result has a finite number.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.sampled.metrics import PSNR_CAP
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Measure, Metrics

Samples = NDArray[np.float64]

MEASURES = {
    "heldout_snr": Measure("held-out SNR", "dB", "of the samples that no method was given"),
    "snr": Measure("SNR", "dB", "power of the sound over that of the error; 6 dB more halve the error"),
    "mse": Measure("MSE", "of 1", "mean squared error; full scale is 1", -1),
    "si_sdr": Measure("SI-SDR", "dB", "the same, whatever the result's loudness"),
    "log_spectral_distance": Measure("log-spectral distance", "dB", "of short-time spectra, quiet parts included", -1),
    "train_snr": Measure("training SNR", "dB", "the samples that were given"),
}

# Samples of a frame of the short-time spectrum and from one frame to the next: 46 ms at 44.1 kHz, overlapping by 3/4.
FRAME, HOP = 2048, 512
# Power below the spectrum's maximum at which differences stop to count, in dB: the noise of 16 bits is inaudible.
FLOOR = 96.0
# Frames that are transformed together: about 100 MB.
TOGETHER = 1 << 12


def sound_scores(values: Tensor, signal: SampledSignal) -> Metrics:
    """Every measure of the samples (N, C); of held-out and of given ones apart, if some are held out."""
    found, truth = (each.detach().double().cpu().numpy() for each in (values, signal.values))
    scores = ratios(found, truth)
    seen = signal.observed.numpy()
    if signal.has_gaps:
        for name, part in (("train", seen), ("heldout", ~seen)):
            scores |= {f"{name}_{key}": value for key, value in ratios(found[part], truth[part]).items()}
    return scores | {"si_sdr": si_sdr(found, truth), "log_spectral_distance": log_spectral_distance(found, truth)}


def ratios(found: Samples, truth: Samples) -> Metrics:
    """`mse`, and `snr`, which relates it to the power of the truth."""
    error = float(np.square(found - truth).mean())
    return {"mse": error, "snr": decibels(float(np.square(truth).mean()), error)}


def decibels(signal: float, noise: float) -> float:
    """A ratio of powers in dB, from -200 to 200.

    >>> decibels(1.0, 0.01), decibels(1.0, 0.0)
    (20.0, 200.0)
    """
    if noise <= 0 or signal <= 0:
        return PSNR_CAP if noise <= 0 else -PSNR_CAP
    return float(np.clip(10 * np.log10(signal / noise), -PSNR_CAP, PSNR_CAP))


def si_sdr(found: Samples, truth: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, the mean over the channels that sound (Le Roux et al. 2019)."""
    import torch
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    sounding = np.square(truth).any(0)  # of a silent channel every result is infinitely far
    result, target = (torch.from_numpy(np.ascontiguousarray(each[:, sounding].T)) for each in (found, truth))
    score = float(scale_invariant_signal_distortion_ratio(result, target).mean())
    return float(np.clip(score, -PSNR_CAP, PSNR_CAP))


def log_spectral_distance(found: Samples, truth: Samples) -> float:
    """The mean over frames of the root mean square difference of log power spectra, in dB (Gray and Markel 1976).

    Power more than 96 dB below the strongest bin of the truth counts as that much below it.
    """
    least = max(float(power.max()) for power in short_time(truth)) * 10 ** (-FLOOR / 10)
    distances = []
    for pair in zip(short_time(found), short_time(truth), strict=True):
        first, second = (10 * np.log10(np.maximum(power, least)) for power in pair)
        distances.append(np.sqrt(np.square(first - second).mean(1)).ravel())
    return float(np.concatenate(distances).mean())


def short_time(samples: Samples) -> Iterator[Samples]:
    """Yield power spectra (frames, frequencies, C) of samples (N, C), some frames at a time."""
    frame = frame_of(len(samples))
    starts = np.arange(0, len(samples) - frame + 1, max(1, frame * HOP // FRAME))
    for first in range(0, len(starts), TOGETHER):
        yield spectra(samples[starts[first : first + TOGETHER, None] + np.arange(frame)])


def frame_of(count: int) -> int:
    """Samples of a frame: FRAME, or for a shorter sound the largest power of two within it."""
    return min(FRAME, 1 << (count.bit_length() - 1))


def spectra(frames: Samples) -> Samples:
    """Power spectra (M, F, C) of frames (M, N, C) under a Hann window, where a sine of amplitude 1 has a peak of 1."""
    count = frames.shape[1]
    window = np.hanning(count + 1)[:-1, None] if count > 1 else np.ones((1, 1))
    return np.square(np.abs(np.fft.rfft(frames * window, axis=1)) * 2 / window.sum())
