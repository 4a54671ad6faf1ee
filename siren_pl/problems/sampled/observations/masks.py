"""Direct observations of some samples: a random choice, every n-th along each axis, or those of a given mask."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.field.seeds import seeded
from siren_pl.problems.sampled.observations.base import Observation, Shape

# Samples are marked this many at a time, which takes a few MB in addition to the list itself.
PORTION = 1 << 20
# Value in [-1, 1] that is shown for unobserved samples: grey.
UNKNOWN = 0.0


class Mask(Observation):
    """Direct observation of some samples."""

    def apply(self, values: Tensor) -> Tensor:
        """Select the observed samples (M, C), in the order of the grid."""
        return values[self.observed(tuple(values.shape[:-1]))]

    def read(self, picture: Tensor) -> Tensor:
        """Select the observed samples of a damaged picture."""
        return self.apply(picture)

    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """Put the data at their places, and zero elsewhere."""
        values = data.new_zeros(*shape, data.shape[-1])
        values[self.observed(shape)] = data
        return values

    def count(self, shape: Shape) -> int:
        """The number of observed samples."""
        return int(self.observed(shape).sum())

    def density(self, shape: Shape) -> float:
        """N · (observed fraction)^(1/D), with N samples along the longest axis."""
        return max(shape) * (self.count(shape) / math.prod(shape)) ** (1 / len(shape))

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """Put the data at their places, and grey elsewhere."""
        values = torch.full((*shape, data.shape[-1]), UNKNOWN, dtype=data.dtype)
        values[self.observed(shape)] = data
        return values


class RandomFraction(Mask):
    """Observation of samples that are chosen at random; the choice depends only on the seed and the shape.

    Args:
        heldout: Fraction of the samples to withhold, in [0, 1).
        seed: Seeds the choice.
        option: The option that asked for the observation.
    """

    def __init__(self, heldout: float, seed: int = 0, option: str | None = None) -> None:
        self.heldout, self.seed = heldout, seed
        self.option = option or f"dataset.heldout={heldout}"
        if not 0 <= heldout < 1:
            raise UserError(f"{self.option} must lie in [0, 1): it is the fraction kept from training.")

    @override
    def observed(self, shape: Shape) -> Tensor:
        total = math.prod(shape)
        mask = torch.ones(total, dtype=torch.bool)
        order = torch.randperm(total, generator=seeded(self.seed), dtype=row_type(total))
        for rows in order[: total - self.count(shape)].split(PORTION):
            mask[rows.long()] = False
        return mask.reshape(shape)

    @override
    def count(self, shape: Shape) -> int:
        """The number of observed samples, found without summing the mask, which would take 64-bit integers."""
        kept = math.prod(shape) - round(self.heldout * math.prod(shape))
        if kept < 1:
            raise UserError(f"{self.option} leaves no sample to train on: keep more.")
        return kept

    @override
    def density(self, shape: Shape) -> float:
        return max(shape) * (1 - self.heldout) ** (1 / len(shape))


class EveryOther(Mask):
    """Observation of every `stride`-th sample along each axis, starting with the first.

    Args:
        stride: From 1; one number, or one for each axis.
    """

    def __init__(self, stride: int | Sequence[int]) -> None:
        self.stride = stride if isinstance(stride, int) else tuple(stride)
        told = stride if isinstance(stride, int) else f"[{','.join(map(str, stride))}]"
        self.option = f"dataset.stride={told}"

    def strides(self, shape: Shape) -> tuple[int, ...]:
        """The stride along each axis.

        Raises:
            UserError: They were given for another number of axes, or leave a single sample of a sound.
        """
        strides = (self.stride,) * len(shape) if isinstance(self.stride, int) else self.stride
        if len(strides) != len(shape):
            raise UserError(
                f"{self.option} is of {len(strides)} axes, but the samples have {len(shape)}: give as many."
            )
        if len(shape) == 1 and 1 < shape[0] <= strides[0]:
            raise UserError(f"{self.option} leaves one sample of {shape[0]}: choose a smaller stride.")
        return strides

    def kept(self, shape: Shape) -> Shape:
        """Samples that are observed along each axis."""
        return tuple(-(-n // stride) for n, stride in zip(shape, self.strides(shape), strict=True))

    @override
    def observed(self, shape: Shape) -> Tensor:
        mask = torch.zeros(shape, dtype=torch.bool)
        mask[tuple(slice(None, None, stride) for stride in self.strides(shape))] = True
        return mask

    @override
    def count(self, shape: Shape) -> int:
        return math.prod(self.kept(shape))

    @override
    def density(self, shape: Shape) -> float:
        first, *others = strides = self.strides(shape)
        even = all(stride == first for stride in others)
        return max(shape) / (first if even else math.prod(strides) ** (1 / len(strides)))

    @override
    def spacing(self, shape: Shape) -> tuple[float, ...]:
        return tuple(map(float, self.strides(shape)))


class GivenMask(Mask):
    """Observation of the samples that a picture of the damage marks as known.

    Args:
        mask: Bool of the grid's shape.
        option: The option that named the picture.
    """

    def __init__(self, mask: Tensor, option: str) -> None:
        self.mask, self.option = mask, option
        if not mask.any():
            raise UserError(f"{option} knows no sample: white marks what is known; invert the mask.")

    @override
    def observed(self, shape: Shape) -> Tensor:
        """Return the mask.

        Raises:
            UserError: The mask has another size.
        """
        require_shape(self.mask, shape, self.option, "picture")
        return self.mask


def require_shape(mask: Tensor, shape: Shape, option: str, what: str) -> None:
    """Refuse a mask whose size differs from that of the picture.

    Raises:
        UserError: The sizes differ; the message names the option and both sizes.
    """
    if tuple(mask.shape) != shape:
        given, wanted = (" × ".join(map(str, size)) for size in (mask.shape, shape))
        raise UserError(
            f"{option} is of {given} pixels, but the {what} is of {wanted} (rows × columns): give a mask of the "
            f"{what}'s own size, or set dataset.size and dataset.crop so that they agree."
        )


def row_type(count: int) -> torch.dtype:
    """The smallest type that holds row numbers below `count` and in which torch can draw permutations."""
    return torch.int32 if count <= torch.iinfo(torch.int32).max else torch.int64
