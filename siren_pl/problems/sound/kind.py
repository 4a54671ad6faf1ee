"""The kind of sounds: results are WAV files, drawn as waveforms and spectrograms, and played at any sample rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

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
    """The aligned answer (M, C) at another sample rate, float32, over the signal's whole length."""
    signal = found.signal
    if rate == signal.container.rate and isinstance(found, WholeEvaluation):
        return found.aligned.numpy()
    per_sample = signal.container.rate / rate
    count = max(1, round(signal.shape[0] / per_sample))
    axes = signal.grid.at(signal.shape, [(torch.arange(count, dtype=torch.float64) + 0.5) * per_sample])
    parts = [values + found.offset for _, values in slabs(found.answer, axes, signal.out_features)]
    return torch.cat(parts).numpy()


def _rate(text: str | None, own: int) -> int:
    if text is None:
        return own
    if not (text.isdecimal() and int(text) in RATES):
        raise UserError(f"sample_rate={text} must be a whole number of samples per second, such as 96000.")
    return int(text)
