"""Surfaces whose distance, normals and curvature are known in closed form, for the tests of shapes."""

from __future__ import annotations

import numpy as np
import torch

from siren_pl.problems.shapes.implicit import Implicit
from siren_pl.problems.shapes.meshes import Mesh


class Known(Implicit):
    """A distance that is written in torch, so that float64 autograd gives gradient and curvature."""

    def values(self, points: np.ndarray) -> np.ndarray:
        return self.distance(torch.from_numpy(points)).numpy()

    def gradients(self, points: np.ndarray) -> np.ndarray:
        places = torch.from_numpy(points).requires_grad_()
        (gradient,) = torch.autograd.grad(self.distance(places).sum(), places)
        return gradient.numpy()

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class Sphere(Known):
    radius = 0.7
    area, volume = 4 * np.pi * radius**2, 4 / 3 * np.pi * radius**3

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        return points.norm(dim=1) - self.radius


class Torus(Known):
    ring, tube = 0.6, 0.25
    area, volume = 4 * np.pi**2 * ring * tube, 2 * np.pi**2 * ring * tube**2

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        return torch.hypot(points[:, :2].norm(dim=1) - self.ring, points[:, 2]) - self.tube


class RoundedBox(Known):
    """A box with edges and corners rounded by a radius."""

    half, radius = (0.5, 0.35, 0.25), 0.15

    @property
    def volume(self) -> float:
        a, b, c, r = *self.half, self.radius  # Steiner's formula
        flat = 8 * a * b * c + 2 * r * 4 * (a * b + b * c + c * a)
        return flat + np.pi * r**2 * 2 * (a + b + c) + 4 / 3 * np.pi * r**3

    @property
    def area(self) -> float:
        a, b, c, r = *self.half, self.radius
        return 8 * (a * b + b * c + c * a) + 4 * np.pi * r * (a + b + c) + 4 * np.pi * r**2

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        beyond = points.abs() - torch.tensor(self.half, dtype=points.dtype)
        # A norm of zero has no derivative, and inside the box the deepest side counts.
        outside = beyond.clamp(min=0).square().sum(1).add(1e-30).sqrt()
        return outside + beyond.amax(1).clamp(max=0) - self.radius


KNOWN = (Sphere(), Torus(), RoundedBox())


def cube(side: float = 1.0) -> Mesh:
    """A cube around the middle, whose faces go counter-clockwise seen from outside."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float) * side / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [[q[0], q[i], q[i + 1]] for q in quads for i in (1, 2)]
    return Mesh(corners, np.array(faces, np.int64))


def volume(mesh: Mesh) -> float:
    """By the divergence theorem; positive if the triangles face outward."""
    return float((mesh.corners.mean(1) * mesh.areas_along_normals).sum() / 3)
