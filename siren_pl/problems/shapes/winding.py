"""Inside or outside: the winding number of a mesh around a point, one inside, zero outside and between them at holes.

It is the solid angle of all triangles as seen from the point, over 4π (Jacobson et al. 2013). Far groups of triangles
are replaced by one vector each (Barill et al. 2018, equation 9 to first order), near ones are summed exactly.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from siren_pl.problems.shapes.distances import has_igl
from siren_pl.problems.shapes.meshes import Array, Indices, Mesh

# Cells along the longest side into which triangles and points are sorted, and how many cells away a group counts as
# far: its vector then errs by a few thousandths in sum, where only a half would change a sign.
CELLS, NEAR = 24, 2
# Pairs of a point and a triangle that are held at once.
BLOCK = 1 << 18


def winding_numbers(mesh: Mesh, points: Array) -> Array:
    """The winding number of a mesh around each point (N, 3), (N,): by libigl where it is installed.

    Both replace far triangles, and err by a few thousandths, where only a half would change a sign.
    """
    if has_igl():
        import igl

        given = (mesh.vertices, mesh.faces, np.asarray(points, np.float64))
        return np.asarray(igl.fast_winding_number(*map(np.ascontiguousarray, given)))
    return summed_winding_numbers(mesh, points)


def summed_winding_numbers(mesh: Mesh, points: Array) -> Array:
    """The same by our own sum of solid angles."""
    low = np.minimum(mesh.vertices.min(0), points.min(0))
    size = float((np.maximum(mesh.vertices.max(0), points.max(0)) - low).max()) / CELLS
    middles = mesh.corners.mean(1)
    groups, group = np.unique(_cells(middles, low, size), axis=0, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(groups) + 1))
    weight = np.maximum(np.bincount(group, mesh.areas, len(groups)), np.finfo(float).tiny)
    centres = np.stack([np.bincount(group, mesh.areas * axis, len(groups)) for axis in middles.T], 1) / weight[:, None]
    sums = [np.bincount(group, axis, len(groups)) for axis in mesh.areas_along_normals.T]
    vectors = np.stack(sums, axis=1).astype(np.float64)
    found = np.zeros(len(points))
    places, place = np.unique(_cells(points, low, size), axis=0, return_inverse=True)
    by_place = np.argsort(place.reshape(-1), kind="stable")
    bounds = np.searchsorted(place.reshape(-1)[by_place], np.arange(len(places) + 1))
    for number, cell in enumerate(places):
        rows = by_place[bounds[number] : bounds[number + 1]]
        is_near = np.abs(groups - cell).max(1) <= NEAR
        faces = np.concatenate(
            [order[starts[each] : starts[each + 1]] for each in np.flatnonzero(is_near)] or [order[:0]]
        )
        found[rows] = _far(points[rows], centres[~is_near], vectors[~is_near]) + _near(
            points[rows], mesh.corners[faces]
        )
    return found / (4 * np.pi)


def _cells(points: Array, low: Array, size: float) -> Indices:
    return np.minimum((points - low) / size, CELLS - 1).astype(np.int64)


def _far(points: Array, centres: Array, vectors: Array) -> Array:
    """The solid angle of groups of triangles, each by its vector of area, (N,)."""
    total, size = np.zeros(len(points)), max(1, BLOCK // max(1, len(centres)))
    for start in range(0, len(points), size):
        away = centres - points[start : start + size, None]
        lengths = np.maximum(np.einsum("nmk,nmk->nm", away, away), np.finfo(float).tiny)
        total[start : start + size] = (np.einsum("nmk,mk->nm", away, vectors) / lengths**1.5).sum(1)
    return total


def _near(points: Array, corners: Array) -> Array:
    """The solid angle of triangles (F, 3, 3) as seen from each point, (N,) (van Oosterom and Strackee 1983)."""
    total, size = np.zeros(len(points)), max(1, BLOCK // max(1, len(corners)))
    for start in range(0, len(points), size):
        a, b, c = (corners[:, i] - points[start : start + size, None] for i in range(3))
        la, lb, lc = (np.sqrt(np.einsum("nmk,nmk->nm", each, each)) for each in (a, b, c))
        volume = np.einsum("nmk,nmk->nm", a, np.cross(b, c))
        ab, bc, ca = (np.einsum("nmk,nmk->nm", *pair) for pair in ((a, b), (b, c), (c, a)))
        total[start : start + size] = 2 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb).sum(1)
    return total


def occupied(mesh: Mesh, extent: float, cells: int) -> NDArray[np.bool_]:
    """Whether the middle of each cell of a lattice over [-extent, extent]³ is inside, (cells, cells, cells).

    Cells that no triangle passes near are alike where they are connected: one winding number decides for all of them.
    Through the holes of an open mesh the inside is connected with the outside, so there only neighbours are alike.
    """
    size = 2 * extent / cells
    beside = _touched(mesh, extent, cells)
    alike = np.where(beside, 0, labelled(~beside)[0] if mesh.is_watertight else _blocks(cells))
    numbers, first = np.unique(alike, return_index=True)
    first = first[numbers > 0]
    at = np.concatenate([first, np.flatnonzero(beside)])
    middles = (np.stack(np.unravel_index(at, beside.shape), axis=1) + 0.5).astype(np.float64) * size - extent
    within = winding_numbers(mesh, middles) > 0.5  # noqa: PLR2004 - halfway between outside and inside
    said = np.zeros(int(alike.max()) + 1, dtype=bool)
    said[numbers[numbers > 0]] = within[: len(first)]
    inside = said[alike]
    inside[beside] = within[len(first) :]
    return inside


def _blocks(cells: int) -> NDArray[np.int64]:
    """Number the cells of a lattice from 1, two along each axis alike."""
    half = np.arange(cells, dtype=np.int64) // 2
    return (half[:, None, None] * cells + half[:, None]) * cells + half + 1


def labelled(cells: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the connected pieces of marked cells from 1; 0 elsewhere."""
    labels = np.zeros(cells.shape, np.int32)
    return labels, cast("int", ndimage.label(cells, output=labels))


def _touched(mesh: Mesh, extent: float, cells: int) -> NDArray[np.bool_]:
    """Cells in or beside which a triangle lies, found by points a third of a cell apart on it."""
    size = 2 * extent / cells
    touched = np.zeros((cells,) * 3, dtype=bool)
    longest = np.linalg.norm(mesh.corners - np.roll(mesh.corners, 1, axis=1), axis=2).max(1)
    pieces = np.maximum(1, np.ceil(longest / (size / 3))).astype(np.int64)
    for number in np.unique(pieces):
        corners = mesh.corners[pieces == number]
        i, j = np.meshgrid(np.arange(number + 1), np.arange(number + 1), indexing="ij")
        i, j = i[i + j <= number] / number, j[i + j <= number] / number
        shares = np.stack([1 - i - j, i, j], axis=1)
        step = max(1, BLOCK // len(shares))
        for start in range(0, len(corners), step):
            points = np.einsum("sk,fkd->fsd", shares, corners[start : start + step]).reshape(-1, 3)
            at = np.clip(((points + extent) / size).astype(np.int64), 0, cells - 1)
            touched[tuple(at.T)] = True
    return np.asarray(ndimage.binary_dilation(touched, np.ones((3, 3, 3), dtype=bool)), bool)
