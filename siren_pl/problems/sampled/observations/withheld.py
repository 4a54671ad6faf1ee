"""What a dataset's own keys withhold from training: a random fraction of the samples, or all but every n-th."""

from __future__ import annotations

from collections.abc import Sequence

from siren_pl.errors import UserError
from siren_pl.problems.sampled.observations.base import Everything, Observation
from siren_pl.problems.sampled.observations.masks import EveryOther, RandomFraction


def withheld(heldout: float, seed: int, stride: int | Sequence[int], axes: int) -> Observation:
    """The observation of a signal if the task does not define one.

    Args:
        heldout: Fraction of the samples to withhold at random.
        seed: Seeds that choice.
        stride: Keep every `stride`-th sample along each axis; one number, or one for each axis.
        axes: Number of the signal's axes.

    Raises:
        UserError: Both are asked for, or the strides are of another number of axes.
    """
    regular = EveryOther(stride)
    withholds = any(each > 1 for each in regular.strides((1,) * axes))
    if heldout and withholds:
        names = f"dataset.heldout={heldout} and {regular.option}"
        raise UserError(f"{names} both choose what is kept from training: give one of them.")
    return RandomFraction(heldout, seed) if heldout else regular if withholds else Everything()
