"""A signal known by its samples on a regular grid: an image, a sound, a video. The ground truth of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.signals.grid import Grid, PixelCentres, Shape, coordinates


@dataclass(frozen=True, eq=False)
class SampledSignal:
    """Samples on a grid, some of which may be kept from training.

    Attributes:
        values: Float samples in [-1, 1], shape (n_1, …, n_D, C).
        name: What figures and logs call it.
        grid: Where the samples lie.
        heldout: Fraction in [0, 1) of samples kept from training and scored apart.
        seed: Seeds the choice of held-out samples.
    """

    values: Tensor
    name: str = "signal"
    grid: Grid = field(default_factory=PixelCentres)
    heldout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse samples that no field could be fitted to."""
        if not torch.isfinite(self.values).all():
            bad = int((~torch.isfinite(self.values)).sum())
            raise UserError(f"{self.name} holds {bad} values that are NaN or infinite: repair or crop the data first.")
        if not 0 <= self.heldout < 1:
            raise UserError(
                f"dataset.heldout={self.heldout} must lie in [0, 1): it is the fraction kept from training."
            )
        if self.heldout and not self.observed.any():
            raise UserError(f"dataset.heldout={self.heldout} leaves no sample of {self.name} to train on: lower it.")

    @property
    def shape(self) -> Shape:
        """Samples along each axis."""
        return tuple(self.values.shape[:-1])

    @property
    def in_features(self) -> int:
        """Number of coordinates D."""
        return self.values.dim() - 1

    @property
    def out_features(self) -> int:
        """Number of channels C."""
        return self.values.shape[-1]

    @property
    def pixels_per_unit(self) -> tuple[float, ...]:
        """Samples per coordinate unit along each axis."""
        return self.grid.pixels_per_unit(self.shape)

    @cached_property
    def observed(self) -> Tensor:
        """Which samples may be trained on: bool of the grid's shape; the same for the same seed and shape."""
        count = self.values[..., 0].numel()
        unseen = round(self.heldout * count)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))
        mask = torch.ones(count, dtype=torch.bool)
        mask[order[:unseen]] = False
        return mask.reshape(self.shape)

    @property
    def samples(self) -> float:
        """Observed samples along the longest axis, were they spread evenly: N times (observed fraction)^(1/D)."""
        return max(self.shape) * (1 - self.heldout) ** (1 / self.in_features)

    def coords(self, size: Shape | None = None) -> Tensor:
        """Coordinates (N, D) of every sample, or of a grid of another size over the same domain."""
        return coordinates(self.grid.axes(self.shape, size or self.shape))

    def on_grid(self, samples: Tensor) -> Tensor:
        """Bring flat samples (N, …) back to the grid's shape."""
        return samples.reshape(*self.shape, *samples.shape[1:])
