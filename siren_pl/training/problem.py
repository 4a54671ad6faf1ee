"""A problem is what a task makes of its data: the fields to find, and how they are supervised and judged.

A task is a function from data to a problem. The trainer knows nothing else about either, and no kind of signal.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from numpy.typing import NDArray
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
    """Where data were read from.

    Attributes:
        path: The file; None if the data came from elsewhere.
        place: The file's path below the folder from which it was chosen by number; None if it was named.
    """

    path: Path | None = None
    place: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True)
class Problem:
    """Fields to find, how they are supervised and how the answer is judged.

    Attributes:
        name: The task's name in logs and directories.
        data: The name of the data.
        fields: Domains of the fields by name; the first field leads.
        terms: The supervision, by name.
        answer: The only way from the fields to the answer: `answer(ask)` settles what is global (a mean to align, a
            scale) and returns something that can be evaluated anywhere.
        judge: Compares an answer with what is known.
        baselines: Classical methods by name; each returns an answer of the same kind, or None if it does not apply.
        numbers: Initial values of the unknown numbers by name.
        given: The data as the task understands them; the configuration's classical methods are called with them.
        layout: What describes the tables beyond the domains; signals of different layouts are not fitted together.
        origin: Where the data were read from.
        probes: Makes coordinates (N, D) and evenly spaced points on a line (n, D) at which the leading field's layers
            are inspected; None if there are no such points.
        module: Makes a LightningModule from the fields and this problem; its `training_step(batch, step)` returns the
            loss in place of the terms.
        keeps: The data, and what was computed of them, as arrays that a run keeps in its directory, so that later
            commands need no other file; `dataset.restored` makes data of them. None if files are read again.
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
    keeps: Mapping[str, NDArray] | None = None

    @property
    def domain(self) -> Domain:
        """The domain of the leading field."""
        return next(iter(self.fields.values()))

    @property
    def order(self) -> int:
        """The highest order of derivatives that a term asks for."""
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
        """Whether both differ only in the tables of their terms, so that they can be fitted together."""
        mine, others = ((each.layout, each.fields, each.numbers, dict(each.terms)) for each in (self, other))
        return mine == others


def tables_of(problem: Problem) -> Batch:
    """The table of points of every term."""
    return {name: term.points() for name, term in problem.terms.items()}


def drawn(
    problem: Problem, tables: Batch, batch_size: int | None, seed: int, step: int, progress: float = 0.0
) -> Batch:
    """The batch of one step, which depends only on (seed, step) and the tables."""
    batch = {}
    for offset, (name, table) in enumerate(tables.items()):
        device = next(iter(table.values())).device
        key = (seed * _SEED_STRIDE + step) * _STEP_STRIDE + offset
        batch[name] = problem.terms[name].draw(table, batch_size, seeded_quickly(key, device), progress)
    return batch


def shuffled(problem: Problem, batch: Batch, seed: int, step: int) -> Batch:
    """The batch with the points of every pointwise term in an order that depends only on (seed, step)."""
    mixed = dict(batch)
    for name, points in batch.items():
        term = problem.terms[name]
        if term.pointwise:
            rows = points[term.rows[0]]
            generator = seeded_quickly(seed * _SEED_STRIDE + step, rows.device)
            order = torch.randperm(len(rows), generator=generator, device=rows.device)
            mixed[name] = term.taken(points, order)
    return mixed
