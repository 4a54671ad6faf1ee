"""The kind of sounds: results are WAV files, drawn as waveforms and spectrograms, and played at any sample rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.sampled.evaluation import Evaluation, WholeEvaluation
from siren_pl.problems.sampled.kind import Kind, View
from siren_pl.problems.sampled.rendering import slabs
from siren_pl.problems.sound.files import write_wav
from siren_pl.training.judge import Draw, Write
from siren_pl.training.problem import Origin

if TYPE_CHECKING:
    from siren_pl.problems.sampled.signal import SampledSignal

# Sample rates that WAV files and players take.
RATES = range(1, 2**31)
# More samples than this take minutes to compute and gigabytes to hold.
MOST_SAMPLES = 1 << 26
# The low-pass filter of lower rates: its length to either side, in samples that are kept, and the part of the band that
# it passes. The rest of the band is its slope.
FILTER_LENGTH, PASSED = 24, 0.93


@dataclass(frozen=True)
class Recording(Kind):
    """How a sound was recorded, and so how results are written, drawn and asked for.

    Attributes:
        rate: Samples per second.
        start: Seconds of the file before the first sample.
        path: The file; None if the samples come from elsewhere.
        place: Its path below the folder from which it was chosen by number; None if it was named.
    """

    rate: int
    start: float = 0.0
    path: Path | None = field(default=None, compare=False)
    place: str | None = field(default=None, compare=False)

    options: ClassVar[Mapping[str, str]] = {"sample_rate": "samples per second of the sound that is written"}

    @property
    @override
    def origin(self) -> Origin:
        return Origin(self.path, self.place)

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        return AtRate(self.rate).files(found)

    @override
    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        from siren_pl.problems.sound.figures import figures_of

        return figures_of(found)

    @override
    def asked(self, signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
        rate = _rate(options.get("sample_rate"), self.rate)
        if rate * signal.shape[0] / self.rate * signal.out_features > MOST_SAMPLES:
            raise UserError(f"sample_rate={rate} makes more than 2^26 samples of {signal.name}: choose a lower one.")
        return f"{rate}_hz", self if rate == self.rate else AtRate(rate)


@dataclass(frozen=True)
class AtRate(View):
    """Writes the sound at any sample rate. Its sample i is the field at the middle of the i-th of its own steps."""

    rate: int

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        return {f"{found.signal.name}.wav": lambda path: write_wav(heard(found, self.rate), self.rate, path)}


def heard(found: Evaluation, rate: int) -> NDArray:
    """The aligned answer (M, C) at another sample rate, float32, over the signal's whole length.

    At a lower rate it is sampled more often first, and what the rate cannot hold is filtered out, since it would be
    heard as other tones.
    """
    signal = found.signal
    if rate == signal.container.rate and isinstance(found, WholeEvaluation):
        return found.aligned.numpy()
    per_sample = signal.container.rate / rate
    count = max(1, round(signal.shape[0] / per_sample))
    # An odd number of samples for each, the middle one of which is at its place.
    times = 2 * math.ceil((per_sample - 1) / 2) + 1 if per_sample > 1 else 1
    places = (torch.arange(count * times, dtype=torch.float64) + 0.5) * per_sample / times
    axes = signal.grid.at(signal.shape, [places])
    parts = [values + found.offset for _, values in slabs(found.answer, axes, signal.out_features)]
    values = torch.cat(parts).numpy()
    return values if times == 1 else thinned(values, times)


def thinned(values: NDArray, times: int) -> NDArray:
    """The middle one of every `times` samples (M, C), an odd number, after a low-pass filter without delay."""
    from scipy.signal import firwin, oaconvolve

    taps = np.asarray(firwin(2 * FILTER_LENGTH * times + 1, PASSED / times), values.dtype)[:, None]
    padded = np.pad(values, ((FILTER_LENGTH * times,) * 2, (0, 0)), mode="edge")
    return oaconvolve(padded, taps, mode="valid", axes=0)[times // 2 :: times]


def _rate(text: str | None, own: int) -> int:
    if text is None:
        return own
    if not (text.isdecimal() and int(text) in RATES):
        raise UserError(f"sample_rate={text} must be a whole number of samples per second, such as 96000.")
    return int(text)
