"""Sounds as signals: one axis, time, from -1 to 1, and a channel for each microphone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.sampled.observations.withheld import withheld
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sound.kind import Recording
from siren_pl.problems.sound.sources import Source


def sound_signal(
    source: Source,
    seconds: Sequence[float | None] | None = None,
    mono: bool = False,
    heldout: float = 0.0,
    stride: int = 1,
    seed: int = 0,
) -> SampledSignal:
    """Read a sound and prepare it as ground truth.

    Args:
        source: Returns the sound.
        seconds: The part to take, [from, to); None for the start or the end.
        mono: Whether to average the channels.
        heldout: Fraction of the samples to withhold from training.
        stride: Keep only every `stride`-th sample for training, and hold the others out.
        seed: Seeds the choice of held-out samples.

    Raises:
        UserError: The part leaves the sound, or nothing is to be heard in it.
    """
    kept = withheld(heldout, seed, stride, axes=1)
    name, (samples, rate), origin = source()
    first, end = _part(name, seconds or (None, None), len(samples), rate)
    part = samples[first:end].mean(1, keepdims=True) if mono else samples[first:end]
    _require_heard(name, part)
    # Tensors need contiguous, writable memory.
    stored = torch.from_numpy(np.require(part, np.float32, ["C", "W"]))
    recording = Recording(rate, first / rate, origin.path, origin.place)
    return SampledSignal(stored, name, observation=kept, container=recording)


def _part(name: str, seconds: Sequence[float | None], count: int, rate: int) -> tuple[int, int]:
    """The first sample of a part, and the one after its last."""
    begin, stop = (each if each is not None else other for each, other in zip(seconds, (0.0, math.inf), strict=True))
    first, end = round(begin * rate), count if stop == math.inf else round(stop * rate)
    if not 0 <= first < end <= count:
        told = ",".join("null" if each is None else f"{each:g}" for each in seconds)
        raise UserError(
            f"dataset.seconds=[{told}] is no part of {name}, which lasts {count / rate:.3f} seconds: give "
            "[from,to] with 0 ≤ from < to within it."
        )
    return first, end


def _require_heard(name: str, samples: NDArray[np.float32]) -> None:
    if not np.ptp(samples, axis=0).any():
        levels = ", ".join(f"{level:g}" for level in samples[0])
        raise UserError(
            f"{name} is silent: each of its {len(samples):,} samples is {levels}. Choose another file, or another part "
            "with dataset.seconds=[from,to]; if its channels cancel each other, dataset.mono=false."
        )
