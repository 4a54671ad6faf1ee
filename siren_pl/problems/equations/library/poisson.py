"""Poisson's equation in a square, manufactured: the right-hand side follows from a solution that was chosen."""

import math

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at


class Poisson(Equation):
    """Δu = f with the values of u on the boundary."""

    domain = Box(x=(-1, 1), y=(-1, 1))

    def interior(self, d):
        """The equation: f = -5 π² sin(2πx + 1) cos(πy) + 2y."""
        waves = torch.sin(2 * math.pi * d.x + 1) * torch.cos(math.pi * d.y)
        return d.u_xx + d.u_yy + 5 * math.pi**2 * waves - 2 * d.y

    @at(boundary=True)
    def boundary(self, d):
        """The values of the solution."""
        return d.u - self.reference(d.x, d.y)

    def reference(self, x: Tensor, y: Tensor) -> Tensor:
        """The solution that was chosen."""
        return torch.sin(2 * math.pi * x + 1) * torch.cos(math.pi * y) + x**2 * y
