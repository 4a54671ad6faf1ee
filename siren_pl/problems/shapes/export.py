"""Meshes written as PLY and GLB, with normals, in the units of the file that was fitted.

A file far from the origin, such as a survey's, needs more than the 24 bits of a float: the PLY holds doubles, and the
GLB, which may not, holds vertices around the middle and where that lies.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from siren_pl.problems.shapes.clouds import Frame
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.training.judge import Write

_PLY_HEADER = """ply
format binary_little_endian 1.0
element vertex {vertices}
property double x
property double y
property double z
property float nx
property float ny
property float nz
element face {faces}
property list uchar int vertex_indices
end_header
"""


def files_of(mesh: Mesh, name: str, frame: Frame) -> dict[str, Write]:
    """Functions that write a mesh, by file name; none for a mesh without triangles, which no viewer opens."""
    if not len(mesh.faces):
        return {}
    return {f"{name}.ply": partial(write_ply, mesh, frame), f"{name}.glb": partial(write_glb, mesh, frame)}


def write_ply(mesh: Mesh, frame: Frame, path: Path) -> Path:
    """Write a mesh as a binary PLY."""
    vertices = np.empty(len(mesh.vertices), [("place", "<f8", 3), ("normal", "<f4", 3)])
    vertices["place"], vertices["normal"] = frame.back(mesh.vertices), mesh.vertex_normals
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = mesh.faces.shape[1], mesh.faces
    with path.open("wb") as file:
        file.write(_PLY_HEADER.format(vertices=len(vertices), faces=len(faces)).encode("ascii"))
        file.write(vertices.tobytes())
        file.write(faces.tobytes())
    return path


def write_glb(mesh: Mesh, frame: Frame, path: Path) -> Path:
    """Write a mesh as a binary glTF."""
    import trimesh

    around = trimesh.Trimesh(
        mesh.vertices / frame.scale, mesh.faces, vertex_normals=mesh.vertex_normals, process=False, validate=False
    )
    scene = trimesh.Scene()
    scene.add_geometry(around, transform=trimesh.transformations.translation_matrix(frame.centre))
    scene.export(path, include_normals=True)
    return path
