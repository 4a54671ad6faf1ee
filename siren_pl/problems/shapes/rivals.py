"""Meshes of a cloud by classical methods, which are judged beside the field."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np

from siren_pl.problems.shapes.clouds import Cloud
from siren_pl.problems.shapes.extraction import extracted
from siren_pl.problems.shapes.implicit import MovingPlanes
from siren_pl.problems.shapes.measures import iou
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.problems.shapes.pool import HEIGHTS_WITHIN

# Cells along an axis of the lattice, and depth of the octree (2⁸ = 256 cells) of screened Poisson.
RESOLUTION, DEPTH = 192, 8


def imls(cloud: Cloud, widths: list[float] | None = None) -> Mesh | None:
    """Implicit moving least squares, each point's plane weighted by a Gaussian (Öztireli et al. 2009).

    Only what lies near the points is kept. Farther away their planes cross by chance, in sheets that are no surface.

    Args:
        cloud: The points; without normals there is no result.
        widths: Standard deviations in typical distances between points. The best by IoU is kept, which no user could
            choose: the rival is at its best.
    """
    if cloud.normals is None:
        return None
    planes = [MovingPlanes(cloud, width * cloud.spacing) for width in widths or [1.0]]
    meshes = [_beside(extracted(each, RESOLUTION), cloud) for each in planes]
    truth = cloud.truth
    if len(meshes) == 1 or truth is None:
        return meshes[0]
    return max(meshes, key=lambda mesh: iou(mesh, truth))


def _beside(mesh: Mesh, cloud: Cloud) -> Mesh:
    """The triangles of a mesh that lie where the heights above a cloud's planes are believed."""
    is_near = cloud.tree.query(mesh.vertices)[0] < HEIGHTS_WITHIN * cloud.spacing
    faces = mesh.faces[is_near[mesh.faces].all(1)]
    used, numbers = np.unique(faces, return_inverse=True)
    return Mesh(mesh.vertices[used], numbers.reshape(-1, 3))


def poisson(cloud: Cloud) -> Mesh | None:
    """Screened Poisson reconstruction (Kazhdan and Hoppe 2013) where pymeshlab happens to be installed."""
    if cloud.normals is None or importlib.util.find_spec("pymeshlab") is None:
        return None
    pymeshlab = importlib.import_module("pymeshlab")
    meshes = pymeshlab.MeshSet()
    meshes.add_mesh(pymeshlab.Mesh(vertex_matrix=cloud.points, v_normals_matrix=cloud.normals))
    meshes.generate_surface_reconstruction_screened_poisson(depth=DEPTH, threads=1)
    found = meshes.current_mesh()
    return Mesh(np.asarray(found.vertex_matrix(), np.float64), np.asarray(found.face_matrix(), np.int64))
