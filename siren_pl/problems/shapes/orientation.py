"""Normals of a cloud that has none: planes through neighbours, turned outward by the flood (Hoppe et al. 1992)."""

from __future__ import annotations

import numpy as np

from siren_pl.problems.shapes.clouds import EXTENT, Cloud
from siren_pl.problems.shapes.filling import CELLS, Filling
from siren_pl.problems.shapes.meshes import Array

# Neighbours through which a plane is laid: enough to average the noise, few enough not to round off an edge.
NEIGHBOURS = 12
# Cells of the flood at which both sides of a point are looked up; the first that are decided are believed.
STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
# Rounds in which points between undecided cells follow the majority of their neighbours.
ROUNDS = 30


def oriented_normals(cloud: Cloud, filling: Filling) -> Array:
    """Estimate outer unit normals of a cloud, (N, 3).

    Args:
        cloud: The points.
        filling: The flood around them, which has not leaked.
    """
    count = min(NEIGHBOURS, len(cloud.points))
    neighbours = np.asarray(cloud.tree.query(cloud.points, count)[1])
    around = cloud.points[neighbours]
    around = around - around.mean(1, keepdims=True)
    spread = np.einsum("nki,nkj->nij", around, around)
    normals = np.linalg.eigh(spread).eigenvectors[:, :, 0]  # the direction of least variance
    cell = 2 * EXTENT / CELLS
    votes = np.zeros(len(normals))
    for step in STEPS:
        ahead = filling.at(cloud.points + step * cell * normals)
        behind = filling.at(cloud.points - step * cell * normals)
        said = np.sign(ahead.astype(float) - behind)
        votes = np.where(votes == 0, said * ((ahead != 0) & (behind != 0)), votes)
    for _ in range(ROUNDS):
        undecided = np.flatnonzero(votes == 0)
        if not len(undecided):
            break
        others = neighbours[undecided]
        agreement = np.einsum("nkd,nd->nk", normals[others], normals[undecided]) * votes[others]
        votes[undecided] = np.sign(agreement.sum(1))
    return normals * np.where(votes == 0, 1.0, votes)[:, None]
