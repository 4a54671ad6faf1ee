"""A signal known by its samples on a regular grid (an image, a sound, a video): the ground truth of a run.

Training sees only what an *observation* measured of the samples: all of them, some, a smaller picture, noisy ones.

Samples keep the type that they came in, and the coordinates and values of a large signal may not fit into memory as
floats. Code that needs them for all samples at once asks `is_large` first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.domain import Domain
from siren_pl.problems.sampled.grid import Grid, PixelCentres, Shape, coordinates, coordinates_at
from siren_pl.problems.sampled.kind import Samples
from siren_pl.problems.sampled.levels import INTEGERS, decoded
from siren_pl.problems.sampled.observations import Everything, Mask, Observation
from siren_pl.problems.sampled.observations.masks import PORTION, GivenMask, row_type

# The largest signal that is held and judged as a whole, in numbers (samples times channels): scores and figures then
# take 70 to 140 bytes a number, about 1 GB here. DIV2K's 2040 × 1356 colour images are just below.
MOST_NUMBERS = 1 << 23
# Fixed, so that an excerpt is the same in every run.
EXCERPT_SEED = 0
# How many times finer than its noisy data a field's frequencies may be, so that edges stay sharp; a penalty holds the
# noise down. A photograph of 256 pixels with noise of 25 levels had 26.3 dB with 1, 27.4 dB with 2, 27.9 dB with 3.
DETAIL = 3.0


@dataclass(frozen=True, eq=False)
class SampledSignal:
    """Samples on a grid and what was measured of them.

    Attributes:
        stored: Samples as they came, shape (n_1, …, n_D, C): floats in [-1, 1], or uint8 or uint16, whose whole range
            represents [-1, 1]. If the truth is not given (`has_truth`), these are the data laid out on the grid.
        name: The signal's name in figures and logs.
        grid: Where the samples lie.
        observation: How the samples were measured; training sees only these measurements.
        data: The measurements (…, C) if they were given; None if they are to be computed from the samples.
        has_truth: Whether the samples are the truth, against which a field can be scored.
        container: The kind of the samples, which says how a file, if any, held them; results are written likewise.
    """

    stored: Tensor
    name: str = "signal"
    grid: Grid = field(default_factory=PixelCentres)
    observation: Observation = field(default_factory=Everything)
    data: Tensor | None = None
    has_truth: bool = True
    container: Any = field(default_factory=Samples)

    def __post_init__(self) -> None:
        """Refuse samples that no field could be fitted to."""
        if self.stored.dtype not in INTEGERS:
            self._require_finite_floats()
        if self.stored.numel():
            self.observation.count(self.shape)  # raises if nothing is left

    def _require_finite_floats(self) -> None:
        if not self.stored.is_floating_point():
            raise UserError(
                f"{self.name} holds samples of type {self.stored.dtype}: give uint8, uint16 or floats in [-1, 1]."
            )
        # The extremes are NaN or infinite if any sample is, and computing them takes no memory.
        if self.stored.numel() and not torch.stack(torch.aminmax(self.stored)).isfinite().all():
            bad = int((~torch.isfinite(self.stored)).sum())
            raise UserError(f"{self.name} holds {bad} values that are NaN or infinite: repair or crop the data first.")

    @property
    def shape(self) -> Shape:
        """Number of samples along each axis."""
        return tuple(self.stored.shape[:-1])

    @property
    def in_features(self) -> int:
        """Number of coordinates D."""
        return self.stored.dim() - 1

    @property
    def out_features(self) -> int:
        """Number of channels C."""
        return self.stored.shape[-1]

    @property
    def is_large(self) -> bool:
        """Whether there are too many samples to hold them all as floats with what is computed from them."""
        return self.stored.numel() > MOST_NUMBERS

    @property
    def pixels_per_unit(self) -> tuple[float, ...]:
        """Samples per coordinate unit along each axis."""
        return self.grid.pixels_per_unit(self.shape)

    @property
    def values(self) -> Tensor:
        """All samples as floats in [-1, 1], shape (n_1, …, n_D, C); cached unless the signal is large."""
        return decoded(self.stored) if self.is_large else self._values

    @cached_property
    def _values(self) -> Tensor:
        return decoded(self.stored)

    @cached_property
    def measured(self) -> Tensor:
        """The measurements (…, C), floats in [-1, 1] unless noise overshot."""
        return self.observation.measure(self.values) if self.data is None else decoded(self.data)

    @property
    def given(self) -> Tensor:
        """The measurements laid out on the grid (n_1, …, n_D, C); derivatives are taken of them, not of the truth."""
        return self.values if self.is_plain else self.observation.picture(self.measured, self.shape)

    @cached_property
    def observed(self) -> Tensor:
        """Which samples were measured individually: bool of the grid's shape."""
        return self.observation.observed(self.shape)

    @property
    def is_plain(self) -> bool:
        """Whether the measurements are samples of the signal itself, some or all, as they are stored."""
        return self.data is None and not self.observation.noise and isinstance(self.observation, (Everything, Mask))

    @property
    def has_gaps(self) -> bool:
        """Whether some samples were measured individually and some were not."""
        return bool(self.observed.any()) and not self.observed.all()

    @property
    def withheld(self) -> str:
        """The option that withholds samples from training, as an error message names it."""
        return self.observation.told

    @property
    def observed_count(self) -> int:
        """How many places were measured."""
        return self.observation.count(self.shape)

    def observed_rows(self) -> Tensor:
        """Row numbers of the observed samples in the flattened grid: (M,), in the smallest type that holds them."""
        mask = self.observed.reshape(-1)
        rows = torch.empty(self.observed_count, dtype=row_type(len(mask)))
        filled = 0
        for start in range(0, len(mask), PORTION):
            found = mask[start : start + PORTION].nonzero().flatten() + start
            rows[filled : filled + len(found)] = found
            filled += len(found)
        return rows

    @property
    def extent(self) -> tuple[float, ...]:
        """Half of the domain's length along each axis, in coordinate units."""
        return tuple(n / 2 / unit for n, unit in zip(self.shape, self.pixels_per_unit, strict=True))

    @property
    def domain(self) -> Domain:
        """The facts about the signal on which the rules of networks and runs depend."""
        observation, shape = self.observation, self.shape
        detail, density = observation.resolution(shape), observation.density(shape)
        if observation.noise is not None:
            detail = max(detail, DETAIL * density)
        # Samples along two coordinate units, per sample along the longest axis.
        closeness = self.grid.samples(shape) / max(shape)
        spacing = zip(observation.spacing(shape), self.pixels_per_unit, strict=True)
        return Domain(
            in_features=self.in_features,
            out_features=self.out_features,
            extent=self.extent,
            spacing=tuple(samples / unit for samples, unit in spacing),
            resolution=float(detail * closeness),
            density=float(density * closeness),
            measurements=self.observed_count,
        )

    def coords(self, size: Shape | None = None) -> Tensor:
        """Coordinates (N, D) of every sample, or of a grid of another size over the same domain."""
        return coordinates(self.grid.axes(self.shape, size or self.shape))

    def midline(self) -> Tensor:
        """Coordinates (n, D) along the last axis, through the middle of the others."""
        line = torch.zeros(self.shape[-1], self.in_features)
        line[:, -1] = self.grid.axes(self.shape, self.shape)[-1]
        return line

    def excerpt(self, count: int) -> Excerpt:
        """`count` distinct samples (or all), chosen at random but always the same for a shape."""
        everything = math.prod(self.shape)
        generator = np.random.default_rng(EXCERPT_SEED)
        chosen = generator.choice(everything, min(count, everything), replace=False, shuffle=False)
        rows = torch.from_numpy(np.sort(chosen))  # in the order of the file, which may be memory-mapped
        values = decoded(self.stored.reshape(-1, self.out_features)[rows])
        coords = coordinates_at(self.grid.axes(self.shape, self.shape), rows).float()
        observed = self.observed.reshape(-1)[rows]
        observation = GivenMask(observed, self.withheld) if observed.any() else Everything()
        return Excerpt(coords, SampledSignal(values, self.name, observation=observation))


class Excerpt(NamedTuple):
    """Some of a signal's samples.

    Attributes:
        coords: Coordinates of the samples (N, D), float32.
        signal: The samples as a signal of one axis: values (N, C), and which of them may be trained on.
    """

    coords: Tensor
    signal: SampledSignal


def require_whole(signal: SampledSignal) -> None:
    """Refuse a signal whose derivatives, computed for all samples at once in double precision, would fill memory."""
    if signal.is_large:
        size = " × ".join(map(str, signal.shape))
        raise UserError(
            f"{signal.name} has {size} samples of {signal.out_features} channels: derivatives are supervised on "
            f"signals of up to {MOST_NUMBERS} numbers. Choose a smaller dataset.size, a dataset.crop, or image_fit."
        )
