"""A square filled with a viscous fluid whose lid slides (the regularised cavity: the lid is slow near its ends)."""

from typing import Any

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at
from siren_pl.problems.equations.library.stream_function import DEGREE, cavity_flow


class Cavity(Equation):
    """(u·∇)u + ∇p = Δu / Re and ∇·u = 0 for the velocity (u, v) and the pressure p."""

    domain, outputs = Box(x=(0, 1), y=(0, 1)), ("u", "v", "p")
    reynolds = 100.0
    detail, effort = 48.0, 2000

    def interior(self, d):
        """Both components of the momentum, and the volume."""
        along_x = d.u * d.u_x + d.v * d.u_y + d.p_x - (d.u_xx + d.u_yy) / self.reynolds
        along_y = d.u * d.v_x + d.v * d.v_y + d.p_y - (d.v_xx + d.v_yy) / self.reynolds
        return along_x, along_y, d.u_x + d.v_y

    @at(y=1)
    def lid(self, d):
        """The fluid goes with the lid."""
        return d.u - lid(d.x), d.v

    @at(x=(0, 1))
    def sides(self, d):
        """The fluid sticks to the walls."""
        return d.u, d.v

    @at(y=0)
    def floor(self, d):
        """Likewise."""
        return d.u, d.v

    @at(x=0, y=0)
    def corner(self, d):
        """A pressure is known up to a constant."""
        return d.p

    def reference(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        """Chebyshev series of both velocities and of the pressure."""
        along_x, along_y = (_polynomials(2 * each - 1) for each in (x, y))
        return tuple(
            ((along_x @ torch.from_numpy(series)) * along_y).sum(-1) for series in cavity_flow(self.reynolds, lid)
        )


def lid(x: Any) -> Any:
    """The speed of the lid, one in its middle (Shen 1991)."""
    return 16 * x**2 * (1 - x) ** 2


def _polynomials(x: Tensor) -> Tensor:
    """Chebyshev's polynomials at places (N,) in [-1, 1]: (N, degree + 1)."""
    found = [torch.ones_like(x), x]
    while len(found) <= DEGREE:
        found.append(2 * x * found[-1] - found[-2])
    return torch.stack(found, -1)
