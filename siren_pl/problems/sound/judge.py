"""How a sound's field is judged, and the task of fitting a sound.

A network whose learning rate is too high for its frequencies collapses: it says silence everywhere, and its mean
squared error is the power of the sound. The loss stays finite, so only the judge can tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.sampled.evaluation import Evaluation, WholeEvaluation
from siren_pl.problems.sampled.judge import QUICK_SAMPLES, SampledJudge, sampled_problem
from siren_pl.problems.sampled.rendering import FieldAnswer
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.values import ValueTerm
from siren_pl.problems.sound.kind import Recording
from siren_pl.problems.sound.measures import MEASURES, ratios, sound_scores
from siren_pl.training.judge import Metrics
from siren_pl.training.problem import Problem

# A result with less than this fraction of the sound's power is silence: it explains so little of the sound that its SNR
# is below 0.05 dB.
SILENCE = 0.01


@dataclass(frozen=True)
class SoundJudge(SampledJudge):
    """Judges a field by the measures of sounds. A sound of any length is held whole, at 4 bytes a sample."""

    @override
    def quick(self, answer: FieldAnswer) -> Metrics:
        """SNR over all samples, or over a fixed excerpt of a long sound, and over held-out ones."""
        signal = self.signal
        if math.prod(signal.shape) <= QUICK_SAMPLES:
            coords, seen = signal.coords(), signal
        else:
            coords, seen = signal.excerpt(QUICK_SAMPLES)
        found, truth = (each.double().numpy() for each in (answer(coords), seen.values))
        scores = {"snr": ratios(found, truth)["snr"]}
        if seen.has_gaps:
            unseen = ~seen.observed.numpy()
            scores["heldout_snr"] = ratios(found[unseen], truth[unseen])["snr"]
        return scores

    @override
    def evaluated(self, answer: FieldAnswer) -> WholeEvaluation:
        return WholeEvaluation(self, answer)

    @override
    def failure(self, found: Evaluation) -> str:
        assert isinstance(found, WholeEvaluation)
        return _collapse(found.values, self.signal)


def _collapse(values: Tensor, signal: SampledSignal) -> str:
    """What to say of a field that has collapsed to silence; empty for any other."""
    heard, power = (float(each.double().var(0, correction=0).mean()) for each in (values, signal.values))
    if heard >= SILENCE * power:
        return ""
    return (
        f"{signal.name} has collapsed to silence: the field's power is {heard:.2g}, and the mean squared error is the "
        f"sound's own power, {power:.2g}. The run counts as diverged: try a lower optimizer.factor (0.3)."
    )


def audio_fit(signal: SampledSignal) -> Problem:
    """Make the problem of fitting the samples of a sound.

    Args:
        signal: The sound, of one axis; its `container` is a `Recording`.

    Raises:
        UserError: The signal is no sound.
    """
    if not isinstance(signal.container, Recording):
        raise UserError(
            f"task=audio_fit fits a sound, and {signal.name} is none: choose dataset=audio, or task=image_fit for a "
            "picture."
        )
    return sampled_problem(
        "audio_fit", {"samples": ValueTerm(signal)}, SoundJudge(signal, sound_scores, about=MEASURES)
    )
