"""Learning-rate schedules: pure functions of the progress, so that a resumed run needs no scheduler state."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

# Maps progress in [0, 1) to a factor of the learning rate, at least 0.
Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """The same rate throughout, as in the SIREN paper."""
    return 1.0


@dataclass(frozen=True)
class Cosine:
    """A linear rise over `warmup` (a fraction of the run), then a half cosine down to `final` times the peak."""

    warmup: float = 0.0
    final: float = 0.0

    def __call__(self, progress: float) -> float:
        """The factor of the learning rate."""
        if progress < self.warmup:
            return (progress / self.warmup) * (1 - _START) + _START
        fall = (progress - self.warmup) / (1 - self.warmup)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * fall)) / 2


# Factor at the first step of a warm-up, which a rate of zero would waste.
_START = 0.01
