"""A conductivity from noisy measurements of a potential (the problem PInv of PINNacle, Hao et al. 2024)."""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at, observed

# Measurements that stand in for a file, and the deviation of their noise in deviations of the potential.
MEASUREMENTS, NOISE = 500, 0.01


class Coefficient(Equation):
    """-∇·(a ∇u) = f with f known, u measured at some places, and a unknown."""

    domain = Box(x=(0, 1), y=(0, 1))
    coefficients: ClassVar[Mapping[str, float]] = {"a": 0.5}
    detail = 48.0

    def interior(self, d):
        """The equation."""
        flow = d.a * (d.u_xx + d.u_yy) + d.a_x * d.u_x + d.a_y * d.u_y
        return flow + self.right_hand_side(d.x, d.y)

    @at(boundary=True)
    def boundary(self, d):
        """The potential of the edge is known."""
        return d.u

    @observed
    def data(self, d):
        """What was measured."""
        return d.u - d.measured.u

    def right_hand_side(self, x: Tensor, y: Tensor) -> Tensor:
        """f, from the solution and the coefficient that were chosen."""
        a = self.reference_coefficients(x, y)
        u = self.reference(x, y)
        u_x = math.pi * torch.cos(math.pi * x) * torch.sin(math.pi * y)
        u_y = math.pi * torch.sin(math.pi * x) * torch.cos(math.pi * y)
        a_x, a_y = -(a**2) * (4 * x - 2), -(a**2) * (4 * y - 2)
        return 2 * math.pi**2 * a * u - a_x * u_x - a_y * u_y

    def reference(self, x: Tensor, y: Tensor) -> Tensor:
        """The potential."""
        return torch.sin(math.pi * x) * torch.sin(math.pi * y)

    def reference_coefficients(self, x: Tensor, y: Tensor) -> Tensor:
        """The conductivity."""
        return 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)

    def measurements(self, generator: np.random.Generator) -> Mapping[str, NDArray]:
        """The potential at random places, with noise."""
        x, y = generator.uniform(0, 1, (2, MEASUREMENTS))
        u = np.sin(math.pi * x) * np.sin(math.pi * y)
        return {"x": x, "y": y, "u": u + NOISE * u.std() * generator.standard_normal(MEASUREMENTS)}
