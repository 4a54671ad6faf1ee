"""Where the samples of a grid lie: the coordinates of pixels, voxels or time steps, and their spacing.

Coordinates are row first, (y, x) or (t, y, x), and a grid of shape (n_1, …, n_D) is flattened in that order.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError

Shape = tuple[int, ...]


class Grid(ABC):
    """A convention that places the samples of a regular grid around zero; it chooses nothing but their spacing.

    The domain is what the samples cover, sample i from i to i + 1, and its outer samples lie half a sample inside its
    edges. So grids of any size over one domain are aligned, as with `align_corners=False`.
    """

    @abstractmethod
    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        """Samples per coordinate unit along each axis: pixel derivative × this = derivative in true units."""

    def samples(self, shape: Shape) -> float:
        """Samples along two units of length, which the longest axis spans; a network's frequencies depend on this."""
        return float(max(shape))

    def axes(self, shape: Shape, size: Shape) -> list[Tensor]:
        """Float64 coordinates along each axis when the domain of a `shape` grid is sampled by `size` points."""
        return [
            (2 * torch.arange(m, dtype=torch.float64) + 1 - m) / m * (n / (2 * unit))
            for n, m, unit in zip(shape, size, self.pixels_per_unit(shape), strict=True)
        ]

    def at(self, shape: Shape, places: Sequence[Tensor]) -> list[Tensor]:
        """Float64 coordinates along each axis of places given in samples: sample i covers [i, i + 1]."""
        return [
            (2 * place.double() - n) / (2 * unit)
            for n, place, unit in zip(shape, places, self.pixels_per_unit(shape), strict=True)
        ]


@dataclass(frozen=True)
class PixelCentres(Grid):
    """Square pixels with the longer side on [-1, 1]: index i of n lies at (2i + 1 - n) / N, with N the longest axis.

    >>> [axis.tolist() for axis in PixelCentres().axes((2, 4), (2, 4))]
    [[-0.25, 0.25], [-0.75, -0.25, 0.25, 0.75]]
    >>> [axis.tolist() for axis in PixelCentres().axes((2, 4), (1, 2))]  # the same domain, half as densely
    [[0.0], [-0.5, 0.5]]
    """

    @override
    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        return (max(shape) / 2,) * len(shape)


@dataclass(frozen=True)
class PixelCorners(Grid):
    """`linspace(-1, 1, n)` along each axis, as in the SIREN paper's code; the domain ends half a sample beyond.

    >>> [axis.tolist() for axis in PixelCorners().axes((2, 5), (2, 5))]
    [[-1.0, 1.0], [-1.0, -0.5, 0.0, 0.5, 1.0]]
    """

    @override
    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        return tuple(max(n - 1, 1) / 2 for n in shape)


@dataclass(frozen=True)
class AxisExtents(Grid):
    """Axes with lengths of their own, for time is no pixel; axes without one have square pixels as in `PixelCentres`.

    Attributes:
        extents: Half the length of each axis in coordinate units, above 0; None for an axis of pixels. Networks that
            divide up the square from -1 to 1 (hash grids, tiles) want extents of at most 1.

    Raises:
        UserError: An extent is not above 0, or a grid has another number of axes.
    """

    extents: tuple[float | None, ...]

    def __post_init__(self) -> None:
        """Convert a list, as YAML gives it, to a tuple, which can be compared and hashed."""
        object.__setattr__(self, "extents", tuple(self.extents))
        if not all(extent is None or (math.isfinite(extent) and extent > 0) for extent in self.extents):
            raise UserError(f"the extents of a grid are {list(self.extents)}: each must be a positive number, or null.")

    @override
    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        if len(shape) != len(self.extents):
            raise UserError(
                f"a grid of {len(shape)} axes was given the extents {list(self.extents)}: give one for each axis, or "
                "null for an axis of pixels."
            )
        pixels = [n for n, extent in zip(shape, self.extents, strict=True) if extent is None]
        return tuple(
            max(pixels) / 2 if extent is None else n / (2 * extent)
            for n, extent in zip(shape, self.extents, strict=True)
        )

    @override
    def samples(self, shape: Shape) -> float:
        """Samples along two units of length if they were spread evenly: the geometric mean over the axes."""
        return 2 * math.prod(self.pixels_per_unit(shape)) ** (1 / len(shape))


def named(name: str) -> Grid:
    """The grid of this name: centres or corners."""
    return {"centres": PixelCentres, "corners": PixelCorners}[name]()


def coordinates(axes: Sequence[Tensor]) -> Tensor:
    """All points of the grid that the axes span, float32 (N, D), with the last axis varying fastest.

    >>> coordinates(PixelCentres().axes((2, 2), (2, 2))).tolist()
    [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]
    """
    return torch.stack([axis.reshape(-1) for axis in torch.meshgrid(*axes, indexing="ij")], dim=-1).float()


def coordinates_at(axes: Sequence[Tensor], rows: Tensor) -> Tensor:
    """Coordinates (N, D) of some rows of the flattened grid that the axes span, in the axes' type.

    This is plain arithmetic on row numbers (N,), so it can be mapped over many signals at once.
    """
    places = []
    for axis in reversed(axes):
        places.append(axis[rows % len(axis)])
        rows = rows // len(axis)
    return torch.stack(places[::-1], dim=-1)


def transform(values: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Apply one matrix (m, n) along each axis of values (n_1, …, n_D, C)."""
    for axis, matrix in enumerate(matrices):
        others = [n for i, n in enumerate(values.shape) if i != axis]
        values = (matrix @ values.movedim(axis, 0).flatten(1)).unflatten(1, others).movedim(0, axis)
    return values
