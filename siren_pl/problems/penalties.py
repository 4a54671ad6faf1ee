"""Penalties: weighted terms at random points of a domain, which state how a field should behave between measurements.

Derivatives are exact, since fields return jets. They are taken per measured sample, so that a weight means the same for
a thumbnail and a poster. Values are in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.field.domain import Domain
from siren_pl.field.jet import Groups, Jet
from siren_pl.training.term import Points, Term

# Smooths a norm at zero, where it has no derivative; far below one 8-bit level per sample.
CORNER = 1e-3
# Points per step, enough to estimate the mean of a penalty to a few percent. A small picture has fewer distinct places,
# so it gets at most two points per measured sample.
MOST_POINTS, PER_SAMPLE = 4096, 2

# Maps a jet at N points, and the coordinate units between measured samples along each axis (D,), to a mean over points.
Measure = Callable[[Jet, Tensor], Tensor]


def total_variation(jet: Jet, spacing: Tensor) -> Tensor:
    """The norm of the gradient over all channels (Rudin, Osher and Fatemi 1992; Blomgren and Chan 1998)."""
    assert jet.gradient is not None
    return ((jet.gradient * _by_axis(spacing)).square().sum((0, 2)) + CORNER**2).sqrt().mean()


def curvature(jet: Jet, spacing: Tensor) -> Tensor:
    """The norm of the pure second derivatives over all channels: creases cost, slopes do not."""
    assert jet.second is not None
    return ((jet.second * _by_axis(spacing).square()).square().sum((0, 2)) + CORNER**2).sqrt().mean()


def spectral(jet: Jet, spacing: Tensor) -> Tensor:
    """The squared Laplacian, which weights the energy at frequency ω by |ω|⁴; biharmonic interpolation minimises it."""
    assert jet.second is not None
    return (jet.second * _by_axis(spacing).square()).sum(0).square().sum(-1).mean()


def _by_axis(spacing: Tensor) -> Tensor:
    """Reshape (D,) to (D, 1, 1), to multiply derivatives (D, N, C)."""
    return spacing[:, None, None]


@dataclass(frozen=True)
class Penalty(Term):
    """A weighted penalty at random points of a field's domain.

    Attributes:
        name: Name of the loss.
        domain: Domain of the field.
        weight: Factor of the penalty.
        measure: The quantity to penalise.
        order: The order of derivatives that it needs.
        groups: Groups that keep the pure second derivatives apart, if second derivatives are needed.
    """

    name: str
    domain: Domain = field(compare=False)
    weight: float = field(compare=False)
    measure: Measure
    order: int
    groups: Groups | None

    pointwise = True

    def points(self) -> Points:
        """Half the extent of the domain (D,), the weight (), and the coordinate units between measured samples (D,)."""
        return {
            "extent": torch.tensor(self.domain.extent),
            "weight": torch.tensor(self.weight),
            "spacing": torch.tensor(self.domain.spacing),
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw points from a uniform distribution over the domain: as many as the data have, at most `MOST_POINTS`."""
        extent, most = table["extent"], min(MOST_POINTS, PER_SAMPLE * self.domain.measurements)
        shape = (min(batch_size or most, most), len(extent))
        places = torch.rand(shape, generator=generator, device=extent.device, dtype=torch.float32)
        return table | {"coords": (2 * places - 1).to(extent) * extent}

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """The weighted penalty under its name."""
        return {self.name: points["weight"] * self.measure(jet, points["spacing"])}


def _apart(axes: int) -> Groups:
    """Groups that keep the pure second derivatives apart."""
    return tuple(tuple(float(i == j) for j in range(axes)) for i in range(axes))


PENALTIES: dict[str, tuple[Measure, int]] = {
    "total_variation": (total_variation, 1),
    "curvature": (curvature, 2),
    "spectral": (spectral, 2),
}


def penalties(domain: Domain, **weights: float) -> dict[str, Term]:
    """Make a term for each penalty whose weight is above 0; the names are those of `PENALTIES`."""
    found: dict[str, Term] = {}
    for name, weight in weights.items():
        measure, order = PENALTIES[name]
        groups = _apart(domain.in_features) if order > 1 else None
        if weight > 0:
            found[name] = Penalty(name, domain, weight, measure, order, groups)
    return found
