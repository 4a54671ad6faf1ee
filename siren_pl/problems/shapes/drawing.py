"""A picture of a mesh by a renderer of our own: triangles are cut into points, which a z-buffer sorts.

It needs no graphics library: the one that others use for this (VTK) takes 566 MB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.shapes.meshes import Array, Mesh, unit

Image = NDArray[np.float64]

# Directions to the camera and to the lamp, from behind the camera's left shoulder, and what points up in the picture.
CAMERA, LAMP, UP = (0.6, 0.45, 1.0), (-0.25, 0.6, 0.75), (0.0, 1.0, 0.0)
# The colour of a surface (red, green, blue), how much light comes from everywhere, and the background.
COLOUR, AMBIENT, BACKGROUND = (0.62, 0.72, 0.84), 0.25, 1.0
# Points are this part of a pixel apart, before two pixels each way are averaged to one.
APART, FINER = 0.7, 2
# Width of the picture over the longer side of what is seen.
MARGIN = 1.06
# Ratio of two numbers of pieces into which sides are cut.
GROWTH = 1.25
# Points that are sorted at once.
BLOCK = 1 << 20


def camera_axes(direction: tuple[float, ...] = CAMERA, up: tuple[float, ...] = UP) -> Array:
    """The picture's axes in space, (3, 3): to the right, up, and towards the camera."""
    towards = unit(np.asarray([direction], float))[0]
    right = unit(np.cross(up, towards)[None])[0]
    return np.stack([right, np.cross(towards, right), towards])


def rendered(mesh: Mesh, side: int = 480, direction: tuple[float, ...] = CAMERA) -> Image:
    """Draw a mesh in parallel projection.

    Args:
        mesh: The mesh, in the field's units.
        side: Pixels of the picture's sides.
        direction: From the mesh to the camera.

    Returns:
        Pixels (side, side, 3) in [0, 1].
    """
    axes, fine = camera_axes(direction), side * FINER
    seen = mesh.vertices @ axes.T
    low, high = (seen.min(0), seen.max(0)) if len(seen) else (-np.ones(3), np.ones(3))
    seen, unit_length = seen - (low + high) / 2, fine / (MARGIN * (high - low)[:2].max())
    depth = np.full(fine * fine, -np.inf)
    light = np.zeros(fine * fine)
    corners, normals = seen[mesh.faces], mesh.vertex_normals[mesh.faces] @ axes.T
    lamp = unit(np.asarray([LAMP]))[0]
    longest = np.linalg.norm(corners[:, :, :2] - np.roll(corners[:, :, :2], 1, axis=1), axis=2).max(1) * unit_length
    # Triangles of about one size are cut alike.
    pieces = np.ceil(GROWTH ** np.ceil(np.log(np.maximum(longest / APART, 1)) / np.log(GROWTH))).astype(np.int64)
    for number in np.unique(pieces):
        i, j = np.meshgrid(np.arange(number + 1), np.arange(number + 1), indexing="ij")
        i, j = i[i + j <= number] / number, j[i + j <= number] / number
        shares = np.stack([1 - i - j, i, j], axis=1)
        rows = np.flatnonzero(pieces == number)
        for start in range(0, len(rows), max(1, BLOCK // len(shares))):
            part = rows[start : start + max(1, BLOCK // len(shares))]
            points = np.einsum("sk,fkd->fsd", shares, corners[part]).reshape(-1, 3)
            directions = np.einsum("sk,fkd->fsd", shares, normals[part]).reshape(-1, 3)
            _place(depth, light, points, np.abs(unit(directions) @ lamp), unit_length, fine)
    shown = np.isfinite(depth)
    colours = np.where(
        shown[:, None], (AMBIENT + (1 - AMBIENT) * light)[:, None] * np.asarray(COLOUR) * 1.15, BACKGROUND
    )
    pixels = np.clip(colours, 0, 1).reshape(side, FINER, side, FINER, 3)
    return pixels.mean((1, 3))


def _place(depth: Array, light: Array, points: Array, brightness: Array, unit_length: float, fine: int) -> None:
    """Keep, for each pixel, the point that is nearest to the camera."""
    column = np.floor(points[:, 0] * unit_length + fine / 2).astype(np.int64)
    row = np.floor(fine / 2 - points[:, 1] * unit_length).astype(np.int64)
    kept = (column >= 0) & (column < fine) & (row >= 0) & (row < fine)
    pixel, height, brightness = (row * fine + column)[kept], points[kept, 2], brightness[kept]
    np.maximum.at(depth, pixel, height)
    seen = height == depth[pixel]
    light[pixel[seen]] = brightness[seen]
