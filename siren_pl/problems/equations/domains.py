"""Where an equation holds: a box whose axes have names and ends, or a disc.

Both map uniform numbers to points inside or on faces.

Letters: N points, D axes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError

# A place along an axis, the two ends of one, or, for an axis called `boundary`, whether all of the boundary is meant.
Place = float | tuple[float, ...] | bool
Places = Mapping[str, Place]
# The name by which `at` means every face.
BOUNDARY = "boundary"


class Region(ABC):
    """Where an equation holds.

    Attributes:
        names: The axes, in the order of the coordinates.
        lower: The lower end of each axis.
        upper: The upper end.
        periodic: Axes whose ends are the same place.
    """

    names: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    periodic: tuple[str, ...] = ()

    @property
    def frame(self) -> tuple[tuple[float, float], ...]:
        """The ends that become -1 and 1 in the coordinates of networks: those of the axes, unless a region differs."""
        return tuple(zip(self.lower, self.upper, strict=True))

    @property
    def middle(self) -> tuple[float, ...]:
        """The middle of the frame along each axis."""
        return tuple((a + b) / 2 for a, b in self.frame)

    @property
    def half(self) -> tuple[float, ...]:
        """Half of the length of the frame along each axis: a network's coordinate is (x - middle) / half."""
        return tuple((b - a) / 2 for a, b in self.frame)

    @abstractmethod
    def inside(self, uniform: Tensor) -> Tensor:
        """Map numbers (N, D) in [0, 1) to points (N, D) that are spread evenly."""

    @abstractmethod
    def on(self, places: Places, uniform: Tensor) -> Tensor:
        """Map numbers (N, D) in [0, 1) to points (N, D) on the faces at some places."""

    @abstractmethod
    def contains(self, coords: Tensor) -> Tensor:
        """Which points (N, D) lie inside or on the boundary, (N,)."""

    def require(self, places: Places, said: str) -> None:
        """Refuse places that are none of this region.

        Raises:
            UserError: Naming what is wrong.
        """
        for name, place in places.items():
            if name == BOUNDARY:
                continue
            if name not in self.names:
                raise UserError(f"{said}: there is no axis {name}; the domain has {', '.join(self.names)}.")
            axis = self.names.index(name)
            for one in _several(place):
                if not self.lower[axis] <= one <= self.upper[axis]:
                    raise UserError(
                        f"{said}: {name}={one:g} lies outside of the domain, where {name} runs from "
                        f"{self.lower[axis]:g} to {self.upper[axis]:g}."
                    )
            if name in self.periodic:
                raise UserError(f"{said}: {name} is periodic, so it has no ends at which something could be said.")


class Box(Region):
    """A box: `Box(t=(0, 1), x=(-1, 1))`.

    Args:
        periodic: Names of the axes whose ends are the same place.
        frame: Ends that become -1 and 1 in the coordinates of networks, by axis, where they are not the axis's own.
        axes: The ends of every axis by its name, in the order of the coordinates.

    Raises:
        UserError: There is no axis, an end is not finite, or the ends are not in order.
    """

    def __init__(
        self,
        *,
        periodic: Sequence[str] = (),
        frame: Mapping[str, tuple[float, float]] | None = None,
        **axes: tuple[float, float],
    ) -> None:
        if not axes:
            raise UserError("Box() has no axis: write Box(t=(0, 1), x=(-1, 1)).")
        for name, ends in axes.items():
            if len(ends) != 2 or not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:  # noqa: PLR2004
                raise UserError(f"Box({name}={ends}): the two ends of an axis must be finite and in order.")
        for name in frame or {}:
            if name not in axes or name in periodic:
                raise UserError(f"Box(frame={frame}): there is no axis {name} with ends of its own.")
        for name in periodic:
            if name not in axes:
                raise UserError(f"Box(periodic={tuple(periodic)}): there is no axis {name}.")
        self.names = tuple(axes)
        self.lower, self.upper = (tuple(float(ends[i]) for ends in axes.values()) for i in (0, 1))
        self.periodic = (periodic,) if isinstance(periodic, str) else tuple(periodic)
        self._frame = {**axes, **(frame or {})}

    @property
    @override
    def frame(self) -> tuple[tuple[float, float], ...]:
        return tuple((float(a), float(b)) for a, b in (self._frame[name] for name in self.names))

    @override
    def inside(self, uniform: Tensor) -> Tensor:
        lower, upper = (uniform.new_tensor(ends) for ends in (self.lower, self.upper))
        return lower + uniform * (upper - lower)

    @override
    def on(self, places: Places, uniform: Tensor) -> Tensor:
        coords = self.inside(uniform)
        faces = self.faces(places)
        # The faces take turns, so that each has its share of any number of points.
        turn = torch.arange(len(coords), device=coords.device) % len(faces)
        for number, face in enumerate(faces):
            for axis, place in face.items():
                fixed = torch.where(turn == number, coords.new_tensor(place), coords[:, axis])
                coords = coords.index_copy(1, torch.tensor([axis], device=coords.device), fixed[:, None])
        return coords

    def faces(self, places: Places) -> list[dict[int, float]]:
        """Every face that some places mean, as the axes that it fixes; `boundary` means both ends of every axis."""
        if BOUNDARY in places:
            ends = zip(self.lower, self.upper, strict=True)
            own = [[{axis: end} for end in pair] for axis, pair in enumerate(ends) if self._has_ends(axis)]
            return [face for pair in own for face in pair]
        faces: list[dict[int, float]] = [{}]
        for name, place in places.items():
            axis = self.names.index(name)
            faces = [face | {axis: float(one)} for face in faces for one in _several(place)]
        return faces

    def _has_ends(self, axis: int) -> bool:
        return self.names[axis] not in self.periodic

    @override
    def contains(self, coords: Tensor) -> Tensor:
        lower, upper = (coords.new_tensor(ends) for ends in (self.lower, self.upper))
        return ((coords >= lower) & (coords <= upper)).all(-1)


class Disc(Region):
    """A disc of axes x and y: `Disc(radius=1)`.

    Args:
        radius: Its radius.
        centre: Its middle.
    """

    names = ("x", "y")

    def __init__(self, radius: float = 1.0, centre: tuple[float, float] = (0.0, 0.0)) -> None:
        if not (math.isfinite(radius) and radius > 0):
            raise UserError(f"Disc(radius={radius}): the radius must be a positive number.")
        self.radius, self.centre = float(radius), centre
        self.lower, self.upper = (tuple(c + sign * self.radius for c in centre) for sign in (-1, 1))

    @override
    def inside(self, uniform: Tensor) -> Tensor:
        return self._around(uniform[:, 0].sqrt(), uniform[:, 1])

    @override
    def on(self, places: Places, uniform: Tensor) -> Tensor:
        if set(places) != {BOUNDARY}:
            raise UserError("a Disc has one face: write @at(boundary=True).")
        return self._around(torch.ones_like(uniform[:, 0]), uniform[:, 1])

    def _around(self, distance: Tensor, turn: Tensor) -> Tensor:
        directions = torch.stack([(2 * math.pi * turn).cos(), (2 * math.pi * turn).sin()], 1)
        return distance.new_tensor(self.centre) + self.radius * distance[:, None] * directions

    @override
    def contains(self, coords: Tensor) -> Tensor:
        # A point of the circle may be rounded to lie outside of it.
        return (coords - coords.new_tensor(self.centre)).norm(dim=-1) <= self.radius * (1 + 1e-6)


def _several(place: Place) -> tuple[float, ...]:
    return tuple(place) if isinstance(place, (tuple, list)) else (float(place),)
