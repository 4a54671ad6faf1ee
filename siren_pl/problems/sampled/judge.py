"""How a field is judged against samples on a lattice, and how a signal's samples make a problem.

The answer to a sampled problem is a function of coordinates: the field's values in the signal's own units, aligned
where the supervision leaves something open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.measuring import require_pair
from siren_pl.problems.sampled.rendering import CHUNK
from siren_pl.problems.sampled.scores import keep
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.ask import Ask
from siren_pl.training.judge import Metrics
from siren_pl.training.problem import Problem
from siren_pl.training.term import Term

# From values on the lattice (n_1, …, n_D, C) in [-1, 1] to metrics.
Scores = Callable[[Tensor, SampledSignal], Metrics]
# Brings such values to the signal where the task leaves something open (a constant).
Align = Callable[[Tensor, SampledSignal], Tensor]
# From aligned values to titles and pixels in [0, 1] that tell how a result came about.
Panels = Callable[[Tensor, SampledSignal], "list[tuple[str, NDArray[np.float64]]]"]
# From coordinates (N, D) to values (N, C) in the signal's units.
Answer = Callable[[Tensor], Tensor]

# Samples that progress is measured on: a second of rendering, and a PSNR that is off by some hundredths of a dB.
QUICK_SAMPLES = 1 << 18


@dataclass(frozen=True)
class SampledJudge:
    """Judges values on a signal's own lattice.

    Attributes:
        signal: The ground truth, or the data where the truth is not known.
        scores: Scores of values, for the field and for every baseline alike.
        align: Brings values to the signal, for pictures and for the PSNR that progress shows; `keep` for most tasks.
        value_scale: The field is the signal times this: 1, except where targets are in the units of the SIREN paper's
            code.
        stencils: Names of the stencils against which the field's gradient and Laplacian are scored and drawn: the
            supervised one where there is one, else those of the SIREN paper.
        panels: Further pictures; None where the reconstruction says it all.
    """

    signal: SampledSignal
    scores: Scores
    align: Align = keep
    value_scale: float = 1.0
    stencils: tuple[str, str] = ("sobel", "laplace")
    panels: Panels | None = None

    def quick(self, answer: Answer) -> Metrics:
        """PSNR over all samples, and over held-out ones; empty where the truth is not known.

        A signal of more than `QUICK_SAMPLES` samples is looked at in a fixed random excerpt.
        """
        signal = self.signal
        if not signal.known:
            return {}
        if math.prod(signal.shape) <= QUICK_SAMPLES:
            seen, found = signal, answer(signal.coords()).reshape(signal.stored.shape)
        else:
            coords, seen = signal.excerpt(QUICK_SAMPLES)
            found = answer(coords)
        values = self.align(found, seen)
        result, target = ((array / 2 + 0.5).clamp(0, 1).double().numpy() for array in (values, seen.values))
        unseen = ~seen.observed.numpy()
        scores = {"psnr": metrics.psnr(result, target)}
        if unseen.any() and not unseen.all():
            scores["train_psnr"] = metrics.psnr(result[~unseen], target[~unseen])
            scores["heldout_psnr"] = metrics.psnr(result[unseen], target[unseen])
        return scores

    def judge(self, answer: Tensor) -> Metrics:
        """Every score of values on the lattice."""
        return self.scores(answer, self.signal)


def sampled_problem(name: str, terms: Mapping[str, Term], judge: SampledJudge) -> Problem:
    """The problem of finding a signal's field from terms that were bound to its samples."""

    def answer(ask: Ask) -> Answer:
        @torch.no_grad()
        def values(coords: Tensor) -> Tensor:
            parts = [ask.anew()(ask.placed(chunk)).value.float().cpu() for chunk in coords.split(CHUNK)]
            return torch.cat(parts) / judge.value_scale

        return values

    signal = judge.signal
    require_pair(signal)
    return Problem(name, signal.name, {"field": signal.domain}, terms, answer, judge)
