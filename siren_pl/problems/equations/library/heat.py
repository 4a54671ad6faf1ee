"""The heat equation on a rod whose ends are kept cold, with two waves that decay at rates of their own."""

import math

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at


class Heat(Equation):
    """u_t = α u_xx with u = sin πx + sin(3πx) / 2 at first."""

    domain, alpha = Box(t=(0, 1), x=(0, 1)), 0.1
    detail = 64.0

    def interior(self, d):
        """The equation."""
        return d.u_t - self.alpha * d.u_xx

    @at(t=0)
    def initial(self, d):
        """Two waves."""
        return d.u - self.reference(torch.zeros_like(d.x), d.x)

    @at(x=(0, 1))
    def ends(self, d):
        """Cold."""
        return d.u

    def reference(self, t: Tensor, x: Tensor) -> Tensor:
        """Each wave decays by itself."""
        waves = ((1, 1.0), (3, 0.5))
        return sum(
            size * torch.exp(-self.alpha * (k * math.pi) ** 2 * t) * torch.sin(k * math.pi * x) for k, size in waves
        )  # type: ignore[return-value] - it begins with the number 0
