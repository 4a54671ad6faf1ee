"""An observation is a linear map from a field's samples to what was measured of them, with noise if there was any.

Tasks compare the *observed* field with the data, whatever the map is; omega_0, the number of steps and the scores ask
it how dense the data are and which samples are known as themselves.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from siren_pl.errors import UserError

Shape = tuple[int, ...]


class Observation(ABC):
    """What was measured of samples (n_1, …, n_D, C) on a grid of some shape (n_1, …, n_D)."""

    @abstractmethod
    def apply(self, values: Tensor) -> Tensor:
        """The linear map: samples (n_1, …, n_D, C) to measurements (…, C)."""

    @abstractmethod
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """The map's transpose: measurements (…, C) to samples (n_1, …, n_D, C)."""

    @abstractmethod
    def seen(self, shape: Shape) -> Tensor:
        """Which samples were measured each by itself: bool of the grid's shape."""

    @abstractmethod
    def count(self, shape: Shape) -> int:
        """How many places were measured."""

    @abstractmethod
    def density(self, shape: Shape) -> float:
        """Measurements along the longest axis, were they spread evenly."""

    def spacing(self, shape: Shape) -> tuple[float, ...]:
        """Samples from one measurement to the next along each axis: by default as if they were spread evenly."""
        return (max(shape) / self.density(shape),) * len(shape)

    def resolution(self, shape: Shape) -> float:
        """Samples along the longest axis whose detail a field should be able to hold: by default those measured."""
        return self.density(shape)

    @property
    @abstractmethod
    def option(self) -> str:
        """The option that asked for it, as an error message names it."""

    @abstractmethod
    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """The data laid out on the grid (n_1, …, n_D, C) for people to look at."""

    def measure(self, values: Tensor) -> Tensor:
        """What an instrument would have given: `apply`, with noise if there is any."""
        return self.apply(values)

    @property
    def linear(self) -> Observation:
        """The linear map alone, without its noise."""
        return self

    def read(self, picture: Tensor) -> Tensor:
        """The data in a picture that was measured already (m_1, …, m_D, C)."""
        return picture

    def fine(self, measured: Shape) -> Shape:
        """The shape of the samples that are looked for, from that of a measured picture."""
        return measured

    def require_pair(self, measured: Shape, truth: Shape) -> None:
        """Refuse a measured picture and a truth that cannot belong together.

        Raises:
            UserError: Naming both sizes.
        """
        if measured != truth:
            raise mismatch(measured, truth, "both must be of one size")


def mismatch(measured: Shape, truth: Shape, rule: str) -> UserError:
    """The error of a picture and a reference that do not match; shapes are rows × columns."""
    first, second = (" × ".join(map(str, shape)) for shape in (measured, truth))
    return UserError(
        f"dataset.reference is of {second} pixels and the measured picture of {first} (rows × columns), but {rule}: "
        "give the pair that belongs together."
    )


class Everything(Observation):
    """All samples, as they are."""

    def apply(self, values: Tensor) -> Tensor:
        """The samples themselves."""
        return values

    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """The data themselves."""
        return data

    def seen(self, shape: Shape) -> Tensor:
        """All of them; takes no memory."""
        return torch.ones((), dtype=torch.bool).expand(shape)

    def count(self, shape: Shape) -> int:
        """All."""
        return math.prod(shape)

    def density(self, shape: Shape) -> float:
        """The longest axis."""
        return float(max(shape))

    @property
    def option(self) -> str:
        """Nothing asked for it."""
        return "dataset.heldout=0"

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """The data themselves."""
        return data
