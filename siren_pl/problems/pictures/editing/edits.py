"""What is known of an edited picture: slopes that other pictures lend it, and values where it stays as it was.

An edit is an observation: a linear map from samples to slopes (and values), data that some pictures gave for them, and
the samples that fit the data best, found directly. Those samples are the truth that a field is judged by.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.pictures.editing.guidance import Rule
from siren_pl.problems.sampled.observations import Observation
from siren_pl.problems.sampled.observations.base import Shape
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS


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
        rule: Chooses the slopes, see `siren_pl.problems.pictures.editing.guidance`.
    """

    def __init__(self, material: Material, rule: Rule) -> None:
        self.material, self.rule = material, rule

    @property
    @override
    def option(self) -> str:
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
        stencil: The derivative of samples, see `siren_pl.problems.sampled.stencils`.
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

    @override
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
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
