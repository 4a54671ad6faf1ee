"""Seamless cloning as an edit: gradients inside a mask, values outside (Pérez, Gangnet and Blake 2003)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.pictures.editing.edits import Edit, Material
from siren_pl.problems.pictures.editing.guidance import Rule
from siren_pl.problems.sampled.observations.base import Shape


class CloningEdit(Edit):
    """An observation of differences of neighbours inside a mask and across its rim, and of values outside.

    Args:
        material: See `Edit`.
        rule: See `Edit`; it is given the differences of the source and of the target, in this order.

    Attributes:
        pairs: Row numbers (2, P) of neighbours at least one of which is inside, starting with the vertical pairs.
        downward: Number of vertical pairs.
    """

    def __init__(self, material: Material, rule: Rule) -> None:
        super().__init__(material, rule)
        by_axis = neighbours(material.inside.numpy())
        self.downward, self.pairs = by_axis[0].shape[1], np.concatenate(by_axis, axis=1)
        self._differences = differences(self.pairs, material.inside.numel())

    @property
    @override
    def rim(self) -> Tensor:
        outside = ~self.material.inside
        reached = torch.zeros(outside.numel(), dtype=torch.bool)
        reached[torch.from_numpy(self.pairs).reshape(-1)] = True
        return reached.reshape(outside.shape) & outside

    @property
    def data(self) -> Tensor:
        """The wanted differences (P, C) by axis, then the values outside the mask: (P + M, C), float64."""
        material = self.material
        pictures = [*material.sources, material.target]
        gradients = torch.stack([self.gradients(self.apply(picture.double())) for picture in pictures])
        return torch.cat([self.rule(gradients[:, None])[0], material.target.double()[~material.inside]])

    @override
    def apply(self, values: Tensor) -> Tensor:
        flat = values.reshape(-1, values.shape[-1])
        first, second = torch.from_numpy(self.pairs)
        return torch.cat([flat[second] - flat[first], flat[~self.material.inside.reshape(-1)]])

    @override
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        gradients = self.gradients(data)
        values = torch.from_numpy(self._differences.T @ gradients.numpy()).to(data)
        values[~self.material.inside.reshape(-1)] += data[len(gradients) :]
        return values.reshape(*shape, -1)

    def observed(self, shape: Shape) -> Tensor:
        """Mark the samples outside the mask."""
        return ~self.material.inside

    def gradients(self, data: Tensor) -> Tensor:
        """The differences, which are the first rows."""
        return data[: self.pairs.shape[1]]

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """Solve the five-point Poisson problem with given values outside (Pérez et al., equation 7) by a sparse LU."""
        inside = self.material.inside.reshape(-1).numpy()
        gradients = self.gradients(data).double().numpy()
        values = np.zeros((inside.size, data.shape[-1]))
        values[~inside] = data[len(gradients) :].double().numpy()
        within = self._differences[:, inside]
        known = self._differences @ values
        values[inside] = linalg.splu((within.T @ within).tocsc()).solve(within.T @ (gradients - known))
        return torch.from_numpy(values).reshape(*shape, -1)


def neighbours(inside: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """For each axis, the row numbers (2, P) of neighbours along it at least one of which is inside.

    Raises:
        UserError: No sample is inside, or none is outside.
    """
    if not inside.any():
        raise UserError("task.mask is empty: white (more than half) marks the part to clone from the source.")
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
    """The matrix (P, N) that takes the differences second − first of pairs."""
    count = pairs.shape[1]
    rows, signs = np.tile(np.arange(count), 2), np.repeat([-1.0, 1.0], count)
    return sparse.csr_matrix((signs, (rows, pairs.ravel())), shape=(count, samples))
