"""A large batch is worked through in pieces: the same gradient from a fraction of the memory.

A mean over points is the mean of its pieces' means, so each piece can run backward before the next runs forward.
Pieces are of one size, since a compiled loss is compiled for one.
"""

from __future__ import annotations

from siren_pl.tasks.task import Batch, Task

# Points of a piece: at most what keeps a layer of width 256 in a processor's cache, and at least what keeps its matrix
# products efficient. Measured on two CPU cores, pieces of 1,024 to 4,096 points are as fast as 16,384 at once.
MOST_POINTS, FEWEST_POINTS = 4096, 1024


def count(points: int) -> int:
    """How many equal pieces a batch is cut into; 1 where none fit."""
    sizes = range(min(points, MOST_POINTS), FEWEST_POINTS - 1, -1)
    return next((points // size for size in sizes if points % size == 0), 1)


def pieces(task: Task, batch: Batch, axis: int) -> list[Batch]:
    """The batch in equal pieces, or whole where a term's losses couple its points.

    Args:
        task: Says which terms are means over points.
        batch: Drawn points by term.
        axis: The axis of the points in every column: 0, or 1 behind the axis of many signals.
    """
    sizes = {name: points["coords"].shape[axis] for name, points in batch.items()}
    number = count(max(sizes.values()))
    if number == 1 or any(size % number or not task.terms[name].pointwise for name, size in sizes.items()):
        return [batch]
    cut = {
        name: {key: column.chunk(number, dim=axis) for key, column in points.items()} for name, points in batch.items()
    }
    return [
        {name: {key: parts[i] for key, parts in columns.items()} for name, columns in cut.items()}
        for i in range(number)
    ]
