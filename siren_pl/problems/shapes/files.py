"""Files of shapes: meshes as OBJ, OFF, PLY, GLB or STL by trimesh, points as XYZ, PLY or an array."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from siren_pl.errors import UserError
from siren_pl.problems.sampled.places import require_readable
from siren_pl.problems.shapes.meshes import Array, Indices, Mesh

MESHES = (".obj", ".off", ".ply", ".glb", ".stl")
POINTS = (".xyz", ".txt", ".npy")
# Columns of a table of points: coordinates, or coordinates and normals.
BARE, ORIENTED = 3, 6
# Fewer points say nothing about a surface.
FEWEST = 32


def read_shape(path: Path, key: str = "dataset.path") -> Mesh | tuple[Array, Array | None]:
    """Read a mesh, or points, each once, with what the file has for normals.

    Args:
        path: The file.
        key: The option that named it, for error messages.

    Raises:
        UserError: The file is missing, damaged, empty or no shape.
    """
    require_readable(path, key)
    if not path.stat().st_size:
        raise UserError(f"{key}={path} is empty (0 bytes): fetch or export it again.")
    suffix = path.suffix.lower()
    if suffix not in (*MESHES, *POINTS):
        raise UserError(
            f"{key}={path} is of no kind that is read here: give a mesh ({', '.join(MESHES)}) or points "
            f"({', '.join(POINTS)}: a row of 3 or 6 numbers each)."
        )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", module="numpy|siren_pl", message=".*no data|.*imaginary part")
            found = _table(path) if suffix in POINTS else _loaded(path)
    except UserError:
        raise
    except Exception as error:
        # trimesh and NumPy raise whatever the damage provokes.
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{key}={path} is damaged or no {suffix} file ({told}): fetch or export it again.") from error
    if isinstance(found, Mesh):
        _require_mesh(found, path, key)
        return found
    points, normals = found
    # A point that is repeated says nothing new, and would count as a neighbour of itself.
    kept = np.sort(np.unique(points, axis=0, return_index=True)[1])
    _require_points(points[kept], path, key)
    return points[kept], None if normals is None else normals[kept]


def _table(path: Path) -> tuple[Array, Array | None]:
    table = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else np.loadtxt(path, ndmin=2)
    if table.ndim != 2 or table.shape[1] not in (BARE, ORIENTED):  # noqa: PLR2004 - rows and columns
        raise UserError(
            f"dataset.path={path} has the shape {table.shape}: points are rows of 3 numbers (x, y, z), or of 6 with "
            "the normal."
        )
    table = table.astype(np.float64)
    return table[:, :BARE], table[:, BARE:] if table.shape[1] == ORIENTED else None


def _loaded(path: Path) -> Any:
    """A mesh, or points and normals, as trimesh reads them."""
    import trimesh

    scene: Any = trimesh.load_scene(path, process=False)
    found: list[Any] = list(scene.dump())
    meshes = [each for each in found if len(getattr(each, "faces", ()))]
    if meshes:
        starts = np.cumsum([0, *(len(each.vertices) for each in meshes)])
        vertices = np.concatenate([np.asarray(each.vertices, np.float64) for each in meshes])
        faces = [np.asarray(each.faces, np.int64) + start for each, start in zip(meshes, starts[:-1], strict=True)]
        return _joined_corners(vertices, np.concatenate(faces))
    clouds = [np.asarray(getattr(each, "vertices", np.zeros((0, 3))), np.float64) for each in found]
    points = np.concatenate([*clouds, np.zeros((0, 3))])
    return points, _normals_of_ply(path, len(points))


def _normals_of_ply(path: Path, count: int) -> Array | None:
    """The columns nx, ny, nz of a PLY of points, which trimesh keeps among the raw data."""
    from trimesh.exchange.ply import load_ply

    if path.suffix.lower() != ".ply":
        return None
    with path.open("rb") as file:
        raw = load_ply(file)
    columns: Any = raw.get("metadata", {}).get("_ply_raw", {}).get("vertex", {}).get("data")
    names = getattr(getattr(columns, "dtype", None), "names", None) or (columns if isinstance(columns, dict) else ())
    if columns is None or not {"nx", "ny", "nz"} <= set(names):
        return None
    normals = np.stack([np.asarray(columns[name], np.float64).reshape(-1) for name in ("nx", "ny", "nz")], axis=1)
    return normals if len(normals) == count else None


def _joined_corners(vertices: Array, faces: Indices) -> Mesh:
    """The mesh with vertices of equal position joined, which a file repeats along the seams of its texture.

    Vertices of no triangle are left out: they may lie anywhere, and the box around the rest sets the scale.
    """
    corners, numbers = np.unique(vertices[faces].reshape(-1, 3), axis=0, return_inverse=True)
    faces = numbers.reshape(-1, 3)
    a, b, c = faces.T
    return Mesh(corners, faces[(a != b) & (b != c) & (c != a)])


def _require_mesh(mesh: Mesh, path: Path, key: str) -> None:
    if not np.isfinite(mesh.vertices).all():
        raise UserError(f"{key}={path} has vertices that are NaN or infinite: repair the file.")
    if not mesh.areas.sum() > 0:
        raise UserError(f"{key}={path} has no triangle with an area: fetch or export it again.")


def _require_points(points: Array, path: Path, key: str) -> None:
    if not np.isfinite(points).all():
        raise UserError(f"{key}={path} has points that are NaN or infinite: repair the file.")
    if len(points) < FEWEST:
        raise UserError(
            f"{key}={path} holds {len(points)} points, repeated ones counted once, and a surface needs at least "
            f"{FEWEST}."
        )
