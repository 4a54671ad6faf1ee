"""Where shapes come from: a file of triangles or of points, or a knot that is computed here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from siren_pl.errors import UserError
from siren_pl.problems.shapes.clouds import HALF_SIDE, Cloud, frame_of
from siren_pl.problems.shapes.files import read_shape
from siren_pl.problems.shapes.knot import knot_mesh
from siren_pl.problems.shapes.meshes import Array, Mesh, unit
from siren_pl.training.problem import NOWHERE, Origin

log = logging.getLogger(__name__)

# Points that are sampled from a mesh unless another number is asked for: a hundredth of a half-side apart.
POINTS = 50_000


class Given(NamedTuple):
    """What a source returns: a mesh, or points with normals (of any length) or None, in the file's units."""

    name: str
    shape: Mesh | tuple[Array, Array | None]
    origin: Origin = NOWHERE


Source = Callable[[], Given]


def shape_file(path: str | None) -> Source:
    """A file of a shape; the knot if there is none."""

    def read() -> Given:
        place = Path(str(path))
        return Given(place.stem, read_shape(place), Origin(place))

    return (lambda: Given("knot", knot_mesh())) if path is None else read


def shape_cloud(
    source: Source, points: int | None = None, normals: bool = True, noise: float = 0.0, seed: int = 0
) -> Cloud:
    """Take points of a shape as what is known of it.

    Args:
        source: Returns a mesh, which is sampled uniformly by area and is the truth, or points.
        points: Number of points to sample from a mesh, or to choose among those of a file; None for 50,000 of a mesh,
            and for all of a file.
        normals: Whether the normals are known.
        noise: Standard deviation, along each axis, of noise to add to the points, as a fraction of the longest
            half-side. Normals stay those of the surface.
        seed: Seeds the sampling and the noise.

    Raises:
        UserError: Normals are wanted and the file has none, or what cannot be normals.
    """
    name, shape, origin = source()
    generator = np.random.default_rng(seed)
    if isinstance(shape, Mesh):
        frame = frame_of(shape.vertices)
        truth = _facing_outward(Mesh(frame.into(shape.vertices), shape.faces), name)
        places, directions = truth.sampled(points or POINTS, generator)
    else:
        places, directions = shape
        frame, truth = frame_of(places), None
        places = frame.into(places)
        if points is not None and points < len(places):
            rows = np.sort(generator.choice(len(places), points, replace=False))
            places, directions = places[rows], None if directions is None else directions[rows]
        directions = _required(directions, name) if normals else None
    if noise:
        places = places + noise * HALF_SIDE * generator.standard_normal(places.shape)
    return Cloud(name, places, directions if normals else None, frame, truth, noise * HALF_SIDE, origin)


def _facing_outward(mesh: Mesh, name: str) -> Mesh:
    """A mesh whose triangles face outward, as far as they can be turned; what is wrong with others is said."""
    if mesh.open_edges:
        log.warning(
            "%s is open: %d edges belong to one triangle only. Its points are fitted, but inside and outside are "
            "judged by the winding number, which is a guess at the holes.",
            name,
            mesh.open_edges,
        )
    if mesh.opposed_edges:
        log.warning(
            "triangles of %s face different ways at %d of its edges, so that normals, inside and outside are wrong "
            "there. Turn them in a mesh editor (recalculate normals outside).",
            name,
            mesh.opposed_edges,
        )
    elif mesh.is_watertight and mesh.volume < 0:
        log.warning("the triangles of %s face inward, and are turned around.", name)
        return Mesh(mesh.vertices, mesh.faces[:, ::-1])
    return mesh


def _required(normals: Array | None, name: str) -> Array:
    """A file's normals at length one.

    Raises:
        UserError: There are none, or they cannot be normals.
    """
    if normals is None:
        raise UserError(f"dataset.normals=true: {name} holds points without normals. Add dataset.normals=false.")
    if not (np.isfinite(normals).all() and np.linalg.norm(normals, axis=1).min() > 0):
        raise UserError(
            f"dataset.normals=true: {name} has normals that are zero, NaN or infinite. Repair the file, or add "
            "dataset.normals=false."
        )
    if (normals >= 0).all() and (normals > 1).any() and (normals == np.rint(normals)).all():
        raise UserError(
            f"dataset.normals=true: the last three columns of {name} are whole numbers from 0 up, so they look like "
            "colours and not like normals. Leave them out of the file, or add dataset.normals=false."
        )
    return unit(normals)
