"""How a field is judged against samples on a lattice, and how a signal's samples make a problem.

The answer to a sampled problem is the field's values in the signal's own units, at any coordinates (`FieldAnswer`). A
classical method has values (n_1, …, n_D, C) on the lattice alone, which the same scores judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.evaluation import Evaluation, SlabEvaluation, WholeEvaluation
from siren_pl.problems.sampled.kind import View
from siren_pl.problems.sampled.measures import OF_VALUES, Measures, shown
from siren_pl.problems.sampled.measuring import require_pair
from siren_pl.problems.sampled.rendering import FieldAnswer
from siren_pl.problems.sampled.scores import Align, keep
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Findings, Judge, Metrics, Result
from siren_pl.training.problem import Problem
from siren_pl.training.term import Term

# Computes metrics from values on the lattice (n_1, …, n_D, C) in [-1, 1].
Scores = Callable[[Tensor, SampledSignal], Metrics]
# Makes titles and pixels in [0, 1] from aligned values, to show how a result came about.
Panels = Callable[[Tensor, SampledSignal], "list[tuple[str, NDArray[np.float64]]]"]

# Progress is measured on this many samples: rendering takes a second, and PSNR is off by some hundredths of a dB.
QUICK_SAMPLES = 1 << 18


@dataclass(frozen=True)
class SampledJudge(Judge):
    """Judges values on a signal's own lattice.

    Attributes:
        signal: The ground truth, or the data where the truth is not known.
        scores: Scores values, for the field and for every baseline alike.
        align: Aligns values with the signal, for pictures and for the PSNR that progress shows; `keep` for most tasks.
        value_scale: The field is the signal times this: 1, unless targets are in the units of the SIREN paper's code.
        stencils: Names of the stencils against which the field's gradient and Laplacian are scored and drawn: the
            supervised one where there is one, else those of the SIREN paper.
        panels: Makes further pictures; None if the reconstruction shows enough.
        about: How to read the metrics that the table shows, starting with what the task is about.
        task: The problem's name; `supervised` holds its terms' names. `sampled_problem` fills both in.
        view: Says what is written and drawn; None for what the signal's kind shows for every run.
    """

    signal: SampledSignal
    scores: Scores
    align: Align = keep
    value_scale: float = 1.0
    stencils: tuple[str, str] = ("sobel", "laplace")
    panels: Panels | None = None
    about: Measures = field(default_factory=lambda: OF_VALUES)
    task: str = ""
    supervised: tuple[str, ...] = ()
    view: View | None = None

    @property
    def options(self) -> Mapping[str, str]:  # type: ignore[override] - computed from the signal's kind
        """The options of the signal's kind."""
        return self.signal.container.options

    @property
    def takes_rivals(self) -> bool:  # type: ignore[override] - depends on the size
        """Not for a large signal: all classical methods need the whole signal in double precision."""
        return not self.signal.is_large

    @override
    def quick(self, answer: FieldAnswer) -> Metrics:
        """PSNR over all samples and over held-out ones; empty if the truth is not known.

        Of a signal with more than `QUICK_SAMPLES` samples, a fixed random excerpt is scored.
        """
        signal = self.signal
        if not signal.has_truth:
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

    @override
    def judge(self, answer: FieldAnswer | Tensor) -> Findings:
        if isinstance(answer, Tensor):
            scores = self.scores(answer, self.signal)
            return Findings(scores, shown(self.about, scores))
        found, view = self.evaluated(answer), self.view or self.signal.container
        about = shown(self.about, found.metrics)
        return Findings(found.metrics, about, view.files(found), view.figures(found), self.failure(found))

    def evaluated(self, answer: FieldAnswer) -> Evaluation:
        """Evaluate an answer on the signal's lattice, whole or by slabs."""
        return (SlabEvaluation if self.signal.is_large else WholeEvaluation)(self, answer)

    def failure(self, found: Evaluation) -> str:
        """Say why an answer of finite numbers counts as diverged; empty if it does not."""
        return ""

    @override
    def asked(self, options: Mapping[str, str]) -> tuple[str, Judge]:
        name, view = self.signal.container.asked(self.signal, options)
        return name, replace(self, view=view)

    @override
    def sheet(self, results: Sequence[Result], path: Path) -> Any:
        return self.signal.container.sheet(results, path)


def sampled_problem(name: str, terms: Mapping[str, Term], judge: SampledJudge) -> Problem:
    """The problem of finding a signal's field from terms that are bound to its samples."""
    signal = judge.signal
    require_pair(signal)
    return Problem(
        name,
        signal.name,
        {"field": signal.domain},
        terms,
        lambda ask: FieldAnswer(ask, judge.value_scale),
        replace(judge, task=name, supervised=tuple(terms)),
        given=signal,
        layout=(signal.stored.dtype, *signal.stored.shape),
        origin=signal.container.origin,
        probes=lambda: (signal.coords(), signal.midline()),
    )
