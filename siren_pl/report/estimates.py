"""Means with their standard errors, and gaps between settings measured on the same replicates."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

# A gap of fewer standard errors than this is a tie.
CLEAR = 2.0


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates.

    Attributes:
        mean: The mean.
        error: Its standard error; None for a single replicate.
        count: Number of replicates.
    """

    mean: float
    error: float | None
    count: int

    def text(self, form: str) -> str:
        """Format as `mean ± error`, both in a format such as `.2f`; only the mean if there is no error."""
        return f"{self.mean:{form}}" if self.error is None else f"{self.mean:{form}} ± {self.error:{form}}"

    @property
    def is_clear(self) -> bool:
        """Whether the mean differs from zero by more than two standard errors."""
        return self.error is not None and abs(self.mean) > CLEAR * self.error


def estimate(values: Iterable[float]) -> Estimate | None:
    """The mean and standard error of values; None without values."""
    numbers = np.asarray(list(values), dtype=np.float64)
    if not numbers.size:
        return None
    error = float(numbers.std(ddof=1) / math.sqrt(numbers.size)) if numbers.size > 1 else None
    return Estimate(float(numbers.mean()), error, numbers.size)


def gap(first: Mapping[Hashable, float], second: Mapping[Hashable, float]) -> Estimate | None:
    """Estimate by how much `first` exceeds `second`, by replicate, so that what both share (seed, image) cancels."""
    return estimate(value - second[unit] for unit, value in first.items() if unit in second)
