"""A problem is what a task makes of its data: the fields that are looked for, how they are supervised and judged.

A task is a function from data to a problem. The trainer knows nothing else of either, and no kind of signal by name.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from siren_pl.field.domain import Domain
from siren_pl.field.seeds import seeded_quickly
from siren_pl.training.ask import Ask
from siren_pl.training.judge import Judge
from siren_pl.training.term import Points, Term

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from siren_pl.field.networks.bundle import Bundle

Batch = dict[str, Points]

# Primes that spread (seed, step, term) over the generator's seeds, so that no two steps of a run share a stream.
_SEED_STRIDE, _STEP_STRIDE = 10_000_019, 31


class Origin(NamedTuple):
    """Where data were read.

    Attributes:
        path: Their file; None where they came from elsewhere.
        place: Its path below the folder that it was chosen from by number; None where it was named.
    """

    path: Path | None = None
    place: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True)
class Problem:
    """What is looked for, supervised and judged.

    Attributes:
        name: The task's name in logs and directories.
        data: What the data are called.
        fields: Domains of the fields by name; the first leads.
        terms: The supervision, by name.
        answer: From the fields to what was asked of them, the one way to it: `answer(ask)` settles what is global (a
            mean to align, a scale) and returns what can be evaluated anywhere.
        judge: Compares an answer with what is known.
        baselines: Classical methods by name; each returns an answer of the same kind, or None where it has no say.
        numbers: Unknown numbers by name, and where their fit begins.
        given: The data as the task understands them, with which the configuration's classical methods are called.
        layout: What the tables look like beyond the domains; signals of different layouts are not fitted together.
        origin: Where the data were read.
        probes: Makes coordinates (N, D) and evenly spaced points on a line (n, D) at which the leading field's layers
            are inspected; None where there are none.
        module: Makes of the fields and this problem a LightningModule whose `training_step(batch, step)` returns the
            loss, in place of terms.
    """

    name: str
    data: str
    fields: Mapping[str, Domain]
    terms: Mapping[str, Term]
    answer: Callable[[Ask], Any]
    judge: Judge
    baselines: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    given: Any = None
    layout: Hashable = None
    origin: Origin = NOWHERE
    probes: Callable[[], tuple[Tensor, Tensor]] | None = None
    module: Callable[[Bundle, Problem], pl.LightningModule] | None = None

    @property
    def domain(self) -> Domain:
        """The leading field's."""
        return next(iter(self.fields.values()))

    @property
    def order(self) -> int:
        """The highest derivative that a term asks for."""
        return max((term.order for term in self.terms.values()), default=0)

    @property
    def mappable(self) -> bool:
        """Whether every term can be mapped over many signals."""
        return self.module is None and all(term.mappable for term in self.terms.values())

    @property
    def compilable(self) -> bool:
        """Whether every term can be compiled."""
        return self.module is None and all(term.compilable for term in self.terms.values())

    def is_like(self, other: Problem) -> bool:
        """Whether both differ in the tables of their terms alone, so that they can be fitted together."""
        mine, others = ((each.layout, each.fields, each.numbers, dict(each.terms)) for each in (self, other))
        return mine == others


def tables_of(problem: Problem) -> Batch:
    """Every term's table of points."""
    return {name: term.points() for name, term in problem.terms.items()}


def drawn(
    problem: Problem, tables: Batch, batch_size: int | None, seed: int, step: int, progress: float = 0.0
) -> Batch:
    """The batch of one step: a function of (seed, step) and the tables alone."""
    batch = {}
    for offset, (name, table) in enumerate(tables.items()):
        device = next(iter(table.values())).device
        key = (seed * _SEED_STRIDE + step) * _STEP_STRIDE + offset
        batch[name] = problem.terms[name].draw(table, batch_size, seeded_quickly(key, device), progress)
    return batch


def shuffled(problem: Problem, batch: Batch, seed: int, step: int) -> Batch:
    """The batch with the points of every pointwise term in an order that is a function of (seed, step) alone."""
    mixed = dict(batch)
    for name, points in batch.items():
        term = problem.terms[name]
        if term.pointwise:
            rows = points[term.rows[0]]
            generator = seeded_quickly(seed * _SEED_STRIDE + step, rows.device)
            order = torch.randperm(len(rows), generator=generator, device=rows.device)
            mixed[name] = term.taken(points, order)
    return mixed
