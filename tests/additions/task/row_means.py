"""Find a picture from measured means of neighbouring rows."""

import math
from dataclasses import dataclass, field

import torch

from siren_pl import SampledSignal, Term
from siren_pl.errors import UserError
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.measuring import measured_by
from siren_pl.problems.sampled.observations import Observation
from siren_pl.problems.sampled.scores import value_scores


class RowMeans(Observation):
    """Means of `rows` rows, one group below the other."""

    def __init__(self, rows):
        self.rows, self.option = rows, f"task.rows={rows}"

    def apply(self, values):
        return values.unflatten(0, (-1, self.rows)).mean(1)

    def adjoint(self, data, shape):
        return data.repeat_interleave(self.rows, 0) / self.rows

    def picture(self, data, shape):
        return data.repeat_interleave(self.rows, 0)

    def observed(self, shape):
        return torch.zeros(shape, dtype=torch.bool)

    def count(self, shape):
        if shape[0] % self.rows:
            raise UserError(f"{self.option} does not divide the {shape[0]} rows of the picture: choose dataset.size.")
        return math.prod(shape) // self.rows

    def density(self, shape):
        return max(shape) / math.sqrt(self.rows)


@dataclass(frozen=True)
class ObservedTerm(Term):
    """Mean squared error of the observed field."""

    signal: SampledSignal = field(compare=False)
    rows_per_mean: int

    rows = ()  # a mean needs all of its rows

    def points(self):
        return {"coords": self.signal.coords(), "value": self.signal.measured}

    def residuals(self, ask, points):
        field = ask(points["coords"]).value.reshape(*self.signal.shape, -1)
        return {"mean": (RowMeans(self.rows_per_mean).apply(field) - points["value"]).flatten(0, 1)}


def from_row_means(signal, observation):
    signal = measured_by(signal, observation)
    terms = {"samples": ObservedTerm(signal, observation.rows)}
    return sampled_problem("row_means", terms, SampledJudge(signal, value_scores))
