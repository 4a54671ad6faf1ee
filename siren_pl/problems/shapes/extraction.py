"""From a function to a mesh: cells that may hold the surface are halved until they are small, then marching cubes.

Only the corners of such cells are evaluated, a number that grows with the square of the resolution, and marching cubes
(Lewiner et al. 2003, by scikit-image) sees one block of the lattice after the other. A Newton step then moves each
vertex onto the surface along the exact gradient.
"""

from __future__ import annotations

import numpy as np

from siren_pl.problems.shapes.clouds import EXTENT
from siren_pl.problems.shapes.implicit import Implicit
from siren_pl.problems.shapes.meshes import Array, Indices, Mesh

# Cells along an axis that are all looked at, at most; and along an axis of a block that marching cubes sees.
COARSE, BLOCK = 64, 64
# Cells whose corners are held at once: 25 MB of whole numbers.
BATCH = 1 << 17
# A surface crosses a cell only if the function is, at some corner, at most half the diagonal times its slope. The slope
# of a distance is one; a fitted field's may be this much more.
STEEPEST = 1.5
# Vertices of neighbouring blocks are the same if they agree to this fraction of a cell. Three whole numbers of such
# fractions along the cube then fit into one of 63 bits, for 1024 cells and beyond.
SAME = 1 / 1024
# Values are kept this far from zero, in cells, lest vertices of different edges come that near to each other.
OFF_CORNERS = 2 * SAME
# Newton steps for each vertex; each is at most this many cells long.
NEWTON_STEPS, LONGEST_STEP = 2, 0.5
_CORNERS = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(-1, 3)


def extracted(implicit: Implicit, resolution: int) -> Mesh:
    """The mesh of the zero set in [-1, 1]³.

    Args:
        implicit: The function, negative inside.
        resolution: Cells along an axis; it is raised to the next multiple of a power of two if above 64.
    """
    halvings = max(0, int(np.ceil(np.log2(resolution / COARSE))))
    side = -(-resolution // 2**halvings)
    cells = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cells, values = _near(implicit, cells, side, halvings == 0)
    for halving in range(1, halvings + 1):
        side *= 2
        size = max(1, BATCH // len(_CORNERS))
        halves = ((2 * cells[i : i + size, None] + _CORNERS).reshape(-1, 3) for i in range(0, len(cells), size))
        parts = [_near(implicit, half, side, halving == halvings) for half in halves]
        cells = np.concatenate([part[0] for part in parts] or [cells[:0]])
        values = np.concatenate([part[1] for part in parts] or [values[:0]])
    if not len(cells):
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    mesh = _marched(cells, values / (2 * EXTENT / side), side)
    return _settled(implicit, mesh, 2 * EXTENT / side)


def _near(implicit: Implicit, cells: Indices, side: int, is_last: bool) -> tuple[Indices, Array]:
    """Those of the cells that the surface crosses, with the values at their corners; or, before the last, may cross."""
    kept = []
    for start in range(0, len(cells), BATCH):
        part = cells[start : start + BATCH]
        values = _at_corners(implicit, part, side)
        crossed = (values.min(1) < 0) & (values.max(1) >= 0)
        near = np.abs(values).min(1) <= STEEPEST * (2 * EXTENT / side) * np.sqrt(3) / 2
        chosen = crossed if is_last else crossed | near
        kept.append((part[chosen], values[chosen]))
    return np.concatenate([each[0] for each in kept]), np.concatenate([each[1] for each in kept])


def _at_corners(implicit: Implicit, cells: Indices, side: int) -> Array:
    """The function at the corners of cells (n, 3), (n, 8); a corner that cells share is evaluated once."""
    corners = (cells[:, None] + _CORNERS).reshape(-1, 3)
    keys = (corners[:, 0] * (side + 1) + corners[:, 1]) * (side + 1) + corners[:, 2]
    keys, where = np.unique(keys, return_inverse=True)
    rest, z = np.divmod(keys, side + 1)
    x, y = np.divmod(rest, side + 1)
    points = np.stack([x, y, z], axis=1) * (2 * EXTENT / side) - EXTENT
    return implicit.values(points)[where.reshape(-1)].reshape(-1, 8)


def _marched(cells: Indices, values: Array, side: int) -> Mesh:
    """The mesh of the crossed cells, whose values are in units of a cell."""
    from skimage.measure import marching_cubes

    values = np.where(values < 0, np.minimum(values, -OFF_CORNERS), np.maximum(values, OFF_CORNERS))
    blocks, block = np.unique(cells // BLOCK, axis=0, return_inverse=True)
    order = np.argsort(block.reshape(-1), kind="stable")
    bounds = np.searchsorted(block.reshape(-1)[order], np.arange(len(blocks) + 1))
    vertices, faces, count = [], [], 0
    for number, place in enumerate(blocks):
        rows = order[bounds[number] : bounds[number + 1]]
        inside = cells[rows] - place * BLOCK
        volume = np.ones((BLOCK + 1,) * 3, dtype=np.float32)
        mask = np.zeros(volume.shape, dtype=bool)
        mask[tuple((inside + 1).T)] = True
        for corner, offset in enumerate(_CORNERS):
            volume[tuple((inside + offset).T)] = values[rows, corner]
        found, triangles, _, _ = marching_cubes(volume, 0.0, gradient_direction="descent", mask=mask)
        vertices.append(found.astype(np.float64) + place * BLOCK)
        faces.append(triangles.astype(np.int64) + count)
        count += len(found)
    return _joined(np.concatenate(vertices), np.concatenate(faces), side)


def _joined(vertices: Array, faces: Indices, side: int) -> Mesh:
    """The blocks' vertices in cells as one mesh in the field's units."""
    keys = np.rint(vertices / SAME).astype(np.int64)
    span = round(side / SAME) + 1
    _, kept, numbers = np.unique(
        (keys[:, 0] * span + keys[:, 1]) * span + keys[:, 2], return_index=True, return_inverse=True
    )
    faces = numbers.reshape(-1)[faces]
    a, b, c = faces.T
    return Mesh(vertices[kept] * (2 * EXTENT / side) - EXTENT, faces[(a != b) & (b != c) & (c != a)])


def _settled(implicit: Implicit, mesh: Mesh, size: float) -> Mesh:
    """The mesh with its vertices moved onto the zero set."""
    vertices = mesh.vertices
    for _ in range(NEWTON_STEPS):
        values, gradients = implicit.values(vertices), implicit.gradients(vertices)
        squares = np.maximum((gradients**2).sum(1), np.finfo(float).tiny)
        step = (values / squares)[:, None] * gradients
        lengths = np.maximum(np.linalg.norm(step, axis=1, keepdims=True), np.finfo(float).tiny)
        vertices = vertices - step * np.minimum(1, LONGEST_STEP * size / lengths)
    return Mesh(vertices, mesh.faces)
