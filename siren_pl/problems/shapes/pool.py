"""Signed distances to a cloud, at many places, made once: what a fit of few steps learns most from.

Near the cloud it is the height above the planes of its points (implicit moving least squares; Öztireli et al. 2009,
equation 4 without robust weights), farther away the distance to the nearest point, with the sign of that height.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, Delaunay, QhullError

from siren_pl.errors import UserError
from siren_pl.problems.shapes.clouds import EXTENT, Cloud
from siren_pl.problems.shapes.meshes import Array

# Places of each kind; how many neighbours' planes are averaged, at least and within a typical distance, and at most.
PLACES, NEIGHBOURS, MOST_NEIGHBOURS = 100_000, 12, 96
# Near places scatter around the cloud's points by this many typical distances between points, half of them by the
# first, half by the second, but not by less than these lengths: the field must be right where a mesh is cut from it.
SCATTERS, LEAST_SCATTERS = (1.0, 4.0), (0.01, 0.04)
# Within this many typical distances of the cloud heights are believed, beyond them distances.
HEIGHTS_WITHIN = 3.0
# Places that are looked up at once.
BLOCK = 1 << 16


def heights(cloud: Cloud, places: Array, width: float) -> Array:
    """The implicit moving least squares of a cloud with normals, (N,): positive outside.

    Args:
        cloud: Points with normals.
        places: Shape (N, 3).
        width: Standard deviation of the Gaussian that weights the points.
    """
    assert cloud.normals is not None
    wanted = round(NEIGHBOURS * (width / cloud.spacing) ** 2)
    count = min(max(NEIGHBOURS, min(wanted, MOST_NEIGHBOURS)), len(cloud.points))
    found = np.empty(len(places))
    for start in range(0, len(places), BLOCK):
        part = slice(start, start + BLOCK)
        away, nearest = cloud.tree.query(places[part], count)
        above = np.einsum("nkd,nkd->nk", places[part, None] - cloud.points[nearest], cloud.normals[nearest])
        # Relative to the nearest point, so that weights far from the cloud do not vanish altogether.
        weights = np.exp(-(away**2 - away[:, :1] ** 2) / (2 * width**2))
        found[part] = (weights * above).sum(1) / weights.sum(1)
    return found


def signed_distances(cloud: Cloud, places: Array, width: float) -> Array:
    """Signed distances of places (N, 3) to a cloud with normals, (N,)."""
    height, away = heights(cloud, places, width), cloud.tree.query(places)[0]
    return np.where(away < HEIGHTS_WITHIN * cloud.spacing, height, np.copysign(away, height))


def places_around(cloud: Cloud, seed: int) -> Array:
    """Places (2 PLACES, 3): near ones first, then others anywhere in the cube."""
    generator = np.random.default_rng([seed, 1])
    chosen = cloud.points[generator.integers(len(cloud.points), size=PLACES)]
    scatters = [max(s * cloud.spacing, least) for s, least in zip(SCATTERS, LEAST_SCATTERS, strict=True)]
    spread = np.where(np.arange(PLACES) % 2 == 0, *scatters)[:, None]
    near = chosen + spread * generator.standard_normal((PLACES, 3))
    far = generator.uniform(-EXTENT, EXTENT, (PLACES, 3))
    return np.concatenate([np.clip(near, -EXTENT, EXTENT), far])


def surely_outside(cloud: Cloud, places: Array) -> tuple[Array, Array]:
    """Those of the places that lie beyond the convex hull of the cloud, and their distances from it.

    They are outside of every closed surface through the points that does not bulge where points are missing. There are
    as many near ones, which are first, as others.

    Raises:
        UserError: The points lie in a plane.
    """
    try:
        corners = cloud.points[ConvexHull(cloud.points).vertices]
    except QhullError as error:
        raise UserError(
            f"the points of {cloud.name} lie in a plane, and have no normals that say what is in front of it: choose "
            "points with normals, or of a surface that encloses something."
        ) from error
    is_outside = Delaunay(corners).find_simplex(places) < 0
    halves = [half[outside] for half, outside in zip(np.split(places, 2), np.split(is_outside, 2), strict=True)]
    count = min(map(len, halves))
    kept = np.concatenate([half[:count] for half in halves])
    return kept, cloud.tree.query(kept)[0]
