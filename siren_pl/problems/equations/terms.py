"""The supervision by an equation: a term for each of its conditions, at its own points.

Points are drawn anew in every step, some of them where the residual was large (`refresh`), from a time that may grow,
and weighed by what precedes them in time (causal training). Weights between the terms are balanced at every refresh.

Letters: N points, R equations, D axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.equations.balance import Balance
from siren_pl.problems.equations.dry_run import stacked
from siren_pl.problems.equations.statement import INTERIOR, Condition, Equation
from siren_pl.problems.equations.streams import MEASURED, Streams
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term, chosen_rows

# Slices of time that causal weights tell apart (Wang et al. 2024, section 4, have 32).
SLICES = 32
# The part of the time with which a growing one begins.
FIRST_TIME = 0.1
# The axis that is a time.
TIME = "t"
# Candidates among which new points are chosen, per point that is kept.
CANDIDATES = 4
# A column's prefix that says that it was measured.
PREFIX = f"{MEASURED}."


@dataclass(frozen=True)
class Sampling:
    """How the points of a condition are drawn.

    Attributes:
        count: Points per step.
        adaptive: Fraction of them that is drawn where the residual was large.
        refresh_every: Steps between two looks at the residual and the weights.
        causal: How strongly a slice of time waits for those before it; 0 for not at all.
        growth: Fraction of the run during which the time grows to its whole length; 0 for not at all.
    """

    count: int
    adaptive: float = 0.0
    refresh_every: int = 100
    causal: float = 0.0
    growth: float = 0.0


@dataclass(frozen=True)
class ConditionTerm(Term):
    """A residual that has to vanish at faces or inside.

    Attributes:
        equation: The equation.
        condition: The condition.
        streams: What it asks for.
        weight: Its weight in the loss.
        sampling: How its points are drawn.
        balance: Changes its weight in the course of the run; None for not at all.
    """

    equation: Equation
    condition: Condition
    streams: Streams
    weight: float
    sampling: Sampling
    balance: Balance | None = None

    rows = ()

    @property
    def order(self) -> int:  # type: ignore[override]
        """The highest derivative that the residual asks for."""
        return self.streams.order

    @property
    def compilable(self) -> bool:  # type: ignore[override]
        """Whether it can be compiled: torch's compiler knows no complex numbers."""
        return not self.equation.is_complex

    @property
    def refresh_every(self) -> int:  # type: ignore[override]
        """Steps between two refreshes."""
        adapts = self.sampling.adaptive > 0 or self.balance is not None
        return self.sampling.refresh_every if adapts else 0

    @property
    def _has_time(self) -> bool:
        return TIME in self.equation.domain.names and TIME not in self.condition.places

    @override
    def points(self) -> Points:
        table = {"weight": torch.tensor(float(self.weight)), "balance": torch.tensor(float("nan"))}
        if self.sampling.adaptive:
            generator = torch.Generator().manual_seed(0)
            table["hard"] = self._spread(self.sampling.count, generator, torch.float64)
        return table

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        kind = table["weight"].dtype
        coords = self._spread(self.sampling.count, generator, kind)
        if "hard" in table:
            number = round(self.sampling.adaptive * self.sampling.count)
            rows = torch.randint(len(table["hard"]), (number,), generator=generator, device=generator.device)
            coords = torch.cat([table["hard"][rows].to(kind), coords[number:]])
        if self._has_time and self.sampling.growth:
            coords = self._within(coords, progress)
        if self._is_causal:
            coords = coords[coords[:, self._time].argsort()]
        return {"coords": coords, "weight": table["weight"], "balance": table["balance"]}

    def _spread(self, count: int, generator: torch.Generator, kind: torch.dtype) -> Tensor:
        """Points that are spread evenly."""
        region = self.equation.domain
        uniform = torch.rand(
            (count, len(region.names)), generator=generator, device=generator.device, dtype=torch.float64
        )
        return self.condition.on(region, uniform).to(kind)

    @property
    def _time(self) -> int:
        return self.equation.domain.names.index(TIME)

    @property
    def _is_causal(self) -> bool:
        return self._has_time and self.sampling.causal > 0 and self.condition.name == INTERIOR

    def _within(self, coords: Tensor, progress: float) -> Tensor:
        """The points with their times shrunk to the part that the run has come to."""
        share = min(1.0, FIRST_TIME + (1 - FIRST_TIME) * progress / self.sampling.growth)
        first = self.equation.domain.lower[self._time]
        times = first + share * (coords[:, self._time] - first)
        index = torch.tensor([self._time], device=coords.device)
        return coords.index_copy(1, index, times[:, None])

    @override
    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        losses = self.residual(ask, points).square().mean(-1)  # (N,)
        if self._is_causal:
            losses = losses * self._causal_weights(losses.detach())
        balance = points["balance"]
        factor = torch.where(balance.isnan(), torch.ones_like(balance), balance)
        return {self.condition.name: points["weight"] * factor * losses.mean()}

    def residual(self, ask: Ask, points: Points) -> Tensor:
        """The residual (N, R), real parts beside imaginary ones."""
        coords = points["coords"]
        measured = {key.removeprefix(PREFIX): column for key, column in points.items() if key.startswith(PREFIX)}
        given = self.streams.computed(ask, coords, measured or None)
        found = stacked(self.condition.residual(given), self.condition.name, len(coords))
        return torch.view_as_real(found).flatten(1) if found.is_complex() else found

    def _causal_weights(self, losses: Tensor) -> Tensor:
        """exp(-causal × the sum of the losses of all earlier slices), for points in the order of time."""
        count = min(SLICES, len(losses))
        length = len(losses) // count
        means = losses[: count * length].reshape(count, length).mean(1)
        weights = torch.exp(-self.sampling.causal * (means.cumsum(0) - means))
        whole = weights.repeat_interleave(length)
        return torch.cat([whole, weights[-1].expand(len(losses) - len(whole))])

    @override
    def refresh(self, ask: Ask, points: Points, generator: torch.Generator) -> Points:
        fresh = dict(points)
        if "hard" in points:
            fresh["hard"] = self._hardest(ask, points, generator)
        if self.balance is not None:
            batch = self.draw(fresh, None, generator, 1.0)
            with torch.enable_grad():
                fresh["balance"] = self.balance.weight(
                    self.residual(ask.anew(), batch), ask.weights(), points["balance"], generator
                )
        return fresh

    def _hardest(self, ask: Ask, points: Points, generator: torch.Generator) -> Tensor:
        """Points drawn with a probability of 1/2 + |r| / (2 mean |r|) (Wu et al. 2023, RAD with k = c = 1)."""
        table = points["hard"]
        candidates = self._spread(CANDIDATES * len(table), generator, table.dtype)
        sizes = self.residual(ask.anew(), points | {"coords": candidates.to(points["weight"].dtype)}).norm(dim=-1)
        chances = (sizes / sizes.mean().clamp(min=torch.finfo(sizes.dtype).tiny) + 1).double()
        rows = torch.multinomial(chances, len(table), replacement=False, generator=generator)
        return candidates[rows]


@dataclass(frozen=True)
class MeasuredTerm(ConditionTerm):
    """A residual at measured places, all of which are in every step unless they are many.

    Attributes:
        coords: The places (M, D).
        columns: What was measured there, by name, (M,) each.
    """

    coords: NDArray = field(default_factory=lambda: np.zeros((0, 1)), compare=False)
    columns: Mapping[str, NDArray] = field(default_factory=dict, compare=False)

    @override
    def points(self) -> Points:
        measured = {f"{PREFIX}{name}": torch.from_numpy(np.asarray(each)) for name, each in self.columns.items()}
        return super().points() | {"coords": torch.from_numpy(np.asarray(self.coords))} | measured

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        rows = chosen_rows(len(table["coords"]), self.sampling.count, generator)
        if rows is None:
            return table
        whole = ("weight", "balance")
        return {name: column if name in whole else column[rows] for name, column in table.items()}
