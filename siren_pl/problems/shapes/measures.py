"""How good a mesh is: measures of the surface, in units in which the longest half-side is 0.9, and of the distance."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.shapes.clouds import EXTENT, Cloud
from siren_pl.problems.shapes.distances import distances_to
from siren_pl.problems.shapes.implicit import Implicit
from siren_pl.problems.shapes.meshes import Array, Mesh
from siren_pl.problems.shapes.winding import occupied, winding_numbers
from siren_pl.training.judge import Measure, Metrics

# Cells along an axis of the lattice on which volumes are compared, and points at which surfaces are.
CELLS, SAMPLES = 128, 100_000
# Places for errors of the distance, and the distance within which they are near.
PLACES, NEAR = 20_000, 0.05
SEED = 20_060  # of the samples, the same for every mesh that is compared

MEASURES: dict[str, Measure] = {
    "iou": Measure("IoU", "", "common volume over joint volume; inside is where the winding number is above 1/2"),
    "point_to_surface": Measure("point to surface", "", "mean distance from the truth's points to the mesh", -1),
    "hausdorff": Measure("Hausdorff", "", "largest distance between the meshes, of 100,000 points each way", -1),
    "chamfer_l1": Measure("Chamfer-L1", "", "mean of both mean distances between 100,000 points on each", -1),
    "chamfer_l1_floor": Measure("its floor", "", "the same between two samplings of the truth", 0),
    "normal_consistency": Measure("normal consistency", "", "mean |cos| to the nearest point's normal, both ways"),
    "sdf_error_near": Measure("distance error, near", "", "mean, within 0.05 of the surface", -1),
    "sdf_error_far": Measure("distance error, far", "", "mean, elsewhere in the cube", -1),
    "cloud_to_surface": Measure("cloud to surface", "", "mean distance from the given points to the mesh", -1),
    "watertight": Measure("watertight", "", "1 if every edge has two triangles"),
    "parts": Measure("parts", "", "connected pieces", 0),
    "triangles": Measure("triangles", "", "of the mesh", 0),
}


def measured(mesh: Mesh, cloud: Cloud) -> Metrics:
    """Measures of a mesh, against the truth where that is known."""
    found: Metrics = {
        "watertight": float(mesh.is_watertight),
        "parts": float(mesh.parts),
        "triangles": float(len(mesh.faces)),
    }
    if not len(mesh.faces):
        return found | ({"iou": 0.0} if cloud.truth else {})
    if cloud.truth is None:
        return found | {"cloud_to_surface": float(distances_to(mesh, cloud.points)[0].mean())}
    return found | compared(mesh, cloud.truth)


def compared(mesh: Mesh, truth: Mesh) -> Metrics:
    """Measures of a mesh against the true one."""
    generator = np.random.default_rng(SEED)
    points, normals = mesh.sampled(SAMPLES, generator)
    wanted, wanted_normals = truth.sampled(SAMPLES, generator)
    to_truth, truth_faces = distances_to(truth, points)
    to_mesh, mesh_faces = distances_to(mesh, wanted)
    agreement = [
        np.abs((one * other).sum(1)).mean()
        for one, other in ((normals, truth.face_normals[truth_faces]), (wanted_normals, mesh.face_normals[mesh_faces]))
    ]
    again, _ = truth.sampled(SAMPLES, generator)
    return {
        "iou": iou(mesh, truth),
        "point_to_surface": float(to_mesh.mean()),
        "hausdorff": float(max(to_truth.max(), to_mesh.max())),
        "chamfer_l1": chamfer(points, wanted),
        "chamfer_l1_floor": chamfer(again, wanted),
        "normal_consistency": float(np.mean(agreement)),
    }


def iou(mesh: Mesh, truth: Mesh) -> float:
    """The volume within both meshes over the volume within one of them."""
    if not len(mesh.faces):
        return 0.0
    ours, theirs = occupied(mesh, EXTENT, CELLS), _truly_occupied(truth, CELLS)
    return float((ours & theirs).sum() / max(1, (ours | theirs).sum()))


@lru_cache(maxsize=1)
def _truly_occupied(truth: Mesh, cells: int) -> NDArray[np.bool_]:
    """The cells within the truth, to which every method is compared."""
    return occupied(truth, EXTENT, cells)


def chamfer(one: Array, other: Array) -> float:
    """The mean of the mean distances from each point of one set to the nearest of the other, and back."""
    from scipy.spatial import KDTree

    return float((KDTree(one).query(other)[0].mean() + KDTree(other).query(one)[0].mean()) / 2)


def true_distances(truth: Mesh, points: Array) -> Array:
    """Signed distances to a mesh, (N,): negative where its winding number is above 1/2."""
    away = distances_to(truth, points)[0]
    return np.where(winding_numbers(truth, points) > 0.5, -away, away)  # noqa: PLR2004 - halfway


def distance_errors(implicit: Implicit, truth: Mesh) -> Metrics:
    """Mean errors of a function as a signed distance, near the surface and elsewhere in the cube."""
    generator = np.random.default_rng(SEED)
    surface, _ = truth.sampled(PLACES, generator)
    near = surface + generator.uniform(-NEAR, NEAR, surface.shape)
    places = np.concatenate([near, generator.uniform(-EXTENT, EXTENT, (PLACES, 3))])
    distances = true_distances(truth, places)
    errors, is_near = np.abs(implicit.values(places) - distances), np.abs(distances) <= NEAR
    return {"sdf_error_near": float(errors[is_near].mean()), "sdf_error_far": float(errors[~is_near].mean())}
