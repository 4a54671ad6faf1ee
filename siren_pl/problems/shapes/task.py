"""The task of finding a surface from points: its distance is the field, its mesh what comes of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.shapes.clouds import EXTENT, Cloud
from siren_pl.problems.shapes.filling import flooded
from siren_pl.problems.shapes.implicit import FieldDistance
from siren_pl.problems.shapes.judge import ShapeJudge
from siren_pl.problems.shapes.orientation import oriented_normals
from siren_pl.problems.shapes.penalties import shape_penalties
from siren_pl.problems.shapes.pool import places_around, signed_distances, surely_outside
from siren_pl.problems.shapes.smoothing import without_noise
from siren_pl.problems.shapes.terms import OffSurface, OnSurface
from siren_pl.training.problem import Problem

log = logging.getLogger(__name__)

# Points on a line through the middle, at which layers are inspected.
LINE = 256
# Weight of HotSpot's heat where nothing else says what is inside.
LEAKING_HEAT = 0.1


def shape_fit(
    cloud: Cloud,
    surface: float = 1.0,
    normal: float = 0.1,
    eikonal: float = 0.02,
    distance: float = 1.0,
    away: float = 0.01,
    width: float = 0.5,
    smooth: bool = True,
    resolution: int = 192,
    seed: int = 0,
    **weights: float,
) -> Problem:
    """Make the problem of finding a surface.

    Args:
        cloud: Points on it. Without normals they are estimated, if a flood from outside tells where the inside is; if
            it runs in through a hole, only places beyond the convex hull have a distance.
        surface: Weight of |f| at the points.
        normal: Weight of 1 - cos(∇f, n) there.
        eikonal: Weight of | |∇f| - 1 | there.
        distance: Weight of |f - signed distance to the cloud| around them.
        away: Weight of exp(-100 |f|) there.
        width: Standard deviation of the Gaussian that averages the cloud's planes, in typical distances of points.
        smooth: Whether to smooth a cloud that is noisy before anything is measured from it.
        resolution: Cells along an axis of the lattice from which the mesh is extracted.
        seed: Seeds the places around the points.
        weights: Weights of penalties, by the names of `siren_pl.problems.shapes.penalties.KINDS`.

    Raises:
        UserError: The data are no shape, or a penalty has another name.
    """
    if not isinstance(cloud, Cloud):
        raise UserError("task=shape_fit finds a surface from points: choose dataset=shape.")
    known = oriented = with_normals(cloud)
    if oriented.normals is not None and smooth:
        known = without_noise(oriented)
    places = places_around(known, seed)
    if known.normals is None:
        weights["heat"] = max(weights.get("heat", 0.0), LEAKING_HEAT)
        around = OffSurface(*surely_outside(cloud, places), distance, 0.0)
    else:
        around = OffSurface(places, signed_distances(known, places, width * known.spacing), distance, away)
    on = OnSurface(known.points, known.normals, surface, normal, eikonal)
    return Problem(
        "shape_fit",
        cloud.name,
        {"field": cloud.domain},
        {"on": on, "around": around, **shape_penalties(places, weights)},
        FieldDistance,
        ShapeJudge(cloud, resolution),
        given=oriented,
        layout=len(cloud.points),
        origin=cloud.origin,
        probes=lambda: _probes(cloud),
    )


def with_normals(cloud: Cloud) -> Cloud:
    """The cloud with normals, estimated if it has none; unchanged, with a warning, if that is impossible."""
    if cloud.normals is not None:
        return cloud
    filling = flooded(cloud)
    if not filling.has_leaked:
        return replace(cloud, normals=oriented_normals(cloud, filling))
    log.warning(
        "the points of %s have holes wider than about %.2g (the longest half-side is 0.9), or enclose nothing: inside "
        "and outside are not known, so the field is fitted by the heat of HotSpot alone, and may come out wrong. "
        "Points with normals, or more of them, are the cure.",
        cloud.name,
        2 * filling.reach,
    )
    return cloud


def _probes(cloud: Cloud) -> tuple[Tensor, Tensor]:
    """The points, and a line along x through the middle."""
    line = np.zeros((LINE, 3))
    line[:, 0] = np.linspace(-EXTENT, EXTENT, LINE)
    return torch.from_numpy(cloud.points).float(), torch.from_numpy(line).float()
