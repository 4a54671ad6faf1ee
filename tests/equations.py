"""Equations and fields for tests: a residual that reads given streams, and a small SIREN in float64 with its `Ask`."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.field.networks import Siren
from siren_pl.field.networks.bundle import Bundle
from siren_pl.problems.equations import Box, Equation
from siren_pl.problems.equations.constraints import features
from siren_pl.problems.equations.streams import COEFFICIENTS, SOLUTION
from siren_pl.training.ask import Ask
from siren_pl.training.fields import ask_of


def equation(residual: Callable[[Any], Any], **attributes: Any) -> Equation:
    """An equation on (0, 1) × (-1, 2) of this interior, with some attributes replaced."""
    chosen = {"domain": Box(t=(0, 1), x=(-1, 2))} | attributes
    return type("Own", (Equation,), {"interior": lambda self, d: residual(d), **chosen})()


def bundle_of(given: Equation, seed: int = 0) -> Bundle:
    """Small SIRENs in float64 for the fields of an equation."""
    inputs, channels = features(given.domain), len(given.outputs) * (2 if given.is_complex else 1)
    made = {SOLUTION: Siren(inputs, channels, 12, 1, omega_0=3.0, seed=seed)}
    if given.coefficients:
        made[COEFFICIENTS] = Siren(inputs, len(given.coefficients), 12, 1, omega_0=3.0, seed=seed + 1)
    return Bundle(made, dict.fromkeys(given.numbers, 0.01)).double()


def asking(bundle: Bundle) -> Ask:
    """What evaluates a bundle."""
    return ask_of(bundle, dict.fromkeys(bundle.named_fields(), ForwardDerivatives()))


def derivative(function: Callable[[Tensor], Tensor], coords: Tensor, axes: Mapping[str, int], along: str) -> Tensor:
    """A derivative (N,) of a function (D,) -> () at coords (N, D), by nested reverse-mode differentiation."""
    for letter in along:
        function = lambda x, inner=function, axis=axes[letter]: torch.func.grad(inner)(x)[axis]  # noqa: E731
    return torch.vmap(function)(coords)
