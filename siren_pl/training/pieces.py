"""A large batch is worked through in pieces, one after the other or on several devices, with the gradient of the whole.

A mean over points is the mean of its pieces' means, so each piece can run backward before the next runs forward, in a
fraction of the memory; and each device may have a piece of its own.
Pieces are of one size, since a compiled loss is compiled for one.
"""

from __future__ import annotations

import torch
from torch import nn

from siren_pl.tasks.task import Batch, Task

# Points of a piece: at most what keeps a layer of width 256 in a processor's cache, and at least what keeps its matrix
# products efficient. Measured on two CPU cores, pieces of 1,024 to 4,096 points are as fast as 16,384 at once.
MOST_POINTS, FEWEST_POINTS = 4096, 1024
# An accelerator has no such cache, and every piece costs it a launch of each kernel: cut for the memory alone.
MOST_POINTS_OF_AN_ACCELERATOR = 2**18


def count(points: int, most: int = MOST_POINTS) -> int:
    """How many equal pieces of at most `most` points a batch is cut into; 1 where none fit."""
    if points <= most:
        return 1
    sizes = range(most, FEWEST_POINTS - 1, -1)
    return next((points // size for size in sizes if points % size == 0), 1)


def pieces(task: Task, batch: Batch, axis: int) -> list[Batch]:
    """The batch in equal pieces of a good size for its device, or whole (see `cut`)."""
    coords = [points["coords"] for points in batch.values()]
    most = MOST_POINTS if coords[0].device.type == "cpu" else MOST_POINTS_OF_AN_ACCELERATOR
    return cut(task, batch, axis, count(max(points.shape[axis] for points in coords), most))


def cut(task: Task, batch: Batch, axis: int, number: int) -> list[Batch]:
    """The batch in `number` equal pieces, or whole where that does not go: see `Term.pointwise`.

    Args:
        task: Says which terms are means over points.
        batch: Drawn points by term.
        axis: The axis of the points in every column: 0, or 1 behind the axis of many signals.
        number: How many pieces.
    """
    sizes = {name: points["coords"].shape[axis] for name, points in batch.items()}
    if number == 1 or any(size % number or not task.terms[name].pointwise for name, size in sizes.items()):
        return [batch]
    parts = {
        name: {key: column.chunk(number, dim=axis) for key, column in points.items()} for name, points in batch.items()
    }
    return [
        {name: {key: columns[i] for key, columns in points.items()} for name, points in parts.items()}
        for i in range(number)
    ]


def average_gradients(network: nn.Module, processes: int) -> None:
    """Replace every gradient by its mean over the processes; one message for all of them."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= processes
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.reshape(gradient.shape))
