"""Burgers' equation with viscosity 0.01 / π: a sine steepens into a shock (Raissi et al. 2019, section 2.1)."""

import math

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at

# Nodes of the Gauss-Hermite quadrature of the exact solution.
NODES = 100


class Burgers(Equation):
    """u_t + u u_x = ν u_xx with u = -sin πx at first and no flow through the walls."""

    domain, outputs, nu = Box(t=(0, 1), x=(-1, 1)), ("u",), 0.01 / math.pi
    lattice, effort = 256, 3000

    def interior(self, d):
        """The equation."""
        return d.u_t + d.u * d.u_x - self.nu * d.u_xx

    @at(t=0)
    def initial(self, d):
        """A sine."""
        return d.u + torch.sin(math.pi * d.x)

    @at(x=(-1, 1))
    def walls(self, d):
        """Rest."""
        return d.u

    def reference(self, t: Tensor, x: Tensor) -> Tensor:
        """The integral of Cole and Hopf by Gauss-Hermite quadrature (Basdevant et al. 1986, equation 4)."""
        from scipy.special import roots_hermite

        nodes, weights = (torch.from_numpy(each) for each in roots_hermite(NODES))
        eta = x[:, None] - nodes * (4 * self.nu * t.clamp(min=1e-12))[:, None].sqrt()  # (N, nodes)
        # The largest exponent is taken out, since exp(1 / (2πν)) = e⁵⁰ comes near the end of the range.
        exponent = -torch.cos(math.pi * eta) / (2 * math.pi * self.nu)
        scaled = weights * torch.exp(exponent - exponent.max(1, keepdim=True).values)
        found = -(torch.sin(math.pi * eta) * scaled).sum(1) / scaled.sum(1)
        return torch.where(t <= 0, -torch.sin(math.pi * x), found)
