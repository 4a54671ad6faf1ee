"""Supervision by the values of the samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.problems.sampled import compact
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term

# Number of samples up to which coordinates and values are stored as floats (12 to 20 MB), since rows of such columns
# are drawn more quickly. The samples of larger signals are kept as they are stored.
MOST_LAID_OUT = 1 << 20


@dataclass(frozen=True)
class ValueTerm(Term):
    """The mean squared error of the values at the observed samples."""

    signal: SampledSignal = field(compare=False)

    rows = ("coords", "value")
    pointwise = True

    def points(self) -> Points:
        """Make the table: coordinates (M, D) and values (M, C) of the observed samples, or that of `compact`."""
        large = math.prod(self.signal.shape) > MOST_LAID_OUT
        return compact.table(self.signal) if large and self.signal.is_plain else laid_out(self.signal)

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw a batch from either kind of table."""
        if compact.is_compact(table):
            return compact.draw(table, batch_size, generator)
        return super().draw(table, batch_size, generator, progress)

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        """Compute `value`."""
        return {"value": ask(points["coords"]).value - points["value"]}


def laid_out(signal: SampledSignal) -> Points:
    """The coordinates (M, D) of the observed samples and their measured values (M, C)."""
    observed = signal.observed.reshape(-1)
    return {"coords": signal.coords()[observed], "value": signal.measured.reshape(-1, signal.out_features)}
