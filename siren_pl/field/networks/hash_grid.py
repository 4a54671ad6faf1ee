"""A multi-resolution hash grid: trained features at the corners of grid cells are interpolated and fed to a perceptron.

Müller et al., SIGGRAPH 2022 (arXiv 2201.05989), in plain PyTorch. Between grid lines the features are multilinear, so
that the field has a gradient but no useful second derivative.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from siren_pl.field import jet
from siren_pl.field.activations import RELU
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks.encodings import Encoding
from siren_pl.field.networks.mlp import KAIMING, Mlp
from siren_pl.field.seeds import seeded

# From the paper: multipliers of the spatial hash (equation 4), and the range of initial features (section 4).
PRIMES = (1, 2_654_435_761, 805_459_861)
FEATURE_BOUND = 1e-4


def finest_rule(domain: Domain) -> float:
    """`model.finest=auto`: one grid line per sample."""
    return domain.resolution


class HashGridEncoding(Encoding):
    """Compute the features (features × levels) of points; all levels at once.

    Args:
        in_features: Number of coordinates, at most 3.
        levels: Number of grids; their cells along the longest axis grow geometrically from `coarsest` to `finest`.
        features: Numbers per corner.
        table_size: Largest number of corners that a level stores; a finer level hashes its corners into as many.
        coarsest: Cells of the first level.
        finest: Cells of the last.
        generator: Draws the features.
    """

    cells: Tensor
    sizes: Tensor
    starts: Tensor

    def __init__(
        self,
        in_features: int,
        levels: int,
        features: int,
        table_size: int,
        coarsest: float,
        finest: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        growth = (max(finest, coarsest) / coarsest) ** (1 / max(levels - 1, 1))
        # Without the small number, rounding could cost the last level a cell.
        cells = [math.floor(coarsest * growth**level + 1e-6) for level in range(levels)]
        sizes = [min((count + 1) ** in_features, table_size) for count in cells]
        starts = list(itertools.accumulate(sizes, initial=0))
        for name, numbers in (("cells", cells), ("sizes", sizes), ("starts", starts[:-1])):
            self.register_buffer(name, torch.tensor(numbers), persistent=False)
        self.in_features, self.out_features = in_features, levels * features
        table = torch.empty(features, starts[-1]).uniform_(-FEATURE_BOUND, FEATURE_BOUND, generator=generator)
        self.table = nn.Parameter(table)

    def forward(self, coords: Tensor | Jet) -> Any:
        """Interpolate at coords (..., N, D) in [-1, 1].

        Raises:
            ValueError: `coords` is a jet of order 2.
        """
        if isinstance(coords, Jet) and coords.order > 1:
            raise ValueError(
                "a hash grid is linear between its grid lines and has no second derivative: train it on values or "
                "gradients, or choose another model for a Laplacian."
            )
        value = (coords.value if isinstance(coords, Jet) else coords).detach()
        half = self.cells.to(value) / 2
        corners, sides = [], []  # by axis: cell numbers (..., N, L), and positions within the cell, 0 to 1
        for axis in range(self.in_features):
            scale = torch.zeros_like(half)[:, None].repeat(1, self.in_features)
            scale[:, axis] = half
            position = jet.linear(coords, scale, half)
            whole = (position.value if isinstance(position, Jet) else position).detach().floor()
            whole = torch.minimum(whole.clamp(min=0), 2 * half - 1)
            corners.append(whole.long())
            sides.append(jet.add(position, -whole))
        one = torch.ones_like(half)
        weights = [(jet.add(jet.multiply(side, -one), one), side) for side in sides]
        return jet.concat([self._interpolated(column, corners, weights) for column in self.table])

    def _interpolated(self, column: Tensor, corners: list[Tensor], weights: list[tuple[Any, Any]]) -> Any:
        """One feature at all levels (..., N, L): the sum over corners of its value times the product of the weights."""
        total: Any = None
        for offsets in itertools.product((0, 1), repeat=self.in_features):
            rows = self._rows([corner + offset for corner, offset in zip(corners, offsets, strict=True)])
            # The backward pass of `gather` adds in place, on a CPU a hundred times faster than that of indexing.
            term: Any = column.gather(0, rows.flatten()).reshape(rows.shape)
            for pair, offset in zip(weights, offsets, strict=True):
                term = jet.multiply(pair[offset], term)
            total = term if total is None else jet.add(total, term)
        return total

    def _rows(self, corners: list[Tensor]) -> Tensor:
        """Rows of the table for corners (..., N, L) by axis: numbered in order on levels that fit, hashed on others."""
        counted, hashed = torch.zeros_like(corners[0]), torch.zeros_like(corners[0])
        for corner, prime in zip(corners, PRIMES, strict=False):
            counted = counted * (self.cells + 1) + corner
            hashed = hashed ^ (corner * prime)
        fits = (self.cells + 1) ** self.in_features <= self.sizes
        return self.starts + torch.where(fits, counted, hashed % self.sizes)


class HashGrid(Mlp):
    """The field of instant neural graphics primitives: the grid's features through a small ReLU perceptron.

    Args:
        in_features: Number of coordinates, at most 3.
        out_features: Number of channels.
        hidden_features: Width of the perceptron.
        hidden_layers: Its hidden-to-hidden layers.
        levels: Number of grids (see `HashGridEncoding` for this and the next four).
        features: Numbers per corner.
        table_size: Largest number of corners that a level stores.
        coarsest: Cells of the coarsest grid.
        finest: Cells of the finest.
        init: Draws the perceptron; defaults to He's.
        seed: Seeds everything.
    """

    highest_order = 1
    bounded = True
    tables = ("encoding.table",)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_features: int = 64,
        hidden_layers: int = 1,
        levels: int = 16,
        features: int = 2,
        table_size: int = 2**14,
        coarsest: float = 16.0,
        finest: float = 256.0,
        init: Init | None = None,
        seed: int = 0,
    ) -> None:
        if in_features > len(PRIMES):
            raise ValueError(f"a hash grid takes at most {len(PRIMES)} coordinates, not {in_features}")
        grid = HashGridEncoding(in_features, levels, features, table_size, coarsest, finest, seeded(seed))
        shape = (in_features, out_features, hidden_features, hidden_layers)
        super().__init__(*shape, RELU, init or KAIMING, seed, encoding=grid)
