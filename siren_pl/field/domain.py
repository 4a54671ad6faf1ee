"""A domain is where a field lives: all that the rules of a network (omega_0, bandwidths, its learning rate) may ask.

A lattice of samples, a point cloud and a box for an equation are each one; none of them is known here.
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
        spacing: Coordinate units between neighbouring measurements along each axis, were they spread evenly.
        resolution: Samples along the longest axis whose detail the field should be able to hold; along two units of
            length, where axes have lengths of their own.
        density: Measurements along the same length, were they spread evenly.
        measurements: How many places were measured; points to be drawn from where nothing was measured.
    """

    in_features: int
    out_features: int
    extent: tuple[float, ...]
    spacing: tuple[float, ...]
    resolution: float
    density: float
    measurements: int
