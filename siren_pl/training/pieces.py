"""Pieces of a large batch, evaluated one after the other or on several devices, with the gradient of the whole batch.

A mean over points is the mean of the means of equal pieces. Each piece can therefore run backward before the next runs
forward, which takes a fraction of the memory, and each device can have its own piece.
All pieces have the same size, since a compiled loss is compiled for one size.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from siren_pl.training.problem import Batch, Problem

# Points of a piece. A layer of width 256 then fits into a processor's cache, and its matrix products are efficient. On
# two CPU cores, pieces of 1,024 to 4,096 points are as fast as 16,384 at once.
MOST_POINTS = 4096
# An accelerator has no such cache, and each piece costs it a launch of every kernel, so only memory limits its pieces.
MOST_POINTS_OF_AN_ACCELERATOR = 2**18
# If the points of a piece are divided among small networks, each needs this many, or it spends its time on reading
# weights. The second number is the largest size of such a piece, however many networks there are.
POINTS_PER_NETWORK, MOST_SHARED_POINTS = 256, 2**16


class Piece(NamedTuple):
    """A piece of a batch.

    Attributes:
        batch: Points of the terms that are cut into `among` pieces.
        among: Number of these pieces; the loss of the batch is the mean of their losses.
    """

    batch: Batch
    among: int


def pieces(problem: Problem, batch: Batch, axis: int, networks: int = 1) -> list[Piece]:
    """Cut the batch into pieces that suit its device; the number of pieces differs from term to term.

    Args:
        problem: Knows which terms may be cut, and where.
        batch: Drawn points by term.
        axis: The axis of the points in every column of rows.
        networks: Number of small networks among which the points of a piece are divided.
    """
    on_cpu = next(iter(next(iter(batch.values())).values())).device.type == "cpu"
    shared = min(POINTS_PER_NETWORK * networks, MOST_SHARED_POINTS)
    most = max(MOST_POINTS, shared) if on_cpu else MOST_POINTS_OF_AN_ACCELERATOR
    wanted = {name: problem.terms[name].number_of_pieces(points, axis, most) for name, points in batch.items()}
    # Terms that are cut into equally many pieces are evaluated together.
    return [
        Piece(part, number)
        for number in sorted(set(wanted.values()))
        for part in cut(problem, {name: batch[name] for name in batch if wanted[name] == number}, axis, number)
    ]


def shares(problem: Problem, batch: Batch, axis: int, processes: int) -> list[Batch]:
    """Cut the batch into a share per process; if a term cannot be cut, every process gets the whole batch."""
    fits = all(problem.terms[name].divides(points, axis, processes) for name, points in batch.items())
    return cut(problem, batch, axis, processes) if fits else [batch] * processes


def cut(problem: Problem, batch: Batch, axis: int, number: int) -> list[Batch]:
    """Cut the batch into `number` equal pieces."""
    if number == 1:
        return [batch]
    parts = {name: problem.terms[name].cut(points, axis, number) for name, points in batch.items()}
    return [{name: chunks[i] for name, chunks in parts.items()} for i in range(number)]


def average_gradients(module: nn.Module, processes: int) -> None:
    """Replace every gradient by its mean over the processes, with a single message for all gradients."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= processes
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.reshape(gradient.shape))
