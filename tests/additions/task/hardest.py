"""Fit the samples that the field misses most, chosen anew every few steps, and as many random ones."""

from dataclasses import dataclass, field

import torch

from siren_pl import SampledSignal, Term
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.scores import value_scores
from siren_pl.problems.sampled.values import laid_out


@dataclass(frozen=True)
class Hardest(Term):
    """Mean squared error at a quarter of the samples: half of them the worst, half drawn."""

    signal: SampledSignal = field(compare=False)
    refresh_every: int

    rows = ("coords", "value")
    pointwise = True

    def points(self):
        """The first quarter; all samples have no rows here, and are passed whole."""
        whole = laid_out(self.signal)
        few = {key: column[: len(column) // 4] for key, column in whole.items()}
        return few | {f"every_{key}": column for key, column in whole.items()}

    def refresh(self, ask, points, generator):
        coords, value = points["every_coords"], points["every_value"]
        error = (ask(coords).value - value).square().sum(1)
        count = len(points["coords"]) // 2
        drawn = torch.randint(len(coords), (count,), generator=generator, device=generator.device)
        chosen = torch.cat([error.topk(count).indices, drawn])
        return points | {"coords": coords[chosen], "value": value[chosen]}

    def residuals(self, ask, points):
        return {"value": ask(points["coords"]).value - points["value"]}


def hardest_fit(signal, every):
    return sampled_problem("hardest", {"samples": Hardest(signal, every)}, SampledJudge(signal, value_scores))
