"""Which tiles a point lies in, and how the points of all tiles are laid out to be evaluated at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# What a block costs beside its points, in points: its copy of a network's weights is read and written once.
BLOCK_COST = 16
# The longest block may be the fullest tile, or so many times shorter.
MOST_CUTS = 32


class Visits(NamedTuple):
    """Pairs of a point and a tile whose window is not zero there, sorted by tile; Q pairs, D axes.

    Attributes:
        point: Row of the point, (Q,).
        tile: Number of the tile, (Q,), ascending: row-major, one partition after the other.
        place: Its position along each axis from 0, (Q, D).
        border: The nearest border of tiles along each axis, from 0 to `tiles`, (Q, D).
        side: 0 for a tile before that border, 1 behind it, (Q, D).
        shared: Whether two tiles share that border: not those of the domain, (Q, D).
    """

    point: Tensor
    tile: Tensor
    place: Tensor
    border: Tensor
    side: Tensor
    shared: Tensor

    @classmethod
    def of(cls, coords: Tensor, tiles: int, overlap: float, member: Tensor | None = None) -> Visits:
        """Find them for coords (N, D); a point beyond [-1, 1] belongs to the outermost tile.

        Args:
            coords: Points.
            tiles: Along each axis of [-1, 1]^D.
            overlap: Width of the overlap at a border, in tiles, at most 0.5: no point lies in two overlaps of an axis.
            member: Which of several partitions each point is looked up in, (N,), from 0; the first if None.
        """
        units = (coords + 1) * (tiles / 2)
        border = units.round().clamp(0, tiles)
        shared = (border > 0) & (border < tiles)
        beyond = (units - border) * (2 / overlap)  # -1 to 1 within the overlap
        before = torch.where(shared, beyond < 1, border == tiles)
        behind = torch.where(shared, beyond > -1, border == 0)
        axes = coords.shape[-1]
        corners = torch.cartesian_prod(*[torch.arange(2, device=coords.device)] * axes).reshape(-1, axes)
        held = torch.where(corners[:, None].bool(), behind, before).all(-1)  # (2^D, N)
        corner, point = held.nonzero(as_tuple=True)
        border, side = border.long(), corners[corner]
        place = border[point] - 1 + side
        tile = torch.zeros_like(point) if member is None else member[point]
        for along in place.unbind(-1):
            tile = tile * tiles + along
        tile, order = tile.sort(stable=True)
        point = point[order]
        return cls(point, tile, place[order], border[point], side[order], shared[point])


class Blocks(NamedTuple):
    """Visits in B blocks of one length P, each of one tile; a tile may have several, an empty one has none.

    Attributes:
        shape: (B, P).
        tile: The tile of each block, (B,).
        visit: The visit in each slot, (B · P,); slots that are left over repeat the first.
        slot: The slot of each visit, (Q,).
    """

    shape: tuple[int, int]
    tile: Tensor
    visit: Tensor
    slot: Tensor

    @classmethod
    def of(cls, tile: Tensor, tiles: int) -> Blocks:
        """Lay out visits to `tiles` tiles in all; `tile` (Q,) is ascending."""
        counts = torch.bincount(tile, minlength=tiles)
        length = best_length(counts.cpu())
        cuts = -(-counts // length)
        number = torch.arange(len(tile), device=tile.device)
        rank = number - (counts.cumsum(0) - counts)[tile]
        slot = ((cuts.cumsum(0) - cuts)[tile] + rank // length) * length + rank % length
        owner = torch.arange(tiles, device=tile.device).repeat_interleave(cuts)
        visit = torch.zeros(len(owner) * length, dtype=torch.long, device=tile.device).index_copy(0, slot, number)
        return cls((len(owner), length), owner, visit, slot)


def best_length(counts: Tensor) -> int:
    """The length of blocks at which tiles with so many visits cost least, the empty slots of blocks included.

    Points at random fill all tiles alike, and a block per tile is best; rows of a grid fill some and graze others.
    """
    fullest = max(1, int(counts.max()))
    lengths = torch.unique(-(-fullest // torch.arange(1, MOST_CUTS + 1)))
    blocks = (-(-counts[:, None] // lengths)).sum(0)
    return int(lengths[(blocks * (lengths + BLOCK_COST)).argmin()])
