"""A large batch is worked through in pieces, one after the other or on several devices, with the gradient of the whole.

A mean over points is the mean of its pieces' means, so each piece can run backward before the next runs forward, in a
fraction of the memory; and each device may have a piece of its own.
Pieces are of one size, since a compiled loss is compiled for one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from siren_pl.training.problem import Batch, Problem

# Points of a piece: what keeps a layer of width 256 in a processor's cache and its matrix products efficient. Measured
# on two CPU cores, pieces of 1,024 to 4,096 points are as fast as 16,384 at once.
MOST_POINTS = 4096
# An accelerator has no such cache, and every piece costs it a launch of each kernel: cut for the memory alone.
MOST_POINTS_OF_AN_ACCELERATOR = 2**18
# Small networks that share a piece out want so many points each, or they spend their time on reading weights; and
# however many there are, a piece is not larger than this.
POINTS_PER_NETWORK, MOST_SHARED_POINTS = 256, 2**16


class Piece(NamedTuple):
    """A piece of a batch.

    Attributes:
        batch: Points of those terms that are cut into as many pieces.
        among: How many pieces they are cut into, of whose mean losses the loss of the batch is the mean.
    """

    batch: Batch
    among: int


def pieces(problem: Problem, batch: Batch, axis: int, networks: int = 1) -> list[Piece]:
    """The batch in pieces of a good size for its device; every term is cut into a number of its own.

    Args:
        problem: Says which terms may be cut, and where.
        batch: Drawn points by term.
        axis: The axis of the points in every column of rows.
        networks: How many small networks share out the points of a piece.
    """
    on_cpu = next(iter(next(iter(batch.values())).values())).device.type == "cpu"
    shared = min(POINTS_PER_NETWORK * networks, MOST_SHARED_POINTS)
    most = max(MOST_POINTS, shared) if on_cpu else MOST_POINTS_OF_AN_ACCELERATOR
    wanted = {name: problem.terms[name].number_of_pieces(points, axis, most) for name, points in batch.items()}
    # Terms of one number go together, so that a batch of equally large terms is evaluated once a piece.
    return [
        Piece(part, number)
        for number in sorted(set(wanted.values()))
        for part in cut(problem, {name: batch[name] for name in batch if wanted[name] == number}, axis, number)
    ]


def shares(problem: Problem, batch: Batch, axis: int, processes: int) -> list[Batch]:
    """A share of the batch for each process; all of it for every one where a term cannot be cut."""
    fits = all(problem.terms[name].divides(points, axis, processes) for name, points in batch.items())
    return cut(problem, batch, axis, processes) if fits else [batch] * processes


def cut(problem: Problem, batch: Batch, axis: int, number: int) -> list[Batch]:
    """The batch in `number` equal pieces."""
    if number == 1:
        return [batch]
    parts = {name: problem.terms[name].cut(points, axis, number) for name, points in batch.items()}
    return [{name: chunks[i] for name, chunks in parts.items()} for i in range(number)]


def average_gradients(module: nn.Module, processes: int) -> None:
    """Replace every gradient by its mean over the processes; one message for all of them."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= processes
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.reshape(gradient.shape))
