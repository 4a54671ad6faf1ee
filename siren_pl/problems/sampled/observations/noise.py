"""Noise of a chosen kind; it depends only on the seed, the shape and the values."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.field.seeds import seeded
from siren_pl.problems.sampled.observations.base import Everything, Observation, Shape

# How many times finer than its noisy data a field's frequencies may be, so that edges stay sharp; a penalty holds the
# noise down. A photograph of 256 pixels with noise of 25 levels had 26.3 dB with 1, 27.4 dB with 2, 27.9 dB with 3.
DETAIL = 3.0

Noise = Callable[[Tensor, float, torch.Generator], Tensor]


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


NOISES: dict[str, Noise] = {"gaussian": gaussian, "poisson": poisson, "salt_and_pepper": salt_and_pepper}


class Noisy(Observation):
    """Another observation, with noise.

    Args:
        noise: The kind of noise.
        level: Its strength for pixels in [0, 1]: a standard deviation, or a fraction.
        seed: Seeds the noise.
        observation: The observation without noise; all samples by default.
    """

    def __init__(self, noise: Noise, level: float, seed: int = 0, observation: Observation | None = None) -> None:
        self.noise, self.level, self.seed = noise, level, seed
        self.observation = observation or Everything()
        if not 0 <= level < 1:
            raise UserError(
                f"task.sigma={level} must lie in [0, 1): it is measured in pixels of [0, 1], so 25 of 255 is 0.098."
            )

    @property
    @override
    def option(self) -> str:
        return f"task.sigma={self.level}" if isinstance(self.observation, Everything) else self.observation.option

    @property
    @override
    def linear(self) -> Observation:
        return self.observation

    @override
    def apply(self, values: Tensor) -> Tensor:
        return self.observation.apply(values)

    @override
    def adjoint(self, data: Tensor, shape: Shape) -> Tensor:
        return self.observation.adjoint(data, shape)

    @override
    def seen(self, shape: Shape) -> Tensor:
        return self.observation.seen(shape)

    @override
    def count(self, shape: Shape) -> int:
        return self.observation.count(shape)

    @override
    def density(self, shape: Shape) -> float:
        return self.observation.density(shape)

    @override
    def spacing(self, shape: Shape) -> tuple[float, ...]:
        return self.observation.spacing(shape)

    def resolution(self, shape: Shape) -> float:
        """That of the observation, but at least `DETAIL` times the density of the data."""
        return max(self.observation.resolution(shape), DETAIL * self.density(shape))

    @override
    def picture(self, data: Tensor, shape: Shape) -> Tensor:
        return self.observation.picture(data, shape)

    @override
    def read(self, picture: Tensor) -> Tensor:
        return self.observation.read(picture)

    @override
    def fine(self, measured: Shape) -> Shape:
        return self.observation.fine(measured)

    @override
    def require_pair(self, measured: Shape, truth: Shape) -> None:
        self.observation.require_pair(measured, truth)

    def measure(self, values: Tensor) -> Tensor:
        """Apply the observation and add the noise."""
        clean = self.observation.measure(values)
        if math.isclose(self.level, 0):
            return clean
        return self.noise(clean, self.level, seeded(self.seed))


def noisy(noise: str = "gaussian", sigma: float = 0.0, seed: int = 0) -> Noisy:
    """Make an observation of all samples with gaussian, poisson or salt_and_pepper noise; see `Noisy`."""
    return Noisy(NOISES[noise], sigma, seed)
