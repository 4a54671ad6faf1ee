"""Supervision by the values of samples and, if wanted, by a stencil's gradients of them (Sobolev training)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.field.jet import Jet
from siren_pl.problems.derivatives.gradients import by_sample, squared_error
from siren_pl.problems.derivatives.known import some_known
from siren_pl.problems.penalties import penalties
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.scores import value_scores
from siren_pl.problems.sampled.signal import SampledSignal, require_whole
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS
from siren_pl.problems.sampled.values import ValueTerm, laid_out
from siren_pl.training.problem import Problem
from siren_pl.training.term import Points, Term


@dataclass(frozen=True)
class SobolevTerm(Term):
    """The errors of values and gradients at the observed samples (Czarnecki et al. 2017; SIREN supplement 3).

    Attributes:
        signal: The samples.
        gradient_weight: Weight of the gradient's squared error per pixel, summed over the axes.
        stencil: The stencil of the gradient targets; targets that read an unobserved sample are left out.
    """

    signal: SampledSignal = field(compare=False)
    gradient_weight: float
    stencil: str

    order = 1
    rows = ("coords", "value", "gradient", "known")
    pointwise = True

    def points(self) -> Points:
        """Make the table: coordinates, values, gradients per coordinate unit, whether known, pixels per unit.

        Their shapes are (M, D), (M, C), (M, D, C), (M,) and (D,).
        """
        signal = self.signal
        require_whole(signal)
        observed = signal.observed.reshape(-1)
        rule = GRADIENT_STENCILS[self.stencil]
        scale = torch.tensor(signal.pixels_per_unit)
        gradient = by_sample(rule.apply(signal.given.double().numpy()))
        cure = ", or set task.gradient_weight=0"
        known = some_known(rule, self.stencil, signal, "task.gradient_stencil", cure).reshape(-1)
        return laid_out(signal) | {
            "gradient": gradient[observed] * scale[:, None],
            "known": known[observed].float(),
            "unit": scale,
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `value` and `gradient`, the latter per pixel, so that its weight means the same at any size."""
        squared = squared_error(jet, points).mean(-1) * points["known"]
        value = (jet.value - points["value"]).square().mean()
        return {"value": value, "gradient": self.gradient_weight * squared.mean()}


def image_fit(
    signal: SampledSignal, gradient_weight: float = 0.0, gradient_stencil: str = "central", **weights: float
) -> Problem:
    """Make the problem of fitting the samples, and with `gradient_weight` > 0 their gradients too.

    Args:
        signal: The samples.
        gradient_weight: Weight of the squared error of the gradient per pixel.
        gradient_stencil: The stencil of the gradients.
        weights: Weights of penalties, by the names of `siren_pl.problems.penalties.PENALTIES`.
    """
    plain = math.isclose(gradient_weight, 0)
    term = ValueTerm(signal) if plain else SobolevTerm(signal, gradient_weight, gradient_stencil)
    terms = {"samples": term, **penalties(signal.domain, **weights)}
    return sampled_problem("image_fit", terms, SampledJudge(signal, value_scores))
