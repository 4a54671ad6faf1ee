"""What is known of a surface: points on it, their normals if there are any, and the true surface where that is known.

Coordinates are x, y, z as the file has them, moved to the centre of the bounding box and scaled by one number, so that
the longest side reaches from -0.9 to 0.9. Results are put back into the file's units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from siren_pl.field.domain import Domain
from siren_pl.problems.shapes.meshes import Array, Mesh
from siren_pl.training.problem import NOWHERE, Origin

# The longest half-side of a shape, which leaves the field some space around it; its domain is the cube [-1, 1]³.
HALF_SIDE, EXTENT = 0.9, 1.0
# Between these the resolution follows the sampling: N points on a surface are √N along an axis. More detail than the
# upper one needs more steps than a fit has, and waves coarser than the lower one cannot bend around a limb.
LEAST_RESOLUTION, MOST_RESOLUTION = 128.0, 213.0


@dataclass(frozen=True)
class Frame:
    """How the units of a file become the field's.

    Attributes:
        centre: The middle of the bounding box in the file's units.
        scale: The field's units per unit of the file.
    """

    centre: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: float = 1.0

    def into(self, points: Array) -> Array:
        """Points of the file (N, 3) in the field's units."""
        return (points - np.asarray(self.centre)) * self.scale

    def back(self, points: Array) -> Array:
        """Points of the field (N, 3) in the file's units."""
        return points / self.scale + np.asarray(self.centre)


def frame_of(points: Array) -> Frame:
    """The frame in which the longest side of the points' bounding box reaches from -0.9 to 0.9."""
    low, high = points.min(0), points.max(0)
    return Frame(tuple(((low + high) / 2).tolist()), float(2 * HALF_SIDE / (high - low).max()))


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points on a surface, in the field's units.

    Attributes:
        name: The name of the data.
        points: Shape (N, 3).
        normals: Outer unit normals, (N, 3); None if they are not known.
        frame: From the file's units to the field's.
        truth: The surface itself in the field's units; None if only points are known.
        noise: Standard deviation along each axis of the noise in the points.
        origin: Where the data were read from.
    """

    name: str
    points: Array
    normals: Array | None = None
    frame: Frame = Frame()
    truth: Mesh | None = None
    noise: float = 0.0
    origin: Origin = NOWHERE

    @cached_property
    def tree(self) -> KDTree:
        """The points, prepared for looking up the nearest."""
        return KDTree(self.points)

    @cached_property
    def spacing(self) -> float:
        """Typical distance between neighbouring points: the median to the third nearest, of at most 10,000 points."""
        some = self.points[:: max(1, len(self.points) // 10_000)]
        return float(np.median(self.tree.query(some, min(4, len(self.points)))[0][:, -1]))

    @property
    def domain(self) -> Domain:
        """The cube in which the field lives, measured as densely as the points lie on the surface."""
        along = float(np.sqrt(len(self.points)))
        resolution = min(max(along, LEAST_RESOLUTION), MOST_RESOLUTION)
        return Domain(3, 1, (EXTENT,) * 3, (self.spacing,) * 3, resolution, along, len(self.points))

    def without_normals(self) -> Cloud:
        """The same points alone."""
        return replace(self, normals=None)
