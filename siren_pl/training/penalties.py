"""Penalties: what is believed of a field where nothing was measured, as weighted terms at random points of its domain.

Derivatives are exact, since a field is a jet, and are taken per measured sample, so that a weight means the same for a
thumbnail and for a poster. Values are in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.field.domain import Domain
from siren_pl.field.jet import Groups, Jet
from siren_pl.training.term import Points, Term

# Rounds the corner of a norm at zero, where it has no derivative: far below a step of 8 bits per sample.
CORNER = 1e-3
# Points of a step: the mean of a penalty is then known to a few percent. A small picture has fewer different places,
# hence at most two points per measured sample.
MOST_POINTS, PER_SAMPLE = 4096, 2

# From a jet at N points and the coordinate units between measured samples along each axis (D,) to a mean over points.
Measure = Callable[[Jet, Tensor], Tensor]


def total_variation(jet: Jet, spacing: Tensor) -> Tensor:
    """The length of the gradient, all channels together (Rudin, Osher and Fatemi 1992; Blomgren and Chan 1998)."""
    assert jet.gradient is not None
    return ((jet.gradient * _by_axis(spacing)).square().sum((0, 2)) + CORNER**2).sqrt().mean()


def curvature(jet: Jet, spacing: Tensor) -> Tensor:
    """The length of the pure second derivatives, all channels together: creases cost, slopes do not."""
    assert jet.second is not None
    return ((jet.second * _by_axis(spacing).square()).square().sum((0, 2)) + CORNER**2).sqrt().mean()


def spectral(jet: Jet, spacing: Tensor) -> Tensor:
    """The squared Laplacian: the energy at frequency ω counts |ω|⁴. Biharmonic interpolation has the least of it."""
    assert jet.second is not None
    return (jet.second * _by_axis(spacing).square()).sum(0).square().sum(-1).mean()


def _by_axis(spacing: Tensor) -> Tensor:
    """(D,) to (D, 1, 1), as derivatives stand."""
    return spacing[:, None, None]


@dataclass(frozen=True)
class Penalty(Term):
    """A weighted penalty at random points of a field's domain.

    Attributes:
        name: Of the loss.
        domain: Where the field lives.
        weight: What the penalty is multiplied by.
        measure: What is penalised.
        order: The derivatives it needs.
        groups: Every pure second derivative by itself, where second derivatives are needed.
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
        """As many points as the data have, and at most `MOST_POINTS`, evenly distributed over the domain."""
        extent, most = table["extent"], min(MOST_POINTS, PER_SAMPLE * self.domain.measurements)
        shape = (min(batch_size or most, most), len(extent))
        places = torch.rand(shape, generator=generator, device=extent.device, dtype=torch.float32)
        return table | {"coords": (2 * places - 1).to(extent) * extent}

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """The weighted penalty under its name."""
        return {self.name: points["weight"] * self.measure(jet, points["spacing"])}


def _apart(axes: int) -> Groups:
    """Every pure second derivative by itself."""
    return tuple(tuple(float(i == j) for j in range(axes)) for i in range(axes))


PENALTIES: dict[str, tuple[Measure, int]] = {
    "total_variation": (total_variation, 1),
    "curvature": (curvature, 2),
    "spectral": (spectral, 2),
}


def penalties(domain: Domain, **weights: float) -> dict[str, Term]:
    """A term for each penalty whose weight is above 0; the names are those of `PENALTIES`."""
    found: dict[str, Term] = {}
    for name, weight in weights.items():
        measure, order = PENALTIES[name]
        groups = _apart(domain.in_features) if order > 1 else None
        if weight > 0:
            found[name] = Penalty(name, domain, weight, measure, order, groups)
    return found
