"""The figures of a sound: its waveform above the error, and spectrograms of the sound, the field and the error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl import plots
from siren_pl.problems.sampled.evaluation import Evaluation
from siren_pl.problems.sound.kind import heard
from siren_pl.problems.sound.measures import decibels, short_time
from siren_pl.training.judge import Draw, Rival

Array = NDArray[np.floating]

# Inches of a figure's width, and of the height of a waveform and of a spectrogram.
WIDTH, WAVE, SPECTROGRAM = 10.2, 1.7, 3.2
# Bins into which a waveform is divided: each shows its lowest and highest sample.
BINS = 2000
# Seconds in the close-up of the loudest moment: a few periods of a voice or a string.
CLOSE = 0.02
# Decibels below the strongest bin at which a spectrogram is black, and its most columns and rows.
RANGE, MOST_COLUMNS, MOST_ROWS = 90.0, 1200, 512


def figures_of(found: Evaluation) -> dict[str, Draw]:
    """Every figure of an evaluated field, by file name. A file of several channels is drawn as their mean."""
    return {"waveform.png": partial(_waveform, found), "spectrograms.png": partial(_spectrograms, found)}


def _pair(found: Evaluation) -> tuple[Array, Array]:
    """The sound and the field, (N,)."""
    return found.signal.values.numpy().mean(1), heard(found, found.signal.container.rate).mean(1)


def _waveform(found: Evaluation, path: Path, _: Mapping[str, Rival]) -> Path:
    truth, result = _pair(found)
    rate, start = found.signal.container.rate, found.signal.container.start
    figure, axes = plots.subplots(3, 1)
    figure.set_size_inches(WIDTH, 3 * WAVE)
    power = float(np.square(truth).mean())
    snr = decibels(power, float(np.square(truth - result).mean()))
    limit = 1.05 * float(np.abs(truth).max())
    for panel, samples, title in (
        (axes[0, 0], truth, found.signal.name),
        (axes[1, 0], truth - result, f"error at the same scale (SNR {snr:.1f} dB)"),
    ):
        times, low, high = envelope(samples, rate)
        panel.fill_between(times + start, low, high, linewidth=0.4, step="mid")
        panel.set(title=title, ylim=(-limit, limit))
    middle = int(np.abs(truth).argmax())
    first = max(0, min(middle - round(CLOSE * rate / 2), len(truth) - round(CLOSE * rate)))
    close = slice(first, first + round(CLOSE * rate))
    milliseconds = 1000 * (start + (np.arange(len(truth))[close] + 0.5) / rate)
    axes[2, 0].plot(milliseconds, truth[close], label="sound", linewidth=2.4, color="0.7")
    axes[2, 0].plot(milliseconds, result[close], label="field", linewidth=1)
    axes[2, 0].set(title="the loudest moment", xlabel="milliseconds")
    axes[2, 0].legend(fontsize=8, loc="upper right")
    axes[1, 0].set_xlabel("seconds")
    for panel in axes[:, 0]:
        panel.margins(x=0)
        panel.grid(alpha=0.3)
    return plots.save(figure, path)


def envelope(samples: Array, rate: int) -> tuple[Array, Array, Array]:
    """The seconds at the middle of each bin, and the lowest and highest sample there, of at most BINS bins."""
    edges = np.linspace(0, len(samples), min(BINS, len(samples)) + 1).astype(int)[:-1]
    ends = np.append(edges[1:], len(samples))
    return (edges + ends) / 2 / rate, np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)


def _spectrograms(found: Evaluation, path: Path, rivals: Mapping[str, Rival]) -> Path:
    truth, result = _pair(found)
    shown = [("sound", truth), ("field", result), ("error", truth - result)]
    shown[2:2] = [(name.replace("_", " "), np.asarray(each.answer).mean(1)) for name, each in rivals.items()]
    return draw_spectrograms(shown, found.signal.container.rate, found.signal.container.start, path)


def draw_spectrograms(shown: Sequence[tuple[str, Array]], rate: int, start: float, path: Path) -> Path:
    """Write spectrograms side by side, with one scale of colours: decibels below a sine of full scale.

    Args:
        shown: Titles and samples (N,); the first sets the scale.
        rate: Samples per second.
        start: Seconds at the first sample.
        path: The file to write.
    """
    figure, axes = plots.subplots(1, len(shown))
    figure.set_size_inches(WIDTH, SPECTROGRAM)
    levels = [spectrogram(samples) for _, samples in shown]
    top = float(levels[0].max())
    image: Any = None
    for panel, (title, samples), values in zip(axes[0], shown, levels, strict=True):
        extent = (start, start + len(samples) / rate, 0, rate / 2)
        image = panel.imshow(
            values, origin="lower", aspect="auto", extent=extent, vmin=top - RANGE, vmax=top, cmap="magma"
        )
        panel.set(title=title, xlabel="seconds")
    axes[0, 0].set_ylabel("Hz")
    for panel in axes[0, 1:]:
        panel.set_yticklabels([])
    figure.colorbar(image, ax=list(axes[0]), label="dB of full scale", extend="min", fraction=0.04, pad=0.02)
    return plots.save(figure, path)


def spectrogram(samples: Array) -> Array:
    """Short-time power in dB of samples (N,): a row per frequency, a column per frame, thinned to what a figure shows.

    A thinned bin has the largest power of those that it stands for, so that no partial is lost.
    """
    power = np.concatenate(list(short_time(samples[:, None].astype(np.float64))))[..., 0].T
    return 10 * np.log10(np.maximum(_thinned(_thinned(power, 0, MOST_ROWS), 1, MOST_COLUMNS), 1e-20))


def _thinned(values: Array, axis: int, most: int) -> Array:
    """The largest of each group of neighbours along an axis, in at most about `most` groups."""
    step = -(-values.shape[axis] // most)
    return np.maximum.reduceat(values, np.arange(0, values.shape[axis], step), axis=axis)
