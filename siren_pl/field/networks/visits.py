"""Visits and blocks: the tiles in which each point lies, and the layout in which all tiles are evaluated at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Cost of a block in addition to its points, in points: its copy of a network's weights is read and written once.
BLOCK_COST = 16
# Candidate block lengths are the fullest tile's count divided by 1 … 32.
MOST_CUTS = 32


class Visits(NamedTuple):
    """Pairs of a point and a tile whose window is not zero there, sorted by tile; Q pairs, D axes.

    Attributes:
        point: Row of the point, (Q,).
        tile: Number of the tile, (Q,), ascending: row-major, one partition after the other.
        place: Position of the tile along each axis, counted from 0, (Q, D).
        border: The border between tiles nearest to the point along each axis, from 0 to `tiles`, (Q, D).
        side: 0 if the tile lies before that border, 1 if after, (Q, D).
        shared: Whether two tiles share that border, (Q, D); false at the border of the domain.
    """

    point: Tensor
    tile: Tensor
    place: Tensor
    border: Tensor
    side: Tensor
    shared: Tensor

    @classmethod
    def of(cls, coords: Tensor, tiles: int, overlap: float, member: Tensor | None = None) -> Visits:
        """Find the visits of points; a point outside [-1, 1] belongs to the outermost tile.

        Args:
            coords: Points, (N, D).
            tiles: Number of tiles along each axis of [-1, 1]^D.
            overlap: Width of the overlap at a border, in tiles; at most 0.5, so that no two overlaps of an axis meet.
            member: The partition in which to look each point up, (N,), counted from 0; the first if None.
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
    """Visits arranged in B blocks of one length P. A block belongs to one tile; a tile has any number of blocks.

    Attributes:
        shape: (B, P).
        tile: The tile of each block, (B,).
        visit: The visit in each slot, (B · P,); unused slots repeat the first visit.
        slot: The slot of each visit, (Q,).
    """

    shape: tuple[int, int]
    tile: Tensor
    visit: Tensor
    slot: Tensor

    @classmethod
    def of(cls, tile: Tensor, tiles: int) -> Blocks:
        """Arrange visits to the tiles `tile`, (Q,), ascending; there are `tiles` tiles in all."""
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
    """Find the block length of least total cost, unused slots included, for tiles with these numbers of visits.

    Random points fill all tiles alike, so that one block per tile is best; rows of a grid fill some tiles and only
    touch others.
    """
    fullest = max(1, int(counts.max()))
    lengths = torch.unique(-(-fullest // torch.arange(1, MOST_CUTS + 1)))
    blocks = (-(-counts[:, None] // lengths)).sum(0)
    return int(lengths[(blocks * (lengths + BLOCK_COST)).argmin()])
