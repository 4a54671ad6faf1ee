"""Meshes written as PLY and GLB, with normals, in the units of the file that was fitted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from siren_pl.problems.shapes.clouds import Frame
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.training.judge import Write

SUFFIXES = (".ply", ".glb")


def files_of(mesh: Mesh, name: str, frame: Frame) -> dict[str, Write]:
    """Functions that write a mesh, by file name; none for a mesh without triangles, which no viewer opens."""
    if not len(mesh.faces):
        return {}
    return {f"{name}{suffix}": partial(write_mesh, mesh, frame) for suffix in SUFFIXES}


def write_mesh(mesh: Mesh, frame: Frame, path: Path) -> Path:
    """Write a mesh, by the suffix of the path."""
    import trimesh

    given = trimesh.Trimesh(
        frame.back(mesh.vertices), mesh.faces, vertex_normals=mesh.vertex_normals, process=False, validate=False
    )
    given.export(path, include_normals=True) if path.suffix == ".glb" else given.export(path, vertex_normal=True)
    return path
