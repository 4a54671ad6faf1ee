"""Priors: what is believed of a field where nothing was measured, as weighted terms at random points of its domain.

Derivatives are exact, since a field is a jet, and are taken per measured sample, so that a weight means the same for a
thumbnail and for a poster. Values are in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from siren_pl.jet import Groups, Jet
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.task import Points, Term

# Rounds the corner of a norm at zero, where it has no derivative: far below a step of 8 bits per sample.
CORNER = 1e-3
# Points at which a prior is looked at in a step: its mean is then known to a few percent. A small picture has fewer
# different places: so many per measured sample.
PRIOR_POINTS, PER_SAMPLE = 4096, 2

# A weight, or what finds it from what was measured.
Weight = float | Callable[[SampledSignal], float]
# From a jet at N points and the coordinate units between measured samples along each axis (D, N, 1) to a mean over
# points.
Penalty = Callable[[Jet, Tensor], Tensor]


def total_variation(jet: Jet, spacing: Tensor) -> Tensor:
    """The length of the gradient, all channels together (Rudin, Osher and Fatemi 1992; Blomgren and Chan 1998)."""
    assert jet.gradient is not None
    return ((jet.gradient * spacing).square().sum((0, 2)) + CORNER**2).sqrt().mean()


def curvature(jet: Jet, spacing: Tensor) -> Tensor:
    """The length of the pure second derivatives, all channels together: creases cost, slopes do not."""
    assert jet.second is not None
    return ((jet.second * spacing.square()).square().sum((0, 2)) + CORNER**2).sqrt().mean()


def spectral(jet: Jet, spacing: Tensor) -> Tensor:
    """The squared Laplacian: the energy at frequency ω counts |ω|⁴. Biharmonic interpolation has the least of it."""
    assert jet.second is not None
    return (jet.second * spacing.square()).sum(0).square().sum(-1).mean()


class Prior(Term):
    """A penalty on the field at random points of its domain.

    Args:
        name: Of the loss.
        weight: What it is multiplied by: a number, or a rule that finds it for a signal.
        penalty: What is penalised.
        order: The derivatives it needs.
    """

    pointwise = True

    def __init__(self, name: str, weight: Weight, penalty: Penalty, order: int) -> None:
        self.name, self.weight, self.penalty, self.order = name, weight, penalty, order

    def matters(self, signal: SampledSignal) -> bool:
        """Unless a rule finds no weight for this signal."""
        return self._weight(signal) > 0

    def _weight(self, signal: SampledSignal) -> float:
        return self.weight(signal) if callable(self.weight) else self.weight

    def points(self, signal: SampledSignal) -> Points:
        """Half the extent of the domain and the coordinate units between measured samples (D,), and the weight ()."""
        self._most = min(PRIOR_POINTS, PER_SAMPLE * signal.observed_count)
        self.groups = _apart(signal.in_features) if self.order == 2 else None  # noqa: PLR2004 - second derivatives
        return {
            "extent": torch.tensor(signal.extent),
            "weight": torch.tensor(self._weight(signal)),
            "spacing": max(signal.shape) / signal.density / torch.tensor(signal.pixels_per_unit),
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator) -> Points:
        """As many points as the data have, and at most `PRIOR_POINTS`, evenly distributed over the domain."""
        extent, count = table["extent"], min(batch_size or self._most, self._most)
        places = torch.rand(count, len(extent), generator=generator, device=extent.device, dtype=torch.float32)
        constants = {"spacing": table["spacing"].expand(count, -1), "weight": table["weight"].expand(count, 1)}
        return {"coords": (2 * places - 1).to(extent) * extent, **constants}

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """The weighted penalty under its name."""
        return {self.name: points["weight"].mean() * self.penalty(jet, points["spacing"].T[..., None])}


def _apart(axes: int) -> Groups:
    """Every pure second derivative by itself."""
    return tuple(tuple(float(i == j) for j in range(axes)) for i in range(axes))


PRIORS: dict[str, tuple[Penalty, int]] = {
    "total_variation": (total_variation, 1),
    "curvature": (curvature, 2),
    "spectral": (spectral, 2),
}


def priors(**weights: Weight) -> dict[str, Term]:
    """A term for each prior whose weight is not 0; the names are those of `PRIORS`."""
    return {name: Prior(name, weight, *PRIORS[name]) for name, weight in weights.items() if weight != 0}
