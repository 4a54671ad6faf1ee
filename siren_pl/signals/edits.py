"""What is known of an edited picture: slopes that other pictures lend it, and values where it stays as it was.

Both kinds are observations: a linear map from samples to slopes (and values), data that some pictures gave for them,
and the samples that fit the data best, found directly. Those samples are the truth that a field is judged by.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.observations import Observation
from siren_pl.observations.base import Shape
from siren_pl.signals.guidance import Rule
from siren_pl.signals.stencils import GRADIENT_STENCILS


@dataclass(frozen=True)
class Material:
    """What an edit is made of; pictures are values (H, W, C) in [-1, 1].

    Attributes:
        target: The picture that is edited.
        sources: Pictures of its size whose slopes it is lent.
        names: What the pictures are called, the target first.
        inside: Where slopes are lent, bool (H, W).
        weights: How much of each picture, the target first, the mean of the edited one is made of.
    """

    target: Tensor
    sources: Tensor
    names: tuple[str, ...]
    inside: Tensor
    weights: tuple[float, ...]

    @property
    def pictures(self) -> Tensor:
        """All pictures (S, H, W, C), the target first."""
        return torch.cat([self.target[None], self.sources])

    @property
    def pasted(self) -> Tensor:
        """The first source copied into the target, (H, W, C)."""
        return torch.where(self.inside[..., None], self.sources[0], self.target)

    @property
    def blended(self) -> Tensor:
        """The weighted mean of all pictures (H, W, C), float64."""
        weights = torch.tensor(self.weights, dtype=torch.float64)
        return torch.tensordot(weights / weights.sum(), self.pictures.double(), dims=1)


class Edit(Observation):
    """An observation of slopes at every sample where they are lent, and of values at every other.

    Args:
        material: What it is made of.
        rule: Chooses the slopes, see `siren_pl.signals.guidance`.
    """

    def __init__(self, material: Material, rule: Rule) -> None:
        self.material, self.rule = material, rule

    @property
    def option(self) -> str:
        """See `Observation.option`."""
        return "task.mode"

    def count(self, shape: Shape) -> int:
        """Something is measured at every sample."""
        return math.prod(shape)

    def density(self, shape: Shape) -> float:
        """The longest axis."""
        return float(max(shape))

    @property
    @abstractmethod
    def data(self) -> Tensor:
        """What the pictures give for the map's measurements."""

    @abstractmethod
    def slopes(self, data: Tensor) -> Tensor:
        """The measurements that are slopes, in values per pixel (…, C)."""

    @property
    @abstractmethod
    def rim(self) -> Tensor | None:
        """Known samples beside lent ones, bool (H, W): the boundary; None where there is none."""


class GradientEdit(Edit):
    """The gradient at every sample, by a stencil; no value is known, so that a constant is open.

    Args:
        material: See `Edit`; all of it is inside.
        rule: See `Edit`; it is given the gradients of all pictures, the target's first.
        stencil: The derivative of samples, see `siren_pl.signals.stencils`.
    """

    def __init__(self, material: Material, rule: Rule, stencil: str) -> None:
        super().__init__(material, rule)
        self.stencil = GRADIENT_STENCILS[stencil]

    @property
    def rim(self) -> None:
        """There is none."""
        return None

    @property
    def data(self) -> Tensor:
        """The wanted gradient per pixel (2, H, W, C), float64."""
        return self.rule(torch.stack([self.apply(picture.double()) for picture in self.material.pictures]))

    def apply(self, values: Tensor) -> Tensor:
        """The stencil's gradient per pixel: (2, H, W, C)."""
        return torch.from_numpy(self.stencil.apply(values.double().numpy())).to(values)

    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """See `Observation.adjoint`."""
        return torch.from_numpy(self.stencil.adjoint(data.double().numpy())).to(data)

    def seen(self, shape: Shape) -> Tensor:
        """No sample is known by itself."""
        return torch.zeros((), dtype=torch.bool).expand(shape)

    def slopes(self, data: Tensor) -> Tensor:
        """All of them."""
        return data

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """The least-squares picture by cosine transforms, with the pictures' weighted mean (H, W, C)."""
        found = torch.from_numpy(self.stencil.solve(data.double().numpy()))
        return found + self.material.blended.mean((0, 1))


class CloningEdit(Edit):
    """Differences of neighbours inside a mask and across its rim, and values outside of it (Pérez et al. 2003).

    Args:
        material: See `Edit`.
        rule: See `Edit`; it is given the differences of the source and of the target, in this order.

    Attributes:
        pairs: Row numbers (2, P) of neighbours of which one at least is inside, those down a column first.
        downward: How many of them these are.
    """

    def __init__(self, material: Material, rule: Rule) -> None:
        super().__init__(material, rule)
        by_axis = neighbours(material.inside.numpy())
        self.downward, self.pairs = by_axis[0].shape[1], np.concatenate(by_axis, axis=1)
        self._differences = differences(self.pairs, material.inside.numel())

    @property
    def rim(self) -> Tensor:
        """See `Edit.rim`."""
        outside = ~self.material.inside
        reached = torch.zeros(outside.numel(), dtype=torch.bool)
        reached[torch.from_numpy(self.pairs).reshape(-1)] = True
        return reached.reshape(outside.shape) & outside

    @property
    def data(self) -> Tensor:
        """Wanted differences (P, C), axis by axis, then values outside of the mask: (P + M, C), float64."""
        material = self.material
        pictures = [*material.sources, material.target]
        slopes = torch.stack([self.slopes(self.apply(picture.double())) for picture in pictures])
        return torch.cat([self.rule(slopes[:, None])[0], material.target.double()[~material.inside]])

    def apply(self, values: Tensor) -> Tensor:
        """See `data`."""
        flat = values.reshape(-1, values.shape[-1])
        first, second = torch.from_numpy(self.pairs)
        return torch.cat([flat[second] - flat[first], flat[~self.material.inside.reshape(-1)]])

    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        """See `Observation.adjoint`."""
        slopes = self.slopes(data)
        values = torch.from_numpy(self._differences.T @ slopes.numpy()).to(data)
        values[~self.material.inside.reshape(-1)] += data[len(slopes) :]
        return values.reshape(*shape, -1)

    def seen(self, shape: Shape) -> Tensor:
        """The samples outside of the mask."""
        return ~self.material.inside

    def slopes(self, data: Tensor) -> Tensor:
        """The first rows."""
        return data[: self.pairs.shape[1]]

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """The five-point Poisson problem, bounded by the outside (Pérez et al. 2003, equation 7), by a sparse LU."""
        inside = self.material.inside.reshape(-1).numpy()
        slopes = self.slopes(data).double().numpy()
        values = np.zeros((inside.size, data.shape[-1]))
        values[~inside] = data[len(slopes) :].double().numpy()
        within = self._differences[:, inside]
        known = self._differences @ values
        values[inside] = linalg.splu((within.T @ within).tocsc()).solve(within.T @ (slopes - known))
        return torch.from_numpy(values).reshape(*shape, -1)


def neighbours(inside: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """For each axis the row numbers (2, P) of neighbours along it of which one at least is inside.

    Raises:
        UserError: No sample is inside, or none is outside.
    """
    if not inside.any():
        raise UserError("task.mask is empty: white (more than half) marks the part that is lent by the source.")
    if inside.all():
        raise UserError("task.mask touches nothing: leave some of the target black, which holds the clone in place.")
    numbers = np.arange(inside.size).reshape(inside.shape)
    found = []
    for axis, n in enumerate(inside.shape):
        low, high = (np.take(numbers, range(k, n - 1 + k), axis).ravel() for k in (0, 1))
        lent = inside.ravel()[low] | inside.ravel()[high]
        found.append(np.stack([low[lent], high[lent]]))
    return found


def differences(pairs: NDArray[np.int64], samples: int) -> sparse.csr_matrix:
    """The matrix (P, N) of differences second − first."""
    count = pairs.shape[1]
    rows, signs = np.tile(np.arange(count), 2), np.repeat([-1.0, 1.0], count)
    return sparse.csr_matrix((signs, (rows, pairs.ravel())), shape=(count, samples))
