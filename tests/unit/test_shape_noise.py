"""Noise in a cloud: spheres through points against formulas, and noisy spheres against the sphere."""

import numpy as np
import pytest

from siren_pl.problems.shapes.clouds import Cloud
from siren_pl.problems.shapes.smoothing import estimated_noise, smoothed, spheres, without_noise

RADIUS = 0.7


def on_sphere(count: int, noise: float = 0.0) -> Cloud:
    generator = np.random.default_rng(0)
    normals = generator.standard_normal((count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Cloud("sphere", RADIUS * normals + noise * generator.standard_normal((count, 3)), normals)


def test_a_sphere_is_found_through_any_of_its_points() -> None:
    cloud = on_sphere(200)
    assert cloud.normals is not None
    places = np.random.default_rng(1).uniform(-0.9, 0.9, (20, 3))
    around = cloud.points[None] - places[:, None]
    weights = np.random.default_rng(2).uniform(0.1, 1, (20, 200))
    weights /= weights.sum(1, keepdims=True)
    away, normals = spheres(around, np.broadcast_to(cloud.normals, around.shape), weights)
    radius = np.linalg.norm(places, axis=1)
    np.testing.assert_allclose(away, radius - RADIUS, atol=1e-9)
    np.testing.assert_allclose(normals, places / radius[:, None], atol=1e-9)


def test_a_plane_is_a_sphere_without_curvature() -> None:
    generator = np.random.default_rng(3)
    across = np.array([1.0, 2.0, 2.0]) / 3
    around = generator.standard_normal((5, 30, 3))
    around -= (around @ across - 0.25)[..., None] * across
    away, normals = spheres(around, np.broadcast_to(across, around.shape), np.full((5, 30), 1 / 30))
    np.testing.assert_allclose(away, -0.25, atol=1e-12)
    np.testing.assert_allclose(normals, np.broadcast_to(across, (5, 3)), atol=1e-12)


def test_a_single_point_is_a_plane() -> None:
    away, _ = spheres(np.array([[[0.0, 0.0, -0.5]]]), np.array([[[0.0, 0.0, 1.0]]]), np.ones((1, 1)))
    assert away[0] == pytest.approx(0.5)


def test_noise_is_estimated_and_smoothed_away() -> None:
    clean, noisy = on_sphere(5_000), on_sphere(5_000, 0.01)
    assert estimated_noise(clean) < 1e-3
    # One of three components lies across the surface, and neighbours that are noisy themselves add a sixteenth.
    assert estimated_noise(noisy) == pytest.approx(0.01, rel=0.2)
    assert without_noise(clean) is clean
    error = np.abs(np.linalg.norm(without_noise(noisy).points, axis=1) - RADIUS)
    # About thirty neighbours are averaged, which leaves a fifth of the noise.
    assert np.sqrt(np.square(error).mean()) < 0.01 / 3
    again = smoothed(clean, 2 * clean.spacing)
    np.testing.assert_allclose(np.linalg.norm(again.points, axis=1), RADIUS, atol=1e-6)
