"""Edits: a picture is determined by gradients from other pictures, and by its old values where it is unchanged.

An edit is an observation. It has a linear map from samples to gradients (and values), the data that some pictures give
for them, and the samples that fit the data best, which are computed directly. These samples are the truth by which a
field is judged.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.derivatives.inverses import adjoint, values_of_gradient
from siren_pl.problems.pictures.editing.guidance import Rule
from siren_pl.problems.sampled.observations import Observation
from siren_pl.problems.sampled.observations.base import Shape
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS


@dataclass(frozen=True)
class Material:
    """The pictures of an edit, with values (H, W, C) in [-1, 1], and how they are combined.

    Attributes:
        target: The picture to edit.
        sources: Pictures of the same size from which gradients are taken.
        names: The names of the pictures, the target's first.
        inside: The mask inside which gradients are taken from the sources, bool (H, W).
        weights: The weight of each picture, the target's first, in the mean of the edited picture.
    """

    target: Tensor
    sources: Tensor
    names: tuple[str, ...]
    inside: Tensor
    weights: tuple[float, ...]

    @property
    def pictures(self) -> Tensor:
        """All pictures, (S, H, W, C), the target first."""
        return torch.cat([self.target[None], self.sources])

    @property
    def pasted(self) -> Tensor:
        """The target with the first source copied into the mask, (H, W, C)."""
        return torch.where(self.inside[..., None], self.sources[0], self.target)

    @property
    def blended(self) -> Tensor:
        """The weighted mean of all pictures, (H, W, C), float64."""
        weights = torch.tensor(self.weights, dtype=torch.float64)
        return torch.tensordot(weights / weights.sum(), self.pictures.double(), dims=1)


class Edit(Observation):
    """An observation of gradients inside the mask, and of values outside.

    Args:
        material: The pictures.
        rule: Chooses the gradients, see `siren_pl.problems.pictures.editing.guidance`.
    """

    option = "task.mode"

    def __init__(self, material: Material, rule: Rule) -> None:
        self.material, self.rule = material, rule

    def count(self, shape: Shape) -> int:
        """The number of samples, since something is measured at each."""
        return math.prod(shape)

    def density(self, shape: Shape) -> float:
        """The number of samples along the longest axis."""
        return float(max(shape))

    @property
    @abstractmethod
    def data(self) -> Tensor:
        """The measurements that the pictures give."""

    @abstractmethod
    def gradients(self, data: Tensor) -> Tensor:
        """Select the measurements that are gradients, in values per pixel, (…, C)."""

    @property
    @abstractmethod
    def rim(self) -> Tensor | None:
        """The boundary, that is, the samples outside the mask next to it, bool (H, W); None without a mask."""


class GradientEdit(Edit):
    """An observation of a stencil's gradient at every sample; since no value is known, a constant is undetermined.

    Args:
        material: See `Edit`; all samples are inside the mask.
        rule: See `Edit`; it is given the gradients of all pictures, the target's first.
        stencil: The derivative of samples, see `siren_pl.problems.sampled.stencils`.
    """

    def __init__(self, material: Material, rule: Rule, stencil: str) -> None:
        super().__init__(material, rule)
        self.stencil = GRADIENT_STENCILS[stencil]

    @property
    def rim(self) -> None:
        """None, since there is no mask."""
        return None

    @property
    def data(self) -> Tensor:
        """The wanted gradient per pixel (2, H, W, C), float64."""
        return self.rule(torch.stack([self.apply(picture.double()) for picture in self.material.pictures]))

    def apply(self, values: Tensor) -> Tensor:
        """Compute the stencil's gradient per pixel, (2, H, W, C)."""
        return torch.from_numpy(self.stencil.apply(values.double().numpy())).to(values)

    @override
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        return torch.from_numpy(adjoint(self.stencil, data.double().numpy())).to(data)

    def observed(self, shape: Shape) -> Tensor:
        """Mark no sample, since no value is measured."""
        return torch.zeros((), dtype=torch.bool).expand(shape)

    def gradients(self, data: Tensor) -> Tensor:
        """All measurements."""
        return data

    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        """Compute the least-squares picture (H, W, C) by cosine transforms, with the pictures' weighted mean."""
        found = torch.from_numpy(values_of_gradient(self.stencil, data.double().numpy()))
        return found + self.material.blended.mean((0, 1))
