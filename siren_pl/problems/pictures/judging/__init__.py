"""Judge a fitted field and the classical methods by one rule, and draw what was found."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from siren_pl.field.derivatives import Derivatives
from siren_pl.problems.pictures.judging.by_slabs import JudgementBySlabs
from siren_pl.problems.pictures.judging.judgement import Baseline as Baseline
from siren_pl.problems.pictures.judging.judgement import Judgement as Judgement
from siren_pl.problems.pictures.judging.whole import WholeJudgement
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.problem import Problem


def judge(
    network: nn.Module,
    problem: Problem,
    signal: SampledSignal,
    derivatives: Derivatives,
    baselines: Mapping[str, Baseline],
) -> Judgement:
    """What a field came to on its signal.

    Args:
        network: The field.
        problem: What it was fitted for; says how it is judged.
        signal: The ground truth.
        derivatives: How the field's own derivatives are taken.
        baselines: Classical methods judged beside the field at once; a run has its own results on disk first, and
            then calls `Judgement.compare`. A large signal (`SampledSignal.is_large`) is judged slab
            by slab, without them and without SSIM and derivatives, all of which need the whole in double precision.
    """
    if signal.is_large:
        return JudgementBySlabs(network, problem, signal)
    judgement = WholeJudgement(network, problem, signal, derivatives)
    judgement.compare(baselines)
    return judgement
