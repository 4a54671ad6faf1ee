"""A mesh: triangles whose corners go counter-clockwise when seen from outside, and what can be counted on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices: Shape (V, 3), float64.
        faces: Rows of `vertices`, shape (F, 3), int64.
    """

    vertices: Array
    faces: Indices

    @cached_property
    def corners(self) -> Array:
        """The corners of every triangle, (F, 3, 3)."""
        return self.vertices[self.faces]

    @cached_property
    def areas_along_normals(self) -> Array:
        """The outer normal of every triangle times its area, (F, 3)."""
        a, b, c = self.corners.transpose(1, 0, 2)
        return np.cross(b - a, c - a) / 2

    @cached_property
    def areas(self) -> Array:
        """The area of every triangle, (F,)."""
        return np.linalg.norm(self.areas_along_normals, axis=1)

    @cached_property
    def face_normals(self) -> Array:
        """The outer unit normal of every triangle, (F, 3); zero for a triangle without area."""
        return self.areas_along_normals / np.maximum(self.areas, np.finfo(float).tiny)[:, None]

    @cached_property
    def vertex_normals(self) -> Array:
        """Unit normals at the vertices, (V, 3): those of the triangles around them, weighted by area."""
        total = np.zeros_like(self.vertices)
        for corner in self.faces.T:
            np.add.at(total, corner, self.areas_along_normals)
        return unit(total)

    @cached_property
    def _uses(self) -> Indices:
        """How often each edge is used by a triangle, (E,)."""
        edges = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        edges.sort(axis=1)
        return np.unique(edges[:, 0] * len(self.vertices) + edges[:, 1], return_counts=True)[1]

    @property
    def open_edges(self) -> int:
        """Number of edges that belong to one triangle only."""
        return int((self._uses == 1).sum())

    @property
    def is_watertight(self) -> bool:
        """Whether every edge belongs to exactly two triangles."""
        return bool(len(self.faces)) and bool((self._uses == 2).all())  # noqa: PLR2004 - the two sides of an edge

    @property
    def opposed_edges(self) -> int:
        """Number of edges along which two triangles run in the same direction, so that they face different ways."""
        starts, ends = self.faces.reshape(-1), self.faces[:, [1, 2, 0]].reshape(-1)
        keys = np.minimum(starts, ends) * len(self.vertices) + np.maximum(starts, ends)
        _, edges, uses = np.unique(keys, return_inverse=True, return_counts=True)
        balance = np.bincount(edges, np.sign(ends - starts))
        return int(((uses == 2) & (balance != 0)).sum())  # noqa: PLR2004 - the two sides of an edge

    @property
    def volume(self) -> float:
        """The volume of a closed mesh by the divergence theorem; negative if its triangles face inward."""
        return float((self.corners.mean(1) * self.areas_along_normals).sum() / 3)

    @property
    def parts(self) -> int:
        """Number of connected pieces."""
        if not len(self.faces):
            return 0
        a, b, c = self.faces.T
        rows, columns = np.concatenate([a, b]), np.concatenate([b, c])
        count = len(self.vertices)
        graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(count, count))
        _, labels = connected_components(graph, directed=False)
        return len(np.unique(labels[a]))

    def sampled(self, count: int, generator: np.random.Generator) -> tuple[Array, Array]:
        """Points spread over the surface uniformly by area, and the normals there, each (count, 3)."""
        faces = generator.choice(len(self.faces), count, p=self.areas / self.areas.sum())
        # The square root makes the density uniform over a triangle (Osada et al. 2002, section 4.2).
        r, s = np.sqrt(generator.random(count)), generator.random(count)
        shares = np.stack([1 - r, r * (1 - s), r * s], axis=1)
        return (shares[:, :, None] * self.corners[faces]).sum(1), self.face_normals[faces]


def unit(vectors: Array) -> Array:
    """Vectors (N, 3) of length one; those of length zero are kept."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny)
