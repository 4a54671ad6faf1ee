"""What the equations of SIREN's own code share: losses of absolute values, and sources that are narrow Gaussians."""

import math
from typing import Any

import torch
from torch import Tensor

# The variance of a Helmholtz source; points around it in a step, within this radius.
VARIANCE, AROUND, RADIUS = 1e-4, 100, 0.05
# A point at a source counts as often as there are thousands of points, so points around one count as their thousands.
OF_POINTS = 1e3
# Beneath this a root has no slope, so that the loss of a residual of zero has a gradient of zero.
SMALLEST = 1e-12
# The value under which the code takes a Gaussian to be zero.
NOWHERE = 1e-5


def absolute(residual: Tensor) -> Tensor:
    """A residual whose square is the absolute value, or the sum of those of real and imaginary part."""
    if residual.is_complex():
        return torch.complex(absolute(residual.real), absolute(residual.imag))
    return residual.abs().clamp(min=SMALLEST).sqrt()


def gaussian(x: Any, y: Any, variance: float) -> Tensor:
    """The density of a normal distribution around the origin of the plane, cut off where it is small."""
    density = torch.exp(-(x**2 + y**2) / (2 * variance)) / (2 * math.pi * variance)
    return torch.where(density < NOWHERE, 0.0, density)
