"""Penalties that say what a distance is where nothing was measured, each by the name under which it was published.

They are for clouds whose inside is not known, and are given to `shape_fit` by name; HotSpot's heat is used by itself if
a flood cannot tell inside from outside.

Letters: N points, f the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.field.jet import Groups
from siren_pl.problems.shapes.meshes import Array
from siren_pl.problems.shapes.terms import length, slope_error
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term, chosen_rows

# The slope at which HotSpot's heat falls off, per unit of length; in its paper it grows from 4 to 100.
HEAT_DECAY = 15.0
# The axes and the sums of two of them: second derivatives along these six directions are the whole Hessian.
DIRECTIONS = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1.0, 1.0, 0), (0, 1.0, 1.0), (1.0, 0, 1.0))
APART: Groups = tuple(tuple(float(i == j) for j in range(len(DIRECTIONS))) for i in range(len(DIRECTIONS)))
ALONG: Groups = ((1.0,),)

# Computes the mean of a penalty at coordinates (N, 3).
Penalise = Callable[[Ask, Tensor], Tensor]


class Kind(NamedTuple):
    """A penalty.

    Attributes:
        penalise: Computes it.
        order: The highest derivative that it needs.
        ends: The fractions of the run between which its weight falls to zero; (1, 1) for never.
    """

    penalise: Penalise
    order: int
    ends: tuple[float, float] = (1.0, 1.0)


def eikonal(ask: Ask, coords: Tensor) -> Tensor:
    """Mean of | |∇f| - 1 | (Gropp et al. 2020, IGR, equation 3; with the absolute value of SIREN's equation 6)."""
    gradient = ask(coords, 1).gradient
    assert gradient is not None
    return slope_error(gradient)


def divergence(ask: Ask, coords: Tensor) -> Tensor:
    """Mean of |Δf| (Ben-Shabat et al. 2022, DiGS, equation 6)."""
    return ask(coords, 2).laplacian.abs().mean()


def directional_divergence(ask: Ask, coords: Tensor) -> Tensor:
    """Mean of |∇fᵀ H ∇f| / |∇f|² (Yang et al. 2023, StEik, equation 13): the curvature of f along its own gradient.

    Unlike the Laplacian it is zero for every distance, so that it does not smooth the surface.
    """
    gradient = ask(coords, 1).gradient
    assert gradient is not None
    along = (gradient / length(gradient)).permute(2, 1, 0)  # (3, N, 1) -> (1, N, 3): a direction for each point
    second = ask(coords, 2, ALONG, along).second
    assert second is not None
    return second.abs().mean()


def singular_hessian(ask: Ask, coords: Tensor) -> Tensor:
    """Mean of |det H| (Wang et al. 2023, NSH, equation 4): the Hessian of a distance has an eigenvalue of zero."""
    second = ask(coords, 2, APART, coords.new_tensor(DIRECTIONS)).second
    assert second is not None
    xx, yy, zz, x_y, y_z, z_x = second[..., 0]
    xy, yz, zx = (x_y - xx - yy) / 2, (y_z - yy - zz) / 2, (z_x - zz - xx) / 2
    return (xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * zx) + zx * (xy * yz - yy * zx)).abs().mean()


def heat(ask: Ask, coords: Tensor) -> Tensor:
    """Mean of exp(-2λ|f|) (|∇f|² + 1) / 2 (Wang et al. 2025, HotSpot, equation 12): f is -log of a heat, over λ."""
    jet = ask(coords, 1)
    assert jet.gradient is not None
    return ((-2 * HEAT_DECAY * jet.value.abs()).exp() * (jet.gradient.square().sum(0) + 1) / 2).mean()


# DiGS' weight is whole for a fifth of the run and falls to zero at two fifths, as does StEik's; NSH's falls later.
KINDS: Mapping[str, Kind] = {
    "eikonal_around": Kind(eikonal, 1),
    "divergence": Kind(divergence, 2, (0.2, 0.4)),
    "directional_divergence": Kind(directional_divergence, 2, (0.2, 0.4)),
    "singular_hessian": Kind(singular_hessian, 2, (0.2, 0.5)),
    "heat": Kind(heat, 1),
}


@dataclass(frozen=True)
class ShapePenalty(Term):
    """A weighted penalty around the cloud, half of its points near it.

    Attributes:
        name: Its name in `KINDS`, which is that of its loss.
        places: Places (2 M, 3), near ones first.
        weight: Factor.
    """

    name: str
    places: Array = field(compare=False)
    weight: float

    pointwise = True

    @property
    def order(self) -> int:  # type: ignore[override] - follows from the name
        """The highest derivative that the penalty needs."""
        return KINDS[self.name].order

    @override
    def points(self) -> Points:
        return {"coords": torch.from_numpy(self.places).float(), "fade": torch.ones(())}

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw as many near places as others, and what is left of the weight."""
        half = len(table["coords"]) // 2
        some = None if batch_size is None else max(1, batch_size // 2)
        chosen = chosen_rows(half, some, generator), chosen_rows(half, some, generator)
        begin, end = KINDS[self.name].ends
        left = 1.0 if progress < begin else max(0.0, (end - progress) / (end - begin)) if end > begin else 1.0
        drawn = table | {"fade": torch.full_like(table["fade"], left)}
        if chosen[0] is None or chosen[1] is None:
            return drawn
        return self.taken(drawn, torch.cat([chosen[0], half + chosen[1]]))

    @override
    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        penalty = KINDS[self.name].penalise(ask, points["coords"])
        return {self.name: self.weight * points["fade"] * penalty}


def shape_penalties(places: Array, weights: Mapping[str, float]) -> dict[str, Term]:
    """A term for each penalty whose weight is above zero.

    Raises:
        UserError: There is no penalty of that name.
    """
    for name in weights:
        if name not in KINDS:
            raise UserError(f"{name} is no penalty of shapes: choose among {', '.join(KINDS)}.")
    return {name: ShapePenalty(name, places, weight) for name, weight in weights.items() if weight > 0}
