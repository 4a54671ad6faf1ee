"""Enlargement: a field is fitted to a smaller picture *through* the operator that made it smaller.

A coarse sample is a weighted mean of the fine picture around it. So the field is evaluated around it too, and its mean
with the weights of the same kernel is compared with the sample. If the field were fitted to coarse samples at their
centres instead, the result would contain the blur of the measurement.

The field is evaluated on a lattice of a few points per coarse sample, shifted at random at every step. What aliases on
one lattice is noise on the next, so no frequency can hide between its points. Every step covers the whole picture,
since steps on patches would pull the field to and fro. To limit memory, the picture is divided into tiles that are
evaluated one after another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.field.jet import Jet
from siren_pl.problems.operators import Downsampling
from siren_pl.problems.operators.downsampling import reflected_places
from siren_pl.problems.operators.kernels import Kernel
from siren_pl.problems.sampled.observations import Observation
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.term import Points, Term

# Lattice points per coarse sample along an axis: two resolve frequencies up to an octave above the coarse grid.
LATTICE = 2.0
# Most coarse samples along a side of a tile: the kernel's margin around it then adds a tenth to the cost.
TILE = 64

# Compares the observed field with the data, both (B, p_1, …, p_D, C) in [-1, 1] for B tiles.
Distance = Callable[[Tensor, Tensor], Tensor]


def downsampling_of(observation: Observation) -> Downsampling:
    """The downsampling in an observation, without noise.

    Raises:
        UserError: The observation is of another kind.
    """
    if not isinstance(observation, Downsampling):
        raise UserError(f"task=super_resolution measures a smaller picture; {observation.option} is of another task.")
    return observation


@dataclass(frozen=True)
class EnlargementTerm(Term):
    """The mean squared error between the data and the field, observed in the same way.

    Attributes:
        signal: The unknown picture, measured through a `Downsampling`.
        kernel: The kernel of the downsampling.
        distances: Additional weighted comparisons by name, such as a perceptual one.
        lattice: Lattice points per coarse sample along an axis.
    """

    signal: SampledSignal = field(compare=False)
    kernel: Kernel
    distances: Mapping[str, tuple[float, Distance]] = field(default_factory=dict)
    lattice: float = LATTICE

    @property
    @override
    def rows(self) -> tuple[str, ...]:  # type: ignore[override] - every axis has weights of its own
        """The columns whose rows are tiles, or points of tiles."""
        return ("data", "coords", *(f"weights_{axis}" for axis in range(self.signal.in_features)))

    def points(self) -> Points:
        """Make the table: the data (m_1, …, m_D, C), and half of the fine picture's extent along each axis (D,)."""
        return {"data": self.signal.measured.float(), "extent": torch.tensor(self.signal.extent)}

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw a lattice over the whole picture, whatever the batch size.

        Returns:
            `coords` (N, D), ordered by tile; `data` (B, p_1, …, p_D, C); per axis `weights_0` … (B, p, n).
        """
        data, extent = table["data"], table["extent"]
        coarse = tuple(data.shape[:-1])
        starts, sides = tiles(coarse, data.device)
        axes, rows, weights = [], [], {}
        for axis, (m, side) in enumerate(zip(coarse, sides, strict=True)):
            # The type is always float32, so that fits in every precision use the same lattices.
            shift = torch.rand(1, generator=generator, device=data.device, dtype=torch.float32)
            places = self._places(side, starts[:, axis], shift)
            rows.append(starts[:, axis, None] + torch.arange(side, device=data.device))
            weights[f"weights_{axis}"] = self.kernel.weights(places, rows[-1] + 0.5).to(data)
            axes.append(((2 * reflected_places(places, m) / m - 1) * extent[axis]).to(data))
        return {"coords": _spanned(axes), "data": _tiled(data, rows), **weights}

    @override
    def number_of_pieces(self, points: Points, axis: int, most: int) -> int:
        """One piece per tile."""
        return points["data"].shape[axis]

    @override
    def divides(self, points: Points, axis: int, number: int) -> bool:
        """Whether the batch may be cut into `number` pieces; cuts are between tiles only."""
        return points["data"].shape[axis] % number == 0

    def _places(self, side: int, start: Tensor, shift: Tensor) -> Tensor:
        """Lattice places (B, n), in coarse samples, which cover the kernels of `side` samples from each start (B,)."""
        radius = self.kernel.radius
        count = math.ceil((side - 1 + 2 * radius) * self.lattice) + 1
        steps = torch.arange(count, device=start.device)
        return (start + 0.5 - radius)[:, None] + (steps + shift - 1) / self.lattice

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `value`, and the additional distances by name."""
        data = points["data"]
        weights = [points[f"weights_{axis}"] for axis in range(data.dim() - 2)]
        seen = jet.value.reshape(len(data), *(matrix.shape[-1] for matrix in weights), data.shape[-1])
        for axis, matrix in enumerate(weights, start=1):
            seen = torch.einsum("bpn,bn...->bp...", matrix, seen.movedim(axis, 1)).movedim(1, axis)
        found = {"value": (seen - data).square().mean()}
        return found | {name: weight * distance(seen, data) for name, (weight, distance) in self.distances.items()}


def enlargement_term(
    signal: SampledSignal, distances: Mapping[str, tuple[float, Distance]], lattice: float
) -> EnlargementTerm:
    """Make the term of a signal that was observed by downsampling.

    Raises:
        UserError: The observation is of another kind.
    """
    return EnlargementTerm(signal, downsampling_of(signal.observation).kernel, distances, lattice)


def tiles(coarse: tuple[int, ...], device: torch.device) -> tuple[Tensor, tuple[int, ...]]:
    """Cover a coarse picture with tiles; return their first samples (B, D), and the number of samples along each side.

    The number of tiles along an axis is a power of two, so that the points of a penalty can be divided equally.
    """
    starts, sides = [], []
    for m in coarse:
        count = 2 ** max(0, math.ceil(math.log2(m / TILE)))
        side = -(-m // count)
        sides.append(side)
        starts.append(torch.linspace(0, m - side, count, device=device).round().long())
    return torch.cartesian_prod(*starts).reshape(-1, len(coarse)), tuple(sides)


def _spanned(axes: list[Tensor]) -> Tensor:
    """The points (N, D) of B grids, each of which is spanned by its own axes (B, n_d)."""
    count, dimensions = len(axes[0]), len(axes)
    sizes = [axis.shape[1] for axis in axes]
    shaped = [
        axis.reshape(count, *(-1 if i == d else 1 for i in range(dimensions))).expand(count, *sizes)
        for d, axis in enumerate(axes)
    ]
    return torch.stack(shaped, dim=-1).reshape(-1, dimensions)


def _tiled(data: Tensor, rows: list[Tensor]) -> Tensor:
    """Select tiles (B, p_1, …, p_D, C) of data by the sample numbers (B, p_d) along each axis."""
    count, dimensions = len(rows[0]), len(rows)
    index = [row.reshape(count, *(-1 if i == d else 1 for i in range(dimensions))) for d, row in enumerate(rows)]
    return data[tuple(index)]
