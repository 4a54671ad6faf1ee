"""Noise of a measurement; it depends only on the seed, the shape and the values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.seeds import seeded

Kind = Callable[[Tensor, float, torch.Generator], Tensor]


def gaussian(values: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """Add white noise of standard deviation `level` for pixels in [0, 1], twice that for values in [-1, 1]."""
    return values + 2 * level * torch.randn(values.shape, generator=generator, dtype=torch.float64).to(values)


def poisson(values: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """Draw photon noise: a white pixel counts 1 / level² photons, so that its standard deviation is `level`."""
    photons = 1 / level**2
    pixels = (values.double() / 2 + 0.5).clamp(0, 1)
    return (torch.poisson(pixels * photons, generator=generator) / photons * 2 - 1).to(values)


def salt_and_pepper(values: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """Make a fraction `level` of the pixels black or white."""
    chance = torch.rand(values.shape[:-1], generator=generator)[..., None]
    noisy = torch.where(chance < level / 2, torch.full_like(values, -1.0), values)
    return torch.where(chance > 1 - level / 2, torch.full_like(values, 1.0), noisy)


NOISES: dict[str, Kind] = {"gaussian": gaussian, "poisson": poisson, "salt_and_pepper": salt_and_pepper}


@dataclass(frozen=True)
class Noise:
    """Noise of one kind and strength.

    Attributes:
        kind: Adds noise of a strength to values by a generator.
        level: The strength for pixels in [0, 1]: a standard deviation, or a fraction.
        seed: Seeds the noise.
    """

    kind: Kind
    level: float
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a level outside [0, 1)."""
        if not 0 <= self.level < 1:
            raise UserError(
                f"{self.option} must lie in [0, 1): it is measured in pixels of [0, 1], so 25 of 255 is 0.098."
            )

    @property
    def option(self) -> str:
        """The option that asked for the noise, for error messages."""
        return f"task.sigma={self.level}"

    def __call__(self, values: Tensor) -> Tensor:
        """Add the noise to values in [-1, 1]."""
        return values if math.isclose(self.level, 0) else self.kind(values, self.level, seeded(self.seed))
