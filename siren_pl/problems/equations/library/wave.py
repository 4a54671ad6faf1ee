"""The wave equation on a string: two standing waves of a speed of 2 (PINNacle's Wave1d-C, Hao et al. 2024)."""

import math

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at


class Wave(Equation):
    """u_tt = c² u_xx from u = sin πx + sin(4πx) / 2 at rest, with fixed ends."""

    domain, speed = Box(t=(0, 1), x=(0, 1)), 2.0

    def interior(self, d):
        """The equation."""
        return d.u_tt - self.speed**2 * d.u_xx

    @at(t=0)
    def initial(self, d):
        """Two waves."""
        return d.u - self.reference(torch.zeros_like(d.x), d.x)

    @at(t=0)
    def velocity(self, d):
        """At rest."""
        return d.u_t

    @at(x=(0, 1))
    def ends(self, d):
        """Fixed."""
        return d.u

    def reference(self, t: Tensor, x: Tensor) -> Tensor:
        """Each wave turns by itself."""
        waves = ((1, 1.0), (4, 0.5))
        return sum(size * torch.cos(self.speed * k * math.pi * t) * torch.sin(k * math.pi * x) for k, size in waves)  # type: ignore[return-value] - it begins with the number 0
