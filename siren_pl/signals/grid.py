"""Where the samples of a grid lie: the coordinates of pixels, voxels or time steps, and their spacing.

Coordinates are row first, (y, x) or (t, y, x), and a grid of shape (n_1, …, n_D) is flattened in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Shape = tuple[int, ...]


class Grid(Protocol):
    """A convention that places the samples of a regular grid."""

    def axes(self, shape: Shape, size: Shape) -> list[Tensor]:
        """Float64 coordinates along each axis when the domain of a `shape` grid is sampled by `size` points."""
        ...

    def at(self, shape: Shape, places: Sequence[Tensor]) -> list[Tensor]:
        """Float64 coordinates along each axis of places counted in samples: sample i covers [i, i + 1]."""
        ...

    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        """Samples per coordinate unit along each axis: pixel derivative × this = derivative in true units."""
        ...


@dataclass(frozen=True)
class PixelCentres:
    """Square pixels, the longer side on [-1, 1]: index i of n lies at (2i + 1 - n) / N, N the longest axis.

    Grids of one domain at different resolutions are aligned, which corner grids are not.
    """

    def axes(self, shape: Shape, size: Shape) -> list[Tensor]:
        """See `Grid.axes`."""
        longest = max(shape)
        return [
            (2 * torch.arange(m, dtype=torch.float64) + 1 - m) / m * (n / longest)
            for n, m in zip(shape, size, strict=True)
        ]

    def at(self, shape: Shape, places: Sequence[Tensor]) -> list[Tensor]:
        """See `Grid.at`."""
        return [(2 * place.double() - n) / max(shape) for n, place in zip(shape, places, strict=True)]

    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        """See `Grid.pixels_per_unit`."""
        return (max(shape) / 2,) * len(shape)


@dataclass(frozen=True)
class PixelCorners:
    """`linspace(-1, 1, n)` along each axis, as the SIREN paper's code has it."""

    def axes(self, shape: Shape, size: Shape) -> list[Tensor]:
        """See `Grid.axes`."""
        return [torch.linspace(-1, 1, m, dtype=torch.float64) for m in size]

    def at(self, shape: Shape, places: Sequence[Tensor]) -> list[Tensor]:
        """See `Grid.at`; beyond the outer samples' centres lie coordinates beyond [-1, 1]."""
        return [(2 * place.double() - 1) / max(n - 1, 1) - 1 for n, place in zip(shape, places, strict=True)]

    def pixels_per_unit(self, shape: Shape) -> tuple[float, ...]:
        """See `Grid.pixels_per_unit`."""
        return tuple(max(n - 1, 1) / 2 for n in shape)


def coordinates(axes: Sequence[Tensor]) -> Tensor:
    """All points of the grid that the axes span, float32 (N, D), the last axis fastest."""
    return torch.stack([axis.reshape(-1) for axis in torch.meshgrid(*axes, indexing="ij")], dim=-1).float()


def coordinates_at(axes: Sequence[Tensor], rows: Tensor) -> Tensor:
    """Coordinates (N, D) of some rows of the flattened grid that the axes span, in the axes' own type.

    Plain arithmetic on row numbers (N,), so that it can be mapped over many signals at once.
    """
    places = []
    for axis in reversed(axes):
        places.append(axis[rows % len(axis)])
        rows = rows // len(axis)
    return torch.stack(places[::-1], dim=-1)
