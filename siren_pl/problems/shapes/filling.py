"""Inside and outside of a cloud without normals: a flood from the border, which the points hold back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.shapes.clouds import EXTENT, Cloud
from siren_pl.problems.shapes.meshes import Array
from siren_pl.problems.shapes.winding import labelled

# Cells along an axis of the flooded lattice.
CELLS = 64
# The flood keeps this many typical distances between points away from them, and at least one cell: gaps of twice that
# are closed. The first is tried first, the next if it has leaked.
KEPT_AWAY = (1.5, 2.0, 2.5, 3.0)
# If the flood leaves less than this part of what one that keeps this much farther away leaves, it has run in through a
# hole.
LEAST_KEPT, WIDER = 0.5, 1.5


@dataclass(frozen=True)
class Filling:
    """What a flood found.

    Attributes:
        signs: +1 outside, -1 inside, 0 near the points, (CELLS, CELLS, CELLS).
        reach: How far the flood kept away from the points.
        has_leaked: Whether the points have gaps through which the flood ran in.
    """

    signs: NDArray[np.int8]
    reach: float
    has_leaked: bool

    def at(self, points: Array) -> NDArray[np.int8]:
        """The signs of the cells in which points (N, 3) lie, (N,); +1 beyond the lattice."""
        cells = np.floor((points + EXTENT) * CELLS / (2 * EXTENT)).astype(np.int64)
        beyond = ((cells < 0) | (cells >= CELLS)).any(1)
        found = self.signs[tuple(np.clip(cells, 0, CELLS - 1).T)]
        return np.where(beyond, np.int8(1), found)


def flooded(cloud: Cloud) -> Filling:
    """Flood the space around a cloud."""
    size = 2 * EXTENT / CELLS
    axis = (np.arange(CELLS) + 0.5) * size - EXTENT
    middles = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    away = cloud.tree.query(middles.reshape(-1, 3))[0].reshape(middles.shape[:3])
    found = None
    for kept in KEPT_AWAY:
        found = _filling(away, max(size, kept * cloud.spacing))
        if not found.has_leaked:
            break
    assert found is not None
    return found


def _filling(away: Array, reach: float) -> Filling:
    """What a flood finds that keeps this far away from the points."""
    inside, wider = _enclosed(away, reach), _enclosed(away, WIDER * reach)
    signs = np.where(away <= reach, 0, np.where(inside, -1, 1)).astype(np.int8)
    kept = (inside & (away > WIDER * reach)).sum()
    return Filling(signs, reach, bool(not inside.any() or kept < LEAST_KEPT * wider.sum()))


def _enclosed(away: Array, reach: float) -> NDArray[np.bool_]:
    """Cells that are farther than `reach` from every point, and that the flood does not come to."""
    free = np.pad(away > reach, 1, constant_values=True)
    labels, _ = labelled(free)
    return (free & (labels != labels[0, 0, 0]))[1:-1, 1:-1, 1:-1]
