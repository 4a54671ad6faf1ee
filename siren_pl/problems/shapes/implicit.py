"""A surface as the zero set of a function of space, negative inside: the fitted field, or a rival's formula."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch

from siren_pl.problems.shapes.clouds import Cloud
from siren_pl.problems.shapes.meshes import Array
from siren_pl.problems.shapes.pool import heights
from siren_pl.training.ask import Ask

# Points at which a field is evaluated at once: 128 numbers of each layer then stay within the caches.
BLOCK = 1 << 13


class Implicit(ABC):
    """A function whose zero set is a surface."""

    @abstractmethod
    def values(self, points: Array) -> Array:
        """The function at points (N, 3), (N,)."""

    @abstractmethod
    def gradients(self, points: Array) -> Array:
        """Its gradients there, (N, 3)."""


@dataclass(frozen=True)
class FieldDistance(Implicit):
    """The answer of a fit.

    Attributes:
        ask: Evaluates the field.
    """

    ask: Ask

    @torch.no_grad()
    def values(self, points: Array) -> Array:
        """The field's distance."""
        parts = torch.from_numpy(np.ascontiguousarray(points)).split(BLOCK)
        found = [self.ask.anew()(self.ask.placed(part)).value[:, 0].double() for part in parts]
        return torch.cat(found).cpu().numpy() if found else np.zeros(0)

    @torch.no_grad()
    def gradients(self, points: Array) -> Array:
        """The field's exact gradient."""
        parts = torch.from_numpy(np.ascontiguousarray(points)).split(BLOCK)
        found = []
        for part in parts:
            gradient = self.ask.anew()(self.ask.placed(part), 1).gradient
            assert gradient is not None
            found.append(gradient[:, :, 0].T.double())
        return torch.cat(found).cpu().numpy() if found else np.zeros((0, 3))


@dataclass(frozen=True)
class MovingPlanes(Implicit):
    """Implicit moving least squares of a cloud with normals (Kolluri 2005; Öztireli et al. 2009).

    Attributes:
        cloud: Points with normals.
        width: Standard deviation of the Gaussian that weights them.
    """

    cloud: Cloud
    width: float

    def values(self, points: Array) -> Array:
        """The mean height above the planes of the points around."""
        return heights(self.cloud, points, self.width)

    def gradients(self, points: Array) -> Array:
        """Central differences over a tenth of the width."""
        step = self.width / 10
        shifts = step * np.eye(3)
        return np.stack([(self.values(points + s) - self.values(points - s)) / (2 * step) for s in shifts], axis=1)
