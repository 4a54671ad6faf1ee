"""Supervision by samples: values, and with a weight the stencil's gradients as well (Sobolev training)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from siren_pl.jet import Jet
from siren_pl.signals.sampled import SampledSignal
from siren_pl.signals.stencils import GRADIENT_STENCILS, seen_by
from siren_pl.tasks import compact
from siren_pl.tasks.gradients import require_some
from siren_pl.tasks.priors import priors
from siren_pl.tasks.scores import keep, value_scores
from siren_pl.tasks.task import Points, Task, Term, require_whole

# Samples of the largest signal whose coordinates and values are laid out as floats, 12 to 20 MB of them: rows of
# ready-made columns are drawn more quickly. Larger signals are kept as they are stored.
MOST_LAID_OUT = 1 << 20


class ValueTerm(Term):
    """Mean squared error of the values at the observed samples."""

    pointwise = True

    def points(self, signal: SampledSignal) -> Points:
        """Coordinates (M, D) and values (M, C) of the observed samples, or what they are drawn from (see `compact`)."""
        large = math.prod(signal.shape) > MOST_LAID_OUT
        return compact.table(signal) if large and signal.is_plain else laid_out(signal)

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator) -> Points:
        """As every term draws, from either kind of table."""
        draw = compact.draw if compact.is_compact(table) else super().draw
        return draw(table, batch_size, generator)

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """`value`."""
        return {"value": (jet.value - points["value"]).square().mean()}


def laid_out(signal: SampledSignal) -> Points:
    """Coordinates (M, D) of the observed samples and their measured values (M, C)."""
    seen = signal.observed.reshape(-1)
    return {"coords": signal.coords()[seen], "value": signal.measured.reshape(-1, signal.out_features)}


class SobolevTerm(Term):
    """Values and gradients at the observed samples (Czarnecki et al. 2017; SIREN supplement 3).

    Args:
        gradient_weight: Weight of the gradient's squared error per pixel, summed over the axes.
        stencil: Where the gradient targets come from; targets that read an unseen sample are left out.
    """

    order = 1
    pointwise = True

    def __init__(self, gradient_weight: float, stencil: str) -> None:
        self.gradient_weight, self.stencil = gradient_weight, stencil

    def points(self, signal: SampledSignal) -> Points:
        """Coordinates, values, gradients per coordinate unit (M, D, C), their weights, and the pixels per unit."""
        require_whole(signal)
        seen = signal.observed.reshape(-1)
        rule = GRADIENT_STENCILS[self.stencil]
        scale = torch.tensor(signal.pixels_per_unit)
        per_pixel = torch.from_numpy(rule.apply(signal.given.double().numpy())).float()  # (D, …, C)
        gradient = per_pixel.reshape(signal.in_features, -1, signal.out_features).movedim(0, 1)  # (M, D, C)
        known = torch.from_numpy(seen_by(rule, signal.observed.numpy())).reshape(-1)
        require_some(known, signal, self.stencil, "task.gradient_stencil", ", or set task.gradient_weight=0")
        return laid_out(signal) | {
            "gradient": gradient[seen] * scale[:, None],
            "known": known[seen].float(),
            "unit": scale.expand(int(seen.sum()), -1),
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """`value` and `gradient`; the latter per pixel, so that the weight means the same at any size."""
        assert jet.gradient is not None
        error = (jet.gradient.movedim(0, 1) - points["gradient"]) / points["unit"][..., None]  # (M, D, C)
        squared = error.square().sum(1).mean(-1) * points["known"]
        value = (jet.value - points["value"]).square().mean()
        return {"value": value, "gradient": self.gradient_weight * squared.mean()}


def image_fit(gradient_weight: float = 0.0, gradient_stencil: str = "central", **beliefs: float) -> Task:
    """Fit the samples themselves; with `gradient_weight` > 0 their gradients too.

    Args:
        gradient_weight: Weight of the squared error of the gradient per pixel.
        gradient_stencil: Where the gradients come from.
        beliefs: Weights of priors, by the names of `siren_pl.tasks.priors.PRIORS`.
    """
    term = ValueTerm() if math.isclose(gradient_weight, 0) else SobolevTerm(gradient_weight, gradient_stencil)
    return Task("image_fit", {"samples": term, **priors(**beliefs)}, value_scores, keep)
