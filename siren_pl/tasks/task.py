"""A task says what of the field is supervised and how the result is judged; a trainer knows nothing else of it.

A task is a set of named terms. Each term owns a table of points (coordinates and targets by name), asks for a jet
of some order there, and turns jet and targets into named losses; so data, boundary values and priors live side by
side. Batches are drawn from (seed, step) alone, which makes a resumed run equal an uninterrupted one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.jet import Groups, Jet
from siren_pl.seeds import seeded_quickly
from siren_pl.signals.sampled import MOST_NUMBERS, SampledSignal

Points = dict[str, Tensor]
Batch = dict[str, Points]
Metrics = dict[str, float]
# A piece has at least this fraction of the points that it may have.
SMALLEST_PART = 4
Judge = Callable[[Tensor, SampledSignal], Metrics]
# From values (H, W, C) in [-1, 1], aligned as the task has it, to titles and pixels in [0, 1].
Panels = Callable[[Tensor, SampledSignal], "list[tuple[str, NDArray[np.float64]]]"]


def _true_units(signal: SampledSignal) -> float:
    return 1.0


class Term(ABC):
    """One kind of supervision, at its own points.

    Attributes:
        order: Highest derivative that the losses need.
        groups: Second derivatives to keep apart (see `Jet.groups`); None for the Laplacian.
        pointwise: Whether every column of a batch has a row per point and every loss is a plain mean over them, so
            that a large batch may be worked through in pieces.
    """

    order: int = 0
    groups: Groups | None = None
    pointwise: bool = False

    @abstractmethod
    def points(self, signal: SampledSignal) -> Points:
        """Everything that is known, moved to the device once: `coords` (M, D) and targets of M rows each."""

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator) -> Points:
        """One step's points: `batch_size` rows, drawn with replacement; None or a short table takes all."""
        rows = chosen_rows(len(table["coords"]), batch_size, generator)
        return table if rows is None else {key: column[rows] for key, column in table.items()}

    def matters(self, signal: SampledSignal) -> bool:
        """Whether this term has any weight for a signal; one without is not evaluated."""
        return True

    def parts(self, points: Points, axis: int, most: int) -> int:
        """How many equal pieces of at most `most` points a batch is best worked through in; 1 where none fit.

        Args:
            points: A drawn batch.
            axis: The axis of the points in every column: 0, or 1 behind the axis of many signals.
            most: Points of a piece.
        """
        return equal_parts(points["coords"].shape[axis], most) if self.pointwise else 1

    def divides(self, points: Points, axis: int, number: int) -> bool:
        """Whether a batch may be cut into `number` pieces, whose mean losses are the losses of the whole."""
        return self.pointwise and points["coords"].shape[axis] % number == 0

    @abstractmethod
    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Named, weighted scalars whose sum is minimised; `jet` was evaluated at `points["coords"]`."""


def equal_parts(points: int, most: int) -> int:
    """How many equal pieces of at most `most` points, and not much fewer, a batch is cut into; 1 where none fit."""
    if points <= most:
        return 1
    sizes = range(most, most // SMALLEST_PART - 1, -1)
    return next((points // size for size in sizes if points % size == 0), 1)


def chosen_rows(count: int, batch_size: int | None, generator: torch.Generator) -> Tensor | None:
    """The rows of one step among `count`, drawn with replacement; None where a batch takes them all."""
    if batch_size is None or count <= batch_size:
        return None
    return torch.randint(count, (batch_size,), generator=generator, device=generator.device)


def require_whole(signal: SampledSignal) -> None:
    """Refuse a signal whose derivatives, computed of all samples at once and in double precision, would fill memory."""
    if signal.is_large:
        size = " × ".join(map(str, signal.shape))
        raise UserError(
            f"{signal.name} has {size} samples of {signal.out_features} channels: derivatives are supervised on "
            f"signals of up to {MOST_NUMBERS} numbers. Choose a smaller dataset.size, a dataset.crop, or image_fit."
        )


def placed(points: Points, reference: Tensor) -> Points:
    """A table on the device of `reference`: floats of its type, integers (stored samples, row numbers) of their own."""
    types = {key: reference.dtype if column.is_floating_point() else column.dtype for key, column in points.items()}
    return {key: column.to(reference.device, types[key]) for key, column in points.items()}


@dataclass(frozen=True)
class Task:
    """What is supervised, and how the result is judged.

    Attributes:
        name: The task's name in logs and directories.
        terms: The supervision, by name.
        judge: `judge(values_on_grid, signal) -> metrics`, for the field and for every baseline alike. Values are
            (n_1, …, n_D, C) in [-1, 1].
        align: Brings values to the signal where the task leaves something open (a constant), for pictures and for
            the PSNR shown in progress; the identity for most tasks.
        stencils: Names of the stencils against which the field's gradient and Laplacian are scored and drawn: the
            supervised one where there is one, else those of the SIREN paper.
        panels: Further pictures that tell how a result came about, with their titles; None where the reconstruction
            says it all.
        value_scale: The field is the signal times `value_scale(signal)`: 1, except where targets are in the units of
            the SIREN paper's code.
    """

    name: str
    terms: Mapping[str, Term]
    judge: Judge
    align: Callable[[Tensor, SampledSignal], Tensor]
    value_scale: Callable[[SampledSignal], float] = _true_units
    stencils: tuple[str, str] = ("sobel", "laplace")
    panels: Panels | None = None

    def for_signal(self, signal: SampledSignal) -> Task:
        """The same task without the terms that do not matter to a signal."""
        return replace(self, terms={name: term for name, term in self.terms.items() if term.matters(signal)})

    def tables(self, signal: SampledSignal) -> Batch:
        """Every term's table of points."""
        return {name: term.points(signal) for name, term in self.terms.items()}

    def draw(self, tables: Batch, batch_size: int | None, seed: int, step: int) -> Batch:
        """The batch of one step: a function of (seed, step) alone."""
        batch = {}
        for offset, (name, table) in enumerate(tables.items()):
            device = next(iter(table.values())).device
            key = (seed * _SEED_STRIDE + step) * _STEP_STRIDE + offset
            batch[name] = self.terms[name].draw(table, batch_size, seeded_quickly(key, device))
        return batch

    def shuffled(self, batch: Batch, seed: int, step: int) -> Batch:
        """The batch with the points of every pointwise term in an order that is a function of (seed, step) alone."""
        mixed = dict(batch)
        for name, points in batch.items():
            if self.terms[name].pointwise:
                coords = points["coords"]
                generator = seeded_quickly(seed * _SEED_STRIDE + step, coords.device)
                order = torch.randperm(len(coords), generator=generator, device=coords.device)
                mixed[name] = {key: column[order] for key, column in points.items()}
        return mixed

    def losses(self, jets: dict[str, Jet], batch: Batch) -> dict[str, Tensor]:
        """Every named loss at this batch."""
        found: dict[str, Tensor] = {}
        for name, term in self.terms.items():
            found.update(term.losses(jets[name], batch[name]))
        return found


# Primes that spread (seed, step, term) over the generator's seeds, so that no two steps of a run share a stream.
_SEED_STRIDE, _STEP_STRIDE = 10_000_019, 31
