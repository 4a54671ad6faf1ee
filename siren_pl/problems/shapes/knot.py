"""The shape that needs no file: a tube around a trefoil knot, whose distance, normals and area are known exactly."""

from __future__ import annotations

import numpy as np

from siren_pl.problems.shapes.meshes import Array, Mesh

# The knot winds twice around the axis of a torus and three times around its ring; radii of ring, winding and tube.
AROUND_AXIS, AROUND_RING = 2, 3
RING, WINDING, TUBE = 1.0, 0.45, 0.2
# Triangles of the mesh: two for each step along the knot and around the tube. Its chords lie within 2e-4 of the tube.
STEPS_ALONG, STEPS_AROUND = 600, 60


def curve(t: Array) -> tuple[Array, Array]:
    """Points of the knot and their derivatives by t in [0, 2π), each (N, 3)."""
    p, q = AROUND_AXIS, AROUND_RING
    radius, slope = RING + WINDING * np.cos(q * t), -WINDING * q * np.sin(q * t)
    points = np.stack([radius * np.cos(p * t), radius * np.sin(p * t), WINDING * np.sin(q * t)], axis=1)
    turning = radius[:, None] * p * np.stack([-np.sin(p * t), np.cos(p * t), np.zeros_like(t)], axis=1)
    growing = np.stack([slope * np.cos(p * t), slope * np.sin(p * t), WINDING * q * np.cos(q * t)], axis=1)
    return points, turning + growing


def tube(t: Array, angle: Array) -> tuple[Array, Array]:
    """Points of the surface and their outer unit normals at places along the knot and angles around it, each (N, 3)."""
    points, tangent = curve(t)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    # Two directions across the knot: away from the torus' ring as far as it is across, and the one beyond.
    middle = RING * np.stack([np.cos(AROUND_AXIS * t), np.sin(AROUND_AXIS * t), np.zeros_like(t)], axis=1)
    outward = points - middle
    outward -= (outward * tangent).sum(1, keepdims=True) * tangent
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    across = np.cross(tangent, outward)
    normals = np.cos(angle)[:, None] * outward + np.sin(angle)[:, None] * across
    return points + TUBE * normals, normals


def knot_mesh() -> Mesh:
    """The surface as triangles."""
    t, angle = (
        2 * np.pi * each
        for each in np.meshgrid(np.arange(STEPS_ALONG) / STEPS_ALONG, np.arange(STEPS_AROUND) / STEPS_AROUND)
    )
    vertices, _ = tube(t.T.reshape(-1), angle.T.reshape(-1))
    i, j = np.meshgrid(np.arange(STEPS_ALONG), np.arange(STEPS_AROUND), indexing="ij")
    here = i * STEPS_AROUND + j
    ahead = (i + 1) % STEPS_ALONG * STEPS_AROUND + j
    beside = i * STEPS_AROUND + (j + 1) % STEPS_AROUND
    both = (i + 1) % STEPS_ALONG * STEPS_AROUND + (j + 1) % STEPS_AROUND
    faces = np.stack([here, both, ahead, here, beside, both], axis=-1).reshape(-1, 3)
    return Mesh(vertices, faces)
