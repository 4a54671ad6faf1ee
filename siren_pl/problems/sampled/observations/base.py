"""Observations: linear maps from the samples of a field to measurements, with noise if there is any.

Tasks compare the *observed* field with the data, whatever the map is. The rules for omega_0 and the number of steps,
and the scores, ask an observation how dense the data are and which samples were measured directly.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.sampled.observations.noise import NOISES, Noise

Shape = tuple[int, ...]


class Observation(ABC):
    """A way to measure samples (n_1, …, n_D, C) on a grid of any shape (n_1, …, n_D).

    Attributes:
        option: The option that asked for the observation, for error messages.
        noise: The noise of the measurements; None if there is none.
    """

    option: str
    noise: Noise | None = None

    @abstractmethod
    def apply(self, values: Tensor) -> Tensor:
        """Apply the linear map: samples (n_1, …, n_D, C) to measurements (…, C)."""

    @abstractmethod
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """Apply the map's transpose: measurements (…, C) to samples (n_1, …, n_D, C)."""

    @abstractmethod
    def observed(self, shape: Shape) -> Tensor:
        """Mark the samples that were measured directly: bool of the grid's shape."""

    @abstractmethod
    def count(self, shape: Shape) -> int:
        """The number of measured places."""

    @abstractmethod
    def density(self, shape: Shape) -> float:
        """The number of measurements along the longest axis if they were spread evenly."""

    def spacing(self, shape: Shape) -> tuple[float, ...]:
        """Samples from one measurement to the next along each axis: by default as if they were spread evenly."""
        return (max(shape) / self.density(shape),) * len(shape)

    def resolution(self, shape: Shape) -> float:
        """Samples along the longest axis whose detail the field should be able to represent; by default `density`."""
        return self.density(shape)

    @abstractmethod
    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """Arrange the data on the grid (n_1, …, n_D, C) for display."""

    def measure(self, values: Tensor) -> Tensor:
        """Simulate the instrument: `apply`, with noise if there is any."""
        clean = self.apply(values)
        return clean if self.noise is None else self.noise(clean)

    def under(self, noise: Noise) -> Self:
        """The same observation with noise."""
        noisy = copy.copy(self)
        noisy.noise = noise
        return noisy

    @property
    def told(self) -> str:
        """The option to name in errors: that of the noise if every sample was measured, else the observation's own."""
        return self.noise.option if self.noise is not None and isinstance(self, Everything) else self.option

    def read(self, picture: Tensor) -> Tensor:
        """Extract the data from a picture that already holds measurements (m_1, …, m_D, C)."""
        return picture

    def fine(self, measured: Shape) -> Shape:
        """The shape of the unknown samples, given the shape of a measured picture."""
        return measured

    def require_pair(self, measured: Shape, truth: Shape) -> None:
        """Refuse a measured picture and a truth whose sizes do not match.

        Raises:
            UserError: They do not match; the message names both sizes.
        """
        if measured != truth:
            raise mismatch(measured, truth, "both must be of one size")


def mismatch(measured: Shape, truth: Shape, rule: str) -> UserError:
    """Make the error for a picture and a reference that do not match; shapes are rows × columns."""
    first, second = (" × ".join(map(str, shape)) for shape in (measured, truth))
    return UserError(
        f"dataset.reference is of {second} pixels and the measured picture of {first} (rows × columns), but {rule}: "
        "give the pair that belongs together."
    )


class Everything(Observation):
    """The identity: all samples are measured directly."""

    option = "dataset.heldout=0"  # withholds nothing

    def apply(self, values: Tensor) -> Tensor:
        """Return the samples unchanged."""
        return values

    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """The data themselves."""
        return data

    def observed(self, shape: Shape) -> Tensor:
        """Mark all samples, in an expanded tensor that takes no memory."""
        return torch.ones((), dtype=torch.bool).expand(shape)

    def count(self, shape: Shape) -> int:
        """The number of samples."""
        return math.prod(shape)

    def density(self, shape: Shape) -> float:
        """The number of samples along the longest axis."""
        return float(max(shape))

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """The data themselves."""
        return data


def noisy(noise: str = "gaussian", sigma: float = 0.0, seed: int = 0) -> Everything:
    """Make an observation of all samples with gaussian, poisson or salt_and_pepper noise; see `Noise`."""
    return Everything().under(Noise(NOISES[noise], sigma, seed))
