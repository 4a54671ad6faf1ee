"""The wave equation as SIREN's code solves it: a narrow pulse at rest, absolute values of residuals, a growing time."""

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at
from siren_pl.problems.equations.library.paper import absolute, gaussian

# The variance of the pulse, and by how much less than its density it is.
VARIANCE, PEAK = 5e-4, 50
# Wave numbers of the exact solution, up to where nothing is left of the pulse.
NUMBERS, HIGHEST = 400, 260.0
# Weights of the pulse and of its rest: N / 10 and N / 100 for N points, of which 2,000 are at t = 0.
POINTS, AT_START = 340**2, 2000


class PaperWave(Equation):
    """u_tt = u_xx + u_yy in the open plane; nothing is said of the walls, which the waves do not reach."""

    domain = Box(t=(0, 0.4), x=(-1, 1), y=(-1, 1), frame={"t": (-1, 1)})
    detail = 128.0

    def interior(self, d):
        """The equation."""
        return absolute(d.u_tt - d.u_xx - d.u_yy)

    @at(t=0)
    def initial(self, d):
        """The pulse, whose sum over its points counts as often as a tenth of all points."""
        return (AT_START / 10) ** 0.5 * absolute(d.u - self._pulse(d.x, d.y))

    @at(t=0)
    def velocity(self, d):
        """At rest, likewise with a hundredth."""
        return (AT_START / 100) ** 0.5 * absolute(d.u_t)

    def _pulse(self, x: Tensor, y: Tensor) -> Tensor:
        """A Gaussian whose top is a fiftieth."""
        zero = torch.zeros_like(x)
        return gaussian(x, y, VARIANCE) / (PEAK * gaussian(zero, zero, VARIANCE))

    def reference(self, t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """∫ g(k) cos(k t) J₀(k r) k dk, with the transform g of the Gaussian (Fourier and Bessel)."""
        k = torch.linspace(0, HIGHEST, NUMBERS, dtype=torch.float64)
        sizes = VARIANCE / PEAK * torch.exp(-(k**2) * VARIANCE / 2) * k * (k[1] - k[0])
        r = torch.sqrt(x**2 + y**2)
        return sum(  # type: ignore[return-value]
            size * torch.cos(number * t) * torch.special.bessel_j0(number * r)
            for number, size in zip(k, sizes, strict=True)
        )
