"""Guidance: rules that choose the gradient of an edited picture at each place among those of several pictures.

A rule takes the gradients of S pictures as one array (S, V, …, C), with V components of a gradient at each of … places
and C channels, and returns the wanted ones (V, …, C). It makes one decision for all components and channels of a place.
Deciding per channel (as Pérez, Gangnet and Blake 2003 do) would take red from one picture and green from another, which
leaves coloured fringes wherever two edges cross.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from siren_pl.errors import UserError

Rule = Callable[[Tensor], Tensor]


def weighted(weights: Sequence[float]) -> Rule:
    """Make the rule that returns the weighted sum of the gradients."""

    def rule(slopes: Tensor) -> Tensor:
        factors = slopes.new_tensor(weights)
        return torch.tensordot(factors, slopes, dims=1)

    return rule


def strongest(slopes: Tensor) -> Tensor:
    """Take the longest gradient, or the first of equally long ones.

    Pérez, Gangnet and Blake 2003, equation 12, with the length taken over all channels.
    """
    power = slopes.square().sum((1, -1), keepdim=True)  # (S, 1, …, 1)
    chosen = power.argmax(0, keepdim=True).expand(1, *slopes.shape[1:])
    return slopes.gather(0, chosen)[0]


def first(slopes: Tensor) -> Tensor:
    """Take the gradients of the first picture."""
    return slopes[0]


def checked_weights(weights: Sequence[float], pictures: int) -> list[float]:
    """Return the weights after checking them.

    Raises:
        UserError: There is not one weight per picture, one is negative, or all are zero.
    """
    if len(weights) != pictures:
        raise UserError(
            f"task.weights={list(weights)} must hold a number for each of the {pictures} pictures: the dataset's own "
            "first, then those of task.sources."
        )
    if min(weights) < 0 or sum(weights) <= 0:
        raise UserError(f"task.weights={list(weights)} must be numbers from 0, not all of them 0.")
    return [float(weight) for weight in weights]
