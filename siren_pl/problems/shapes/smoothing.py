"""Noise in a cloud: how much there is, and the cloud moved to the surface that its points agree on.

Distances to noisy points are too short, since the nearest of many scattered points is nearer than the surface. So a
noisy cloud is smoothed before anything is measured from it. Each point is moved onto a sphere through its neighbours:
planes, which serve well within a distance between points, are too high where a wider neighbourhood is curved.

Letters: N points, K neighbours of each.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from siren_pl.problems.shapes.clouds import Cloud
from siren_pl.problems.shapes.meshes import Array, unit

log = logging.getLogger(__name__)

# Neighbours that say where a point should lie, and points that are asked, at most.
NEIGHBOURS, ASKED = 16, 10_000
# The standard deviation of a normal distribution over its median absolute value.
DEVIATION_OVER_MEDIAN = 1.4826
# A cloud is noisy from this many typical distances between points on. Of three shapes, 2,000 points without noise seem
# to have up to 0.14, since a sphere does not follow everything; 50,000 with a noise of 0.0025 have 0.20.
NOISY = 0.17
# Deviations of the noise over which points are averaged, and the most points that are: enough to leave a tenth of the
# noise, few enough not to round off what is there.
REACH, MOST_NEIGHBOURS = 4.0, 96
# Times that a point is moved to the sphere around it, which moves with it.
ROUNDS = 3
# Points whose weighted spread is below this, in squared widths, are one point, which has no curvature.
LEAST_SPREAD = 1e-6


def without_noise(cloud: Cloud) -> Cloud:
    """The cloud, smoothed as far as it is noisy."""
    noise = estimated_noise(cloud)
    if noise < NOISY * cloud.spacing:
        return cloud
    log.info("%s is noisy (about %.2g; the longest half-side is 0.9): its points are smoothed first", cloud.name, noise)
    return smoothed(cloud, REACH * noise)


def estimated_noise(cloud: Cloud) -> float:
    """The standard deviation of the points' distances from spheres through their neighbours."""
    assert cloud.normals is not None
    some = cloud.points[:: max(1, len(cloud.points) // ASKED)]
    nearest = np.asarray(cloud.tree.query(some, min(NEIGHBOURS + 1, len(cloud.points)))[1])[:, 1:]
    around = cloud.points[nearest] - some[:, None]
    away = spheres(around, cloud.normals[nearest], np.full(nearest.shape, 1 / nearest.shape[1]))[0]
    return float(DEVIATION_OVER_MEDIAN * np.median(np.abs(away)))


def smoothed(cloud: Cloud, width: float) -> Cloud:
    """The cloud moved onto the spheres through its points, with their normals.

    Args:
        cloud: Points with normals.
        width: Standard deviation of the Gaussian that weights neighbours.
    """
    assert cloud.normals is not None
    places, normals = cloud.points, cloud.normals
    count = min(MOST_NEIGHBOURS, len(places))
    for _ in range(ROUNDS):
        away, nearest = cloud.tree.query(places, count)
        weights = np.exp(-(away**2 - away[:, :1] ** 2) / (2 * width**2))
        weights /= weights.sum(1, keepdims=True)
        height, normals = spheres(cloud.points[nearest] - places[:, None], cloud.normals[nearest], weights)
        places = places - height[:, None] * normals
    return replace(cloud, points=places, normals=normals)


def spheres(around: Array, normals: Array, weights: Array) -> tuple[Array, Array]:
    """Distances (N,) of the origin from spheres through points around it, and outer normals (N, 3) there.

    Algebraic point set surfaces (Guennebaud and Gross 2007, equations 4 and 5): the sphere u₀ + u·x + u₄ |x|² whose
    gradients are nearest to the normals.

    Args:
        around: The points, (N, K, 3).
        normals: Their normals, likewise.
        weights: Their weights, (N, K), whose sum is one.
    """
    mean, direction = (np.einsum("nk,nkd->nd", weights, each) for each in (around, normals))
    square = np.einsum("nk,nkd,nkd->n", weights, around, around)
    agreement = np.einsum("nk,nkd,nkd->n", weights, around, normals) - (mean * direction).sum(1)
    spread = square - (mean * mean).sum(1)
    alone = spread <= LEAST_SPREAD * square
    bend = np.where(alone, 0.0, agreement / (2 * np.where(alone, 1.0, spread)))
    slope = direction - 2 * bend[:, None] * mean
    constant = -(slope * mean).sum(1) - bend * square
    steepness = np.linalg.norm(slope, axis=1)
    # The smaller root of the distance along the slope, without loss of digits where the sphere is nearly a plane.
    root = np.sqrt(np.maximum(steepness**2 - 4 * bend * constant, 0))
    return 2 * constant / np.maximum(steepness + root, np.finfo(float).tiny), unit(slope)
