"""Sounds for tests, written by SciPy, so that reading them is checked against another library."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from siren_pl import SampledSignal
from siren_pl.problems.sound.files import Sound
from siren_pl.problems.sound.signals import sound_signal
from siren_pl.problems.sound.sources import Heard

RATE = 8000


def tone(hertz: float, count: int = 2000, rate: int = RATE, amplitude: float = 0.5) -> NDArray[np.float64]:
    """A sine whose sample i lies at (i + 1/2) / rate seconds."""
    return amplitude * np.sin(2 * np.pi * hertz * (np.arange(count) + 0.5) / rate)


def chirp(first: float, last: float, count: int = 2000, rate: int = RATE) -> NDArray[np.float64]:
    """A sine whose frequency rises evenly from first to last."""
    seconds = (np.arange(count) + 0.5) / rate
    return 0.5 * np.sin(2 * np.pi * (first + (last - first) * seconds * rate / count / 2) * seconds)


def signal_of(samples: NDArray, rate: int = RATE, **options) -> SampledSignal:
    """Samples (N,) or (N, C) as a signal."""
    sound = Sound(samples.reshape(len(samples), -1).astype(np.float32), rate)
    return sound_signal(lambda: Heard("sound", sound), **options)


def write(path: str, samples: NDArray, rate: int = RATE) -> str:
    """Write samples by SciPy in their own type; floats in single precision."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, samples.astype(np.float32) if samples.dtype.kind == "f" else samples)
    return path


def read(path: str | Path) -> NDArray:
    """Read a WAV file by SciPy."""
    return wavfile.read(path)[1]
