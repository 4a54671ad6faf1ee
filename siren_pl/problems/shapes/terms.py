"""What is asked of a distance: zero on the surface, its normal for a gradient, and the cloud's distances around."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.field.jet import Jet
from siren_pl.problems.shapes.meshes import Array
from siren_pl.training.term import Points, Term, chosen_rows

# The official loss calls a place off the surface if exp(-100 |f|) is small there (Sitzmann et al. 2020, equation 6).
SHARPNESS = 100.0


def slope_error(gradient: Tensor) -> Tensor:
    """How far the length of the gradient (3, N, 1) is from one, as a mean (the eikonal equation)."""
    return (length(gradient) - 1).abs().mean()


def length(gradient: Tensor) -> Tensor:
    """The length of gradients (D, N, C), (N, C); it has a derivative at zero."""
    return (gradient.square().sum(0) + torch.finfo(gradient.dtype).tiny).sqrt()


@dataclass(frozen=True)
class OnSurface(Term):
    """The points of the cloud: the field is zero, its gradient is the normal where that is known, and of length one.

    Attributes:
        places: The points, (N, 3).
        normals: Their normals, or None.
        weight: Weight of the mean of |f|.
        normal_weight: Weight of the mean of 1 - cos(∇f, n).
        eikonal_weight: Weight of the mean of | |∇f| - 1 |.
    """

    places: Array = field(compare=False)
    normals: Array | None = field(compare=False)
    weight: float
    normal_weight: float
    eikonal_weight: float

    order = 1
    rows = ("coords", "normal")
    pointwise = True

    @override
    def points(self) -> Points:
        """The points, with their normals if there are any."""
        table = {"coords": torch.from_numpy(self.places).float()}
        return table if self.normals is None else table | {"normal": torch.from_numpy(self.normals).float()}

    @override
    def taken(self, table: Points, rows: Tensor) -> Points:
        """Select rows of every column."""
        return {key: column[rows] for key, column in table.items()}

    @override
    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """The weighted losses `surface`, `normal` and `eikonal`."""
        assert jet.gradient is not None
        found = {
            "surface": self.weight * jet.value.abs().mean(),
            "eikonal": self.eikonal_weight * slope_error(jet.gradient),
        }
        if "normal" in points:
            along = torch.einsum("dnc,nd->nc", jet.gradient, points["normal"])
            found["normal"] = self.normal_weight * (1 - along / length(jet.gradient)).mean()
        return found


@dataclass(frozen=True)
class OffSurface(Term):
    """Places around the cloud, half of them near it: the field is the distance, and nowhere zero.

    Attributes:
        places: The places, (2 M, 3): near ones first.
        distances: Signed distances to the cloud, (2 M,).
        weight: Weight of the mean of |f - distance|.
        away_weight: Weight of the mean of exp(-100 |f|).
    """

    places: Array = field(compare=False)
    distances: Array = field(compare=False)
    weight: float
    away_weight: float

    rows = ("coords", "distance")
    pointwise = True

    @override
    def points(self) -> Points:
        """The places and their distances."""
        return {
            "coords": torch.from_numpy(self.places).float(),
            "distance": torch.from_numpy(self.distances).float()[:, None],
        }

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw as many near places as others."""
        half = len(table["coords"]) // 2
        some = None if batch_size is None else max(1, batch_size // 2)
        chosen = chosen_rows(half, some, generator), chosen_rows(half, some, generator)
        if chosen[0] is None or chosen[1] is None:
            return table
        return self.taken(table, torch.cat([chosen[0], half + chosen[1]]))

    @override
    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """The weighted losses `distance` and `away`."""
        return {
            "distance": self.weight * (jet.value - points["distance"]).abs().mean(),
            "away": self.away_weight * (-SHARPNESS * jet.value.abs()).exp().mean(),
        }
