"""A pulse on a square membrane with a fixed edge, from rest until its waves have come back from the edge."""

import math

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at

# Standing waves along each axis that make up the exact solution, of which the odd ones are there: the pulse is even.
WAVES = 41


class Wave2d(Equation):
    """u_tt = c² (u_xx + u_yy) from a Gaussian at rest."""

    domain = Box(t=(0, 1.5), x=(-1, 1), y=(-1, 1))
    speed, width = 1.0, 0.15

    def interior(self, d):
        """The equation."""
        return d.u_tt - self.speed**2 * (d.u_xx + d.u_yy)

    @at(t=0)
    def initial(self, d):
        """A pulse in the middle."""
        return d.u - torch.exp(-(d.x**2 + d.y**2) / (2 * self.width**2))

    @at(t=0)
    def velocity(self, d):
        """At rest."""
        return d.u_t

    @at(x=(-1, 1))
    def sides(self, d):
        """Fixed."""
        return d.u

    @at(y=(-1, 1))
    def ends(self, d):
        """Fixed."""
        return d.u

    def reference(self, t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The pulse as a sum of standing waves, each of which turns by itself."""
        numbers = torch.arange(1, WAVES, 2, dtype=torch.float64) * math.pi / 2
        # The Gaussian is so narrow that its integral with a wave may run over the whole axis.
        sizes = math.sqrt(2 * math.pi) * self.width * torch.exp(-((numbers * self.width) ** 2) / 2)
        sizes = sizes * torch.sin(numbers)
        along_y = sizes * torch.sin(numbers * (y[:, None] + 1))  # (N, waves)
        total = torch.zeros_like(t)
        for number, size in zip(numbers, sizes, strict=True):
            turning = torch.cos(self.speed * (numbers**2 + number**2).sqrt() * t[:, None])
            total += size * torch.sin(number * (x + 1)) * (along_y * turning).sum(1)
        return total
