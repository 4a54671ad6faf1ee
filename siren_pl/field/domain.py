"""Domain: the facts about where a field lives on which the auto rules of networks (omega_0, lr, …) may depend.

Lattices of samples, point clouds and boxes for equations all provide one; this module knows none of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """Where a field lives, and how densely it was measured.

    Attributes:
        in_features: Coordinates D.
        out_features: Channels C.
        extent: Half of the domain's length along each axis, in coordinate units.
        spacing: Coordinate units between neighbouring measurements along each axis if they were spread evenly.
        resolution: Number of samples along the longest axis whose detail the field should be able to represent; along
            two units of length if axes have lengths of their own.
        density: Number of measurements along the same length if they were spread evenly.
        measurements: Number of measured places; where nothing is measured, the number of points to draw from.
    """

    in_features: int
    out_features: int
    extent: tuple[float, ...]
    spacing: tuple[float, ...]
    resolution: float
    density: float
    measurements: int
