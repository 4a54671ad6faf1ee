"""How an equation is written down: a class with a domain, a residual inside it, and conditions at its faces.

    class Burgers(Equation):
        domain, outputs, nu = Box(t=(0, 1), x=(-1, 1)), ("u",), 0.01 / math.pi
        def interior(self, d): return d.u_t + d.u * d.u_x - self.nu * d.u_xx
        @at(t=0)
        def initial(self, d): return d.u + torch.sin(math.pi * d.x)
        @at(x=(-1, 1))
        def walls(self, d): return d.u

What a residual is given, `d`, has the axes (`d.x`), the outputs (`d.u`), their derivatives (`d.u_x`, `d.u_tx`), unknown
coefficients and numbers, each of shape (N,). A residual has shape (N,); a tuple of such says several equations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.equations.domains import BOUNDARY, Place, Places, Region

Residual = Tensor | tuple[Tensor, ...]
# The condition that holds inside of the domain, and the one that compares outputs with measurements.
INTERIOR, DATA = "interior", "data"


@dataclass(frozen=True)
class Unknown:
    """A number that is to be found.

    Attributes:
        start: The value that it starts from.
        positive: Whether it is positive: it is then multiplied by what is fitted, not added to.
    """

    start: float
    positive: bool = False

    def __post_init__(self) -> None:
        if self.positive and not self.start > 0:
            raise UserError(f"Unknown({self.start}, positive=True) must start from a positive number.")

    def _refuse(self, *_: object) -> Any:
        raise UserError("an unknown number is read from what the residual is given: write d.nu and not self.nu.")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _refuse
    __pow__ = __rpow__ = _refuse


@dataclass(frozen=True)
class Condition:
    """A residual that has to vanish somewhere.

    Attributes:
        name: Its name in losses, weights and numbers of points.
        residual: Computes it.
        places: The faces at which it holds; empty for the interior.
        is_observed: Whether it holds at the measured places.
        is_prior: Whether it says of unknown coefficients what is likely; it then reads no output.
        region: The part of the domain in which it holds, where it has no places; None for all of it.
    """

    name: str
    residual: Callable[[Any], Residual]
    places: Places
    is_observed: bool = False
    is_prior: bool = False
    region: Region | None = None

    def on(self, domain: Region, uniform: Tensor) -> Tensor:
        """Map numbers (N, D) in [0, 1) to points (N, D) at which it holds."""
        return domain.on(self.places, uniform) if self.places else (self.region or domain).inside(uniform)


def at(**places: Place) -> Callable[[Callable], Callable]:
    """Say that a residual holds at faces: `@at(t=0)`, `@at(x=(-1, 1))` for two, `@at(boundary=True)` for all."""

    def mark(method: Callable) -> Callable:
        method.places = dict(places)  # type: ignore[attr-defined]
        return method

    return mark


def within(region: Region) -> Callable[[Callable], Callable]:
    """Say that a residual holds in a part of the domain: `@within(Disc(radius=0.1))`."""

    def mark(method: Callable) -> Callable:
        method.region = region  # type: ignore[attr-defined]
        return method

    return mark


def observed(method: Callable) -> Callable:
    """Say that a residual holds at the measured places; `d.measured.u` is what was measured there."""
    method.is_observed = True  # type: ignore[attr-defined]
    return method


def prior(method: Callable) -> Callable:
    """Say of unknown coefficients what is likely inside of the domain, such as few edges, by a residual."""
    method.is_prior = True  # type: ignore[attr-defined]
    return method


class Equation(ABC):
    """Find `outputs` such that `interior` and every condition vanish.

    Attributes:
        domain: Where it holds.
        outputs: Names of the functions that are sought.
        is_complex: Whether they are complex.
        coefficients: Names of the unknown coefficients that are sought with them, each with the value it starts from.
        truths: True values of unknown numbers, for scoring.
        detail: How many samples along an axis show the solution: the more, the finer the waves of the field.
        effort: Optimiser steps of `trainer.max_steps=auto` where the loss is not integrated.
        integrate: Whether a linear residual is integrated over a lattice unless `task.integrate` says otherwise: for
            waves, whose residual says little about the error.
        lattice: Cells along each axis of the lattice on which it is solved classically.
    """

    domain: Region
    outputs: tuple[str, ...] = ("u",)
    is_complex: bool = False
    coefficients: ClassVar[Mapping[str, float]] = {}
    truths: ClassVar[Mapping[str, float]] = {}
    detail: float = 128.0
    effort: int = 1500
    integrate: bool = False
    lattice: int = 64

    @abstractmethod
    def interior(self, d: Any) -> Residual:
        """The residual inside of the domain."""

    def hard(self, *coords: Tensor) -> tuple[Any, Any] | None:
        """Conditions that hold by construction: (offset, factor), each a function of the axes, (N,).

        The outputs are `offset + factor * network`. None if the network is the output.
        """
        return None

    def reference(self, *coords: Tensor) -> Any:
        """The exact outputs at points, axis by axis (N,) in float64; a tuple of several; None if they are not known.

        NaN marks places that are not scored.
        """
        return None

    def reference_coefficients(self, *coords: Tensor) -> Any:
        """The exact unknown coefficients, likewise."""
        return None

    def added(self, *coords: Tensor) -> Any:
        """A known part of the outputs, for which the residual accounts already; None if there is none."""
        return None

    def measurements(self, generator: np.random.Generator) -> Mapping[str, NDArray] | None:
        """Columns by name (axes and outputs) that stand in for a file of measurements; None if there are none."""
        return None

    @property
    def numbers(self) -> dict[str, Unknown]:
        """The unknown numbers by name."""
        return {name: value for name in dir(type(self)) if isinstance(value := getattr(type(self), name), Unknown)}

    def conditions(self) -> list[Condition]:
        """The interior, then every condition in the order in which the class says them."""
        own: dict[str, Any] = {}
        for base in reversed(type(self).__mro__):
            own |= vars(base)  # a condition that is None in a class is none of those that it inherits
        found = [Condition(INTERIOR, self.interior, {})]
        for name, each in own.items():
            places, is_observed = getattr(each, "places", None), getattr(each, "is_observed", False)
            region = getattr(each, "region", None)
            if places is not None:
                self.domain.require(places, f"{type(self).__name__}.{name}")
                found.append(Condition(name, getattr(self, name), places))
            elif is_observed or region is not None or getattr(each, "is_prior", False):
                is_prior = not is_observed and region is None
                found.append(Condition(name, getattr(self, name), {}, is_observed, is_prior, region))
        return found


__all__ = [
    "BOUNDARY",
    "DATA",
    "INTERIOR",
    "Condition",
    "Equation",
    "Residual",
    "Unknown",
    "at",
    "observed",
    "prior",
    "within",
]
