"""A term is one kind of supervision at its own points: data, boundary values or a penalty, each by itself.

It owns a table of points, made once, draws a batch of them for every step, asks the fields for jets there, and turns
them into named losses. Nothing in a term changes while it is fitted: what does stands in the table, so that one term
serves many signals at once, and a resumed run equals an uninterrupted one.

Letters: N points of a batch, M rows of a table, D coordinates, C channels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from siren_pl.field.jet import Groups, Jet
from siren_pl.training.ask import Ask

Points = dict[str, Tensor]
# A piece has at least this fraction of the points that it may have.
SMALLEST_PIECE = 4


class Term(ABC):
    """One kind of supervision, bound to its data.

    Everything that differs between the signals of a set stands in `points`; what is left (weights of penalties,
    stencils, kernels) is compared by `==`, and signals whose terms differ are fitted one after the other.

    Attributes:
        order: Highest derivative that the losses need.
        groups: Second derivatives to keep apart (see `Jet.groups`); None for the Laplacian.
        rows: Columns with one row per point, which alone are drawn, cut and shuffled; every other is passed whole.
        pointwise: Whether every loss is a plain mean over the rows, so that a batch may be cut anywhere.
        mappable: Whether `evaluate` can be mapped over many signals; where not, they are fitted one after the other.
        compilable: Whether `evaluate` can be compiled; where not, the step runs eagerly.
        refresh_every: Steps between two calls of `refresh`; 0 for never.
    """

    order: int = 0
    groups: Groups | None = None
    rows: tuple[str, ...] = ("coords",)
    pointwise: bool = False
    mappable: bool = True
    compilable: bool = True
    refresh_every: int = 0

    @abstractmethod
    def points(self) -> Points:
        """Everything that is known, moved to the device once: `coords` (M, D), targets, constants."""

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """One step's points: `batch_size` rows, drawn with replacement; None or a short table takes all.

        Draws are mapped over many signals, so they consist of tensor operations. What depends on progress is a tensor
        in the batch: a compiled loss would be compiled anew for every other number.

        Args:
            table: What `points` returned, or the last `refresh`.
            batch_size: Points wanted.
            generator: The only source of chance.
            progress: Fraction of the run that is done, in [0, 1).
        """
        chosen = chosen_rows(len(table[self.rows[0]]), batch_size, generator)
        return table if chosen is None else self.taken(table, chosen)

    def taken(self, table: Points, rows: Tensor) -> Points:
        """Some rows of a table, and everything that has no rows."""
        return {key: column[rows] if key in self.rows else column for key, column in table.items()}

    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        """Named, weighted scalars whose sum is minimised; by default of one question at `points["coords"]`."""
        residuals = self.residuals(ask, points)
        if residuals is not None:
            return {name: residual.square().mean() for name, residual in residuals.items()}
        return self.losses(ask(points["coords"], self.order, self.groups), points)

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor] | None:
        """Residuals (M, C) by name, weights inside, whose mean squares are the losses; None where there are none."""
        return None

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Named losses of a term that asks once; `jet` was evaluated at `points["coords"]`."""
        raise NotImplementedError(f"{type(self).__name__} states neither losses, residuals nor evaluate")

    def refresh(self, ask: Ask, points: Points, generator: torch.Generator) -> Points:
        """A new table from the old one and the fields, every `refresh_every` steps; it stands in the checkpoint."""
        return points

    def number_of_pieces(self, points: Points, axis: int, most: int) -> int:
        """How many equal pieces of at most `most` points a batch is best worked through in; 1 where none fit.

        Args:
            points: A drawn batch.
            axis: The axis of the points in every column of rows: 0, or 1 behind the axis of many signals.
            most: Points of a piece.
        """
        return equal_pieces(points[self.rows[0]].shape[axis], most) if self.pointwise else 1

    def divides(self, points: Points, axis: int, number: int) -> bool:
        """Whether a batch may be cut into `number` pieces, whose mean losses are the losses of the whole."""
        return self.pointwise and points[self.rows[0]].shape[axis] % number == 0

    def cut(self, points: Points, axis: int, number: int) -> list[Points]:
        """A batch in equal pieces; what has no rows is in every one of them."""
        chunks = {key: points[key].chunk(number, dim=axis) for key in points if key in self.rows}
        return [points | {key: column[i] for key, column in chunks.items()} for i in range(number)]


def equal_pieces(points: int, most: int) -> int:
    """How many equal pieces of at most `most` points, and not much fewer, a batch is cut into; 1 where none fit."""
    if points <= most:
        return 1
    sizes = range(most, most // SMALLEST_PIECE - 1, -1)
    return next((points // size for size in sizes if points % size == 0), 1)


def chosen_rows(count: int, batch_size: int | None, generator: torch.Generator) -> Tensor | None:
    """The rows of one step among `count`, drawn with replacement; None where a batch takes them all."""
    if batch_size is None or count <= batch_size:
        return None
    return torch.randint(count, (batch_size,), generator=generator, device=generator.device)


def placed(points: Points, reference: Tensor) -> Points:
    """A table on the device of `reference`: floats of its type, integers (stored samples, row numbers) of their own."""
    types = {key: reference.dtype if column.is_floating_point() else column.dtype for key, column in points.items()}
    return {key: column.to(reference.device, types[key]) for key, column in points.items()}
