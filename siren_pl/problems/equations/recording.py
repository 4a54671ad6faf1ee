"""What a residual is given in a dry run: random streams that note their names, and a clear word about unknown ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.equations.statement import Equation
from siren_pl.problems.equations.streams import MEASURED, Derivative, Stream


class Recorder:
    """What a residual is given in a dry run: random streams, and a note of what was read.

    Args:
        equation: The equation.
        condition: The name of the residual, for messages.
        coords: Points (N, D) in the units of the equation, float64.
        measured: Columns of measurements, (N,) each; None if there are none here.
        seed: Seeds the streams.
    """

    def __init__(
        self, equation: Equation, condition: str, coords: Tensor, measured: Sequence[str] | None, seed: int = 0
    ) -> None:
        self._equation, self._condition, self._coords = equation, condition, coords
        self._generator = torch.Generator().manual_seed(seed)
        self._measured = measured
        self.streams: dict[str, Stream] = {}
        self.read: set[str] = set()
        self._values: dict[Stream, Tensor] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        equation, axes = self._equation, self._equation.domain.names
        if name in axes:
            return self._coords[:, axes.index(name)]
        if name == MEASURED and self._measured is not None:
            columns = {each: self._random() for each in self._measured}
            return _Columns(f"{type(equation).__name__}.{self._condition}", columns)
        if name in equation.numbers:
            self.read.add(name)
            return torch.tensor(equation.numbers[name].start, dtype=torch.float64)
        function, _, letters = name.rpartition("_") if "_" in name else (name, "", "")
        if function not in (*equation.outputs, *equation.coefficients):
            function, letters = name, ""
        derivative = _along(letters, axes)
        if function not in (*equation.outputs, *equation.coefficients) or derivative is None:
            raise UserError(self._unknown(name))
        if len(derivative) > 2:  # noqa: PLR2004
            raise UserError(
                f"{self._where} asks for d.{name}, a derivative of order {len(derivative)}; a field has derivatives up "
                "to order 2. Make the lower derivative an output of its own, and say so by a second residual."
            )
        self.streams[name] = function, derivative
        return self._values.setdefault((function, tuple(sorted(derivative))), self._random(function))

    @property
    def _where(self) -> str:
        return f"{type(self._equation).__name__}.{self._condition}"

    def _random(self, function: str = "") -> Tensor:
        is_complex = self._equation.is_complex and function in self._equation.outputs
        kind = torch.complex128 if is_complex else torch.float64
        return torch.randn(len(self._coords), generator=self._generator, dtype=kind)

    def _unknown(self, name: str) -> str:
        equation = self._equation
        known = [*equation.domain.names, *equation.outputs, *equation.coefficients, *equation.numbers]
        if self._measured is not None:
            known.append(f"{MEASURED}.{next(iter(self._measured), '…')}")
        derivatives = f"{equation.outputs[0]}_{equation.domain.names[-1]}"
        listed = ", ".join(f"d.{each}" for each in known)
        return (
            f"{self._where} asks for d.{name}, which is not there. It may read {listed}, and derivatives such as "
            f"d.{derivatives}."
        )


class _Columns:
    """The measured columns, one of which a residual may ask for by name."""

    def __init__(self, where: str, columns: Mapping[str, Tensor]) -> None:
        self._where, self._columns = where, columns

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._columns:
            there = ", ".join(self._columns) or "nothing"
            raise UserError(f"{self._where} asks for d.{MEASURED}.{name}, but what was measured is {there}.")
        return self._columns[name]


def _along(letters: str, axes: Sequence[str]) -> Derivative | None:
    """Split the end of a name into axes, the longest names first; None if it is not made of them."""
    if not letters:
        return ()
    for axis in sorted(axes, key=len, reverse=True):
        if letters.startswith(axis) and (rest := _along(letters[len(axis) :], axes)) is not None:
            return (axis, *rest)
    return None
