"""How motions behave: they change little from place to place, but where the picture has an edge, and along no path."""

from __future__ import annotations

import torch
from torch import Tensor

from siren_pl.field.jet import Jet

# Smooths a norm at zero, where it has no derivative: slopes of a hundredth of a pixel per pixel do not tear a motion.
CORNER = 1e-2


def slopes(jet: Jet, per_pixel: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives of a motion.

    Args:
        jet: The field's jet at N points, of order 1, along (t, y, x); its values are the motion in pixels.
        per_pixel: Coordinate units of one interval, one row and one column, (3,).

    Returns:
        The change per interval (N, 2), and per pixel (2, N, 2), rows first.
    """
    assert jet.gradient is not None
    scaled = jet.gradient * per_pixel[:, None, None]
    return scaled[0], scaled[1:]


def material_derivative(motion: Tensor, in_time: Tensor, in_space: Tensor) -> Tensor:
    """The change of a motion along its own path, ∂v/∂t + (v · ∇) v, (N, 2), in pixels per interval squared.

    It is the acceleration, which is zero for things that move straight and evenly, whatever their speed.

    Args:
        motion: v, (N, 2).
        in_time: ∂v/∂t, (N, 2).
        in_space: ∂v/∂x, (2, N, 2), the direction first.
    """
    return in_time + torch.einsum("nd,dnc->nc", motion, in_space)


def length(vectors: Tensor) -> Tensor:
    """The norm over the last axis, smooth at zero."""
    return (vectors.square().sum(-1) + CORNER**2).sqrt()
