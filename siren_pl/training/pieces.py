"""A large batch is worked through in pieces, one after the other or on several devices, with the gradient of the whole.

A mean over points is the mean of its pieces' means, so each piece can run backward before the next runs forward, in a
fraction of the memory; and each device may have a piece of its own.
Pieces are of one size, since a compiled loss is compiled for one.
"""

from __future__ import annotations

import torch
from torch import nn

from siren_pl.tasks.task import Batch, Task

# Points of a piece: what keeps a layer of width 256 in a processor's cache and its matrix products efficient. Measured
# on two CPU cores, pieces of 1,024 to 4,096 points are as fast as 16,384 at once.
MOST_POINTS = 4096
# An accelerator has no such cache, and every piece costs it a launch of each kernel: cut for the memory alone.
MOST_POINTS_OF_AN_ACCELERATOR = 2**18
# Small networks that share a piece out want so many points each, or they spend their time on reading weights; and
# however many there are, a piece is not larger than this.
POINTS_PER_NETWORK, MOST_SHARED_POINTS = 256, 2**16


def pieces(task: Task, batch: Batch, axis: int, networks: int = 1) -> list[Batch]:
    """The batch in equal pieces of a good size for its device, or whole (see `cut`).

    Args:
        task: Says which terms may be cut, and where.
        batch: Drawn points by term.
        axis: The axis of the points in every column.
        networks: How many small networks share out the points of a piece.
    """
    first = next(iter(batch.values()))["coords"]
    shared = min(POINTS_PER_NETWORK * networks, MOST_SHARED_POINTS)
    most = max(MOST_POINTS, shared) if first.device.type == "cpu" else MOST_POINTS_OF_AN_ACCELERATOR
    return cut(task, batch, axis, max(task.terms[name].parts(points, axis, most) for name, points in batch.items()))


def cut(task: Task, batch: Batch, axis: int, number: int) -> list[Batch]:
    """The batch in `number` equal pieces, or whole where that does not go: see `Term.pointwise`.

    Args:
        task: Says which terms may be cut, and where.
        batch: Drawn points by term.
        axis: The axis of the points in every column: 0, or 1 behind the axis of many signals.
        number: How many pieces.
    """
    if number == 1 or not all(task.terms[name].divides(points, axis, number) for name, points in batch.items()):
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
