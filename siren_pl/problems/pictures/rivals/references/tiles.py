"""Processing of a large picture in overlapping tiles: it needs the memory of one tile, and gives the same result."""

from __future__ import annotations

from itertools import product

from torch import Tensor

from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger

# Side of a tile in pixels of the small picture. At ×4, a tile's 64 feature maps take about 120 MB, and its overlaps
# cost less than its inside.
TILE = 128


def in_tiles(network: Enlarger, picture: Tensor, scale: int, side: int = TILE) -> Tensor:
    """Pass a picture (1, 3, H, W) through the network, to (1, 3, scale · H, scale · W).

    Each tile is computed with as many pixels around it as the network reaches, so that there are no seams. Networks
    whose reach is the whole picture take it whole; those here work at the small size, where this costs little.
    """
    height, width = picture.shape[2:]
    if network.reach is None or max(height, width) <= side:
        return network(picture, scale)
    result = picture.new_empty(1, picture.shape[1], scale * height, scale * width)
    for top, left in product(range(0, height, side), range(0, width, side)):
        y, x = max(0, top - network.reach), max(0, left - network.reach)
        tile = network(picture[..., y : top + side + network.reach, x : left + side + network.reach], scale)
        inside = tile[..., scale * (top - y) :, scale * (left - x) :][..., : scale * side, : scale * side]
        result[..., scale * top : scale * (top + side), scale * left : scale * (left + side)] = inside
    return result
