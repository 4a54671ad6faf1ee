"""A problem is what a task makes of its data: the fields that are looked for, how they are supervised and judged.

A task is a function from data to a problem. The trainer knows nothing else of either, and no kind of signal by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from siren_pl.field.domain import Domain
from siren_pl.field.seeds import seeded_quickly
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term

Batch = dict[str, Points]

# Primes that spread (seed, step, term) over the generator's seeds, so that no two steps of a run share a stream.
_SEED_STRIDE, _STEP_STRIDE = 10_000_019, 31


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
        judge: Compares an answer with what is known: a `Judge`, of which its own kind of problem knows more.
        baselines: Classical methods by name; each returns an answer of the same kind, or None where it has no say.
        numbers: Unknown numbers by name, and where their fit begins.
    """

    name: str
    data: str
    fields: Mapping[str, Domain]
    terms: Mapping[str, Term]
    answer: Callable[[Ask], Any]
    judge: Any
    baselines: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def domain(self) -> Domain:
        """The leading field's."""
        return next(iter(self.fields.values()))

    @property
    def order(self) -> int:
        """The highest derivative that a term asks for."""
        return max(term.order for term in self.terms.values())

    @property
    def mappable(self) -> bool:
        """Whether every term can be mapped over many signals."""
        return all(term.mappable for term in self.terms.values())

    @property
    def compilable(self) -> bool:
        """Whether every term can be compiled."""
        return all(term.compilable for term in self.terms.values())

    def is_like(self, other: Problem) -> bool:
        """Whether both differ in the tables of their terms alone, so that they can be fitted together."""
        return (self.fields, self.numbers, dict(self.terms)) == (other.fields, other.numbers, dict(other.terms))


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
