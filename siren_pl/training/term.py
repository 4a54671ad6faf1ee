"""Terms: a term is one kind of supervision at its own points, for example data, boundary values or a penalty.

It makes a table of points once, draws a batch from it for every step, asks the fields for jets there, and turns them
into named losses. A term does not change during a fit; everything that does is in the table, so that one term serves
many signals at once, and a resumed run equals an uninterrupted one.

Letters: N points of a batch, M rows of a table, D coordinates, C channels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from siren_pl.field.jet import Groups, Jet
from siren_pl.training.ask import Ask

Points = dict[str, Tensor]
# A piece has at least 1 / SMALLEST_PIECE of the points that it may have.
SMALLEST_PIECE = 4


class Term(ABC):
    """One kind of supervision, bound to its data.

    Everything that differs between the signals of a set is in `points`. The rest (weights of penalties, stencils,
    kernels) is compared by `==`, and signals whose terms differ are fitted one after the other.

    Attributes:
        order: Highest derivative that the losses need.
        groups: Second derivatives to keep apart (see `Jet.groups`); None for the Laplacian.
        rows: Columns with one row per point; only these are drawn, cut and shuffled, the others are passed whole. A
            term without any is given its whole table at every step.
        pointwise: Whether every loss is a plain mean over the rows, so that a batch may be cut anywhere.
        mappable: Whether `evaluate` can be mapped over many signals; if not, they are fitted one after the other.
        compilable: Whether `evaluate` can be compiled; if not, steps run eagerly.
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
        """Make the table, which is moved to the device once: `coords` (M, D), targets, constants."""

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw the points of one step: `batch_size` rows with replacement, or all of a shorter table.

        A draw is mapped over many signals, so it may use tensor operations only. Anything that depends on progress must
        be a tensor in the batch, since a Python number would make the compiler start again whenever it changes.

        Args:
            table: The table that `points` or the latest `refresh` returned.
            batch_size: Number of points; None takes the whole table.
            generator: The only source of random numbers.
            progress: The fraction of the run that is done, in [0, 1).
        """
        if not self.rows:
            return table
        chosen = chosen_rows(len(table[self.rows[0]]), batch_size, generator)
        return table if chosen is None else self.taken(table, chosen)

    def taken(self, table: Points, rows: Tensor) -> Points:
        """Select rows of a table; columns without rows are kept whole."""
        return {key: column[rows] if key in self.rows else column for key, column in table.items()}

    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        """Compute named, weighted scalars whose sum is minimised; by default by asking once at `points["coords"]`."""
        residuals = self.residuals(ask, points)
        if residuals is not None:
            return {name: residual.square().mean() for name, residual in residuals.items()}
        return self.losses(ask(points["coords"], self.order, self.groups), points)

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor] | None:
        """Residuals (M, C) by name, weights included, whose mean squares are the losses; None if there are none."""
        return None

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute the named losses of a term that asks once; `jet` was evaluated at `points["coords"]`."""
        raise NotImplementedError(f"{type(self).__name__} states neither losses, residuals nor evaluate")

    def refresh(self, ask: Ask, points: Points, generator: torch.Generator) -> Points:
        """Make a new table from the old one and the fields, every `refresh_every` steps; checkpoints store it."""
        return points

    def number_of_pieces(self, points: Points, axis: int, most: int) -> int:
        """Choose the number of equal pieces, of at most `most` points each, to cut a batch into; 1 if none fits.

        Args:
            points: A drawn batch.
            axis: The axis of the points in every column of rows: 0, or 1 after the axis of many signals.
            most: Largest number of points in a piece.
        """
        return equal_pieces(points[self.rows[0]].shape[axis], most) if self.pointwise else 1

    def divides(self, points: Points, axis: int, number: int) -> bool:
        """Whether a batch may be cut into `number` pieces such that the means of their losses are its losses."""
        return self.pointwise and points[self.rows[0]].shape[axis] % number == 0

    def cut(self, points: Points, axis: int, number: int) -> list[Points]:
        """Cut a batch into equal pieces; columns without rows are in every piece."""
        chunks = {key: points[key].chunk(number, dim=axis) for key in points if key in self.rows}
        return [points | {key: column[i] for key, column in chunks.items()} for i in range(number)]


def equal_pieces(points: int, most: int) -> int:
    """Choose a number of equal pieces of at most `most` points, and not much fewer; 1 if none fits."""
    if points <= most:
        return 1
    sizes = range(most, most // SMALLEST_PIECE - 1, -1)
    return next((points // size for size in sizes if points % size == 0), 1)


def chosen_rows(count: int, batch_size: int | None, generator: torch.Generator) -> Tensor | None:
    """Draw the rows of one step among `count` with replacement; None if the batch takes them all."""
    if batch_size is None or count <= batch_size:
        return None
    return torch.randint(count, (batch_size,), generator=generator, device=generator.device)


def placed(points: Points, reference: Tensor) -> Points:
    """Move a table to the device of `reference`; floats take its type, integers (samples, row numbers) keep theirs."""
    types = {key: reference.dtype if column.is_floating_point() else column.dtype for key, column in points.items()}
    return {key: column.to(reference.device, types[key]) for key, column in points.items()}
