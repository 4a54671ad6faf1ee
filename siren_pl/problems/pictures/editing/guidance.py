"""Guidance: which slopes an edited picture shall have, chosen among those of several pictures, place by place.

A rule sees the slopes of S pictures as one array (S, V, …, C): V components of a gradient at each of … places, C
channels, and returns those that are wanted (V, …, C). One decision is made for all components and channels of a place:
deciding per channel (as Pérez, Gangnet and Blake 2003 do) would take red from one picture and green from another, which
leaves coloured fringes wherever two edges cross.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from siren_pl.errors import UserError

Rule = Callable[[Tensor], Tensor]


def weighted(weights: Sequence[float]) -> Rule:
    """The sum of the slopes, each picture's times its weight."""

    def rule(slopes: Tensor) -> Tensor:
        factors = slopes.new_tensor(weights)
        return torch.tensordot(factors, slopes, dims=1)

    return rule


def strongest(slopes: Tensor) -> Tensor:
    """The slopes of the picture whose gradient is longest, over all channels; of the first where they are equal.

    Pérez, Gangnet and Blake 2003, equation 12, with the length taken over all channels.
    """
    power = slopes.square().sum((1, -1), keepdim=True)  # (S, 1, …, 1)
    chosen = power.argmax(0, keepdim=True).expand(1, *slopes.shape[1:])
    return slopes.gather(0, chosen)[0]


def first(slopes: Tensor) -> Tensor:
    """The slopes of the first picture."""
    return slopes[0]


def checked_weights(weights: Sequence[float], pictures: int) -> list[float]:
    """The weights, one for each picture.

    Raises:
        UserError: There are more or fewer, one is negative, or all are zero.
    """
    if len(weights) != pictures:
        raise UserError(
            f"task.weights={list(weights)} must hold a number for each of the {pictures} pictures: the dataset's own "
            "first, then those of task.sources."
        )
    if min(weights) < 0 or sum(weights) <= 0:
        raise UserError(f"task.weights={list(weights)} must be numbers from 0, not all of them 0.")
    return [float(weight) for weight in weights]
