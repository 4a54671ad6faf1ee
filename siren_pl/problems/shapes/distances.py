"""Exact distances from points to the triangles of a mesh: by libigl where it is installed, else by our own search."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from siren_pl.problems.shapes.meshes import Array, Indices, Mesh

# The first search looks at this many triangles around each point; points for which they may not be enough look at
# twice as many, and so on. A block holds about this many pairs of a point and a triangle.
FIRST_TRIANGLES, BLOCK = 8, 1 << 18


def has_igl() -> bool:
    """Whether libigl (the extra `libigl`) is installed."""
    return importlib.util.find_spec("igl") is not None


def distances_to(mesh: Mesh, points: Array) -> tuple[Array, Indices]:
    """The distance from each point (N, 3) to a mesh, (N,), and the triangle that is nearest."""
    if has_igl():
        import igl

        squares, faces, _ = igl.point_mesh_squared_distance(
            np.ascontiguousarray(points, np.float64),
            np.ascontiguousarray(mesh.vertices),
            np.ascontiguousarray(mesh.faces),
        )
        return np.sqrt(squares), np.asarray(faces, np.int64)
    return searched_distances(mesh, points)


def searched_distances(mesh: Mesh, points: Array) -> tuple[Array, Indices]:
    """The same by our own search among the triangles whose middles are nearest.

    A triangle reaches at most R from its middle. Once the k-th nearest middle is farther than the best distance plus
    the largest R, no other triangle can be nearer; until then k is doubled.
    """
    middles = mesh.corners.mean(1)
    reach = float(np.linalg.norm(mesh.corners - middles[:, None], axis=2).max())
    tree, count = KDTree(middles), len(mesh.faces)
    best, faces = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    left, k = np.arange(len(points)), min(FIRST_TRIANGLES, count)
    while len(left):
        unsettled = []
        size = max(1, BLOCK // k)
        for start in range(0, len(left), size):
            rows = left[start : start + size]
            away, candidates = (each.reshape(len(rows), -1) for each in tree.query(points[rows], k))
            squares = squared_distances(points[rows, None], mesh.corners[candidates])
            nearest = squares.argmin(1)
            best[rows] = np.sqrt(squares[np.arange(len(rows)), nearest])
            faces[rows] = candidates[np.arange(len(rows)), nearest]
            unsettled.append(rows[away[:, -1] < best[rows] + reach])
        left = np.concatenate(unsettled) if k < count else left[:0]
        k = min(2 * k, count)
    return best, faces


def squared_distances(points: Array, corners: Array) -> NDArray[np.float64]:
    """Squared distances from points (…, 3) to triangles (…, 3, 3), whose leading axes are broadcast.

    It is the distance to the plane for a point above the triangle, else the least of those to the three sides.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    normal = np.cross(b - a, c - a)
    sides = [_to_side(points, start, end) for start, end in ((a, b), (b, c), (c, a))]
    least = np.minimum(np.minimum(sides[0], sides[1]), sides[2])
    inside = [
        (np.cross(normal, end - start) * (points - start)).sum(-1) >= 0 for start, end in ((a, b), (b, c), (c, a))
    ]
    length = np.maximum((normal * normal).sum(-1), np.finfo(float).tiny)
    height = ((points - a) * normal).sum(-1) ** 2 / length
    return np.where(inside[0] & inside[1] & inside[2] & ((normal * normal).sum(-1) > 0), height, least)


def _to_side(points: Array, start: Array, end: Array) -> NDArray[np.float64]:
    """Squared distances to segments."""
    along = end - start
    length = np.maximum((along * along).sum(-1), np.finfo(float).tiny)
    share = np.clip(((points - start) * along).sum(-1) / length, 0, 1)
    rest = points - start - share[..., None] * along
    return (rest * rest).sum(-1)
