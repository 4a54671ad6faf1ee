"""How the solution of an equation is judged: against a reference if one is known, and by its residual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.equations.domains import Region
from siren_pl.problems.equations.figures import figures_of, films_of
from siren_pl.problems.equations.solutions import LatticeSolution, Solution, exact
from siren_pl.problems.equations.statement import Equation
from siren_pl.training.judge import Findings, Judge, Measure, Metrics, Write

# Points along each axis at which a solution is scored and drawn, by the number of axes.
ALONG = {1: 1001, 2: 201, 3: 61}
# All points where there are more axes.
IN_ALL = 200_000
# Points at which the residual is measured.
POINTS = 10_000
# Points along an axis of `evaluate.py`.
FEWEST, MOST = 2, 4096


@dataclass(frozen=True)
class Grid:
    """Points at which a solution is looked at.

    Attributes:
        region: Where the equation holds.
        count: Points along each axis; None for as many as suit the number of axes.
    """

    region: Region
    count: int | None = None

    @cached_property
    def axes(self) -> list[NDArray[np.float64]]:
        """The points of each axis, ends included."""
        axes = len(self.region.names)
        count = self.count or ALONG.get(axes, max(FEWEST, round(IN_ALL ** (1 / axes))))
        return [np.linspace(a, b, count) for a, b in zip(self.region.lower, self.region.upper, strict=True)]

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.axes))

    @cached_property
    def coords(self) -> NDArray[np.float64]:
        """All points (N, D), also those of the bounding box that lie outside of the domain."""
        return np.stack([each.reshape(-1) for each in np.meshgrid(*self.axes, indexing="ij")], 1)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which points lie in the domain, (N,)."""
        return self.region.contains(torch.from_numpy(self.coords)).numpy()


@dataclass(frozen=True)
class Looked:
    """A solution on a grid, beside what is known of it.

    Attributes:
        names: The functions: outputs, then unknown coefficients.
        grid: The grid.
        found: Values (N, C); NaN outside of the domain.
        truth: Likewise, NaN where nothing is known.
    """

    names: tuple[str, ...]
    grid: Grid
    found: NDArray
    truth: NDArray

    def relative_l2(self) -> dict[str, float]:
        """|found - truth| / |truth| of every function that is known somewhere, over the points where it is."""
        scores = {}
        for column, name in enumerate(self.names):
            found, truth = self.found[:, column], self.truth[:, column]
            known = np.isfinite(truth) & np.isfinite(found)
            if known.any() and (size := float(np.linalg.norm(truth[known]))) > 0:
                scores[name] = float(np.linalg.norm((found - truth)[known])) / size
        return scores


def looked_at(solution: Solution, grid: Grid) -> Looked:
    """Evaluate a solution, and what is known of it, on a grid."""
    equation, coords = solution.equation, grid.coords[grid.inside]
    found, coefficients = solution.outputs(coords), solution.coefficients(coords)
    truth = exact(equation.reference, coords)
    known = truth if truth is not None else np.full_like(found, np.nan)
    names = equation.outputs
    if coefficients is not None:
        exactly = exact(equation.reference_coefficients, coords)
        found = np.concatenate([found, coefficients], 1)
        known = np.concatenate([known, np.full_like(coefficients, np.nan) if exactly is None else exactly], 1)
        names = (*names, *equation.coefficients)
    return Looked(names, grid, _whole(found, grid), _whole(known, grid))


def _whole(values: NDArray, grid: Grid) -> NDArray:
    whole = np.full((len(grid.coords), values.shape[1]), np.nan, values.dtype)
    whole[grid.inside] = values
    return whole


@dataclass(frozen=True)
class EquationJudge(Judge):
    """Judges a solution.

    Attributes:
        equation: The equation.
        grid: Where it is looked at.
        name: The name of the equation, for files.
        text: The text of the user's file, which is kept beside the results; None if the equation is one of ours.
    """

    equation: Equation
    grid: Grid
    name: str
    text: str | None = None

    options = {"points": "401: points along each axis at which the solution is written"}  # noqa: RUF012 - never changed

    @override
    def quick(self, answer: Solution) -> Metrics:
        """The relative error, or the residual where nothing is known, and the unknown numbers."""
        scores = looked_at(answer, Grid(self.grid.region, _few(self.grid))).relative_l2()
        named = {"relative_l2": scores[self.equation.outputs[0]]} if self.equation.outputs[0] in scores else {}
        return (named or _residual(answer, self.grid.region, POINTS // 10)) | answer.numbers()

    @override
    def judge(self, answer: Solution) -> Findings:
        looked = looked_at(answer, self.grid)
        scores, names = looked.relative_l2(), looked.names
        metrics = {"relative_l2": scores[names[0]]} if names[0] in scores else {}
        metrics |= {f"relative_l2/{name}": score for name, score in scores.items()}
        metrics |= {f"unknown/{name}": value for name, value in answer.numbers().items()}
        metrics |= _residual(answer, self.grid.region, POINTS)
        measures = {name: measure for name, measure in self._measures(looked).items() if name in metrics}
        if isinstance(answer, LatticeSolution):  # a rival
            return Findings(metrics, measures)
        files: dict[str, Write] = {f"{self.name}.npz": partial(_write, looked)}
        if self.text is not None:
            files[f"{self.name}.py"] = partial(_write_text, self.text)
        return Findings(metrics, measures, files | films_of(looked, self.name), figures_of(looked))

    def _measures(self, looked: Looked) -> dict[str, Measure]:
        first = looked.names[0]
        found = {"relative_l2": Measure("relative L2 error", "", f"|{first} - exact| / |exact| on a lattice", -1)}
        if len(looked.names) > 1:
            for name in looked.names:
                found[f"relative_l2/{name}"] = Measure(f"relative L2 error of {name}", "", "on a lattice", -1)
        for name in self.equation.numbers:
            truth = self.equation.truths.get(name)
            says = "found" if truth is None else f"found; {truth:.6g} is true"
            found[f"unknown/{name}"] = Measure(name, "", says, 0)
        return found | {"residual": Measure("residual", "", "root mean square inside of the domain", -1)}

    @override
    def asked(self, options: Mapping[str, str]) -> tuple[str, Judge]:
        if "points" not in options:
            return "whole", self
        said = options["points"]
        if not (said.isdecimal() and FEWEST <= int(said) <= MOST):
            raise UserError(
                f"points={said} must be a whole number from {FEWEST} to {MOST}: the points along each axis."
            )
        grid = Grid(self.grid.region, int(said))
        if int(said) ** len(grid.region.names) > MOST**2:
            raise UserError(f"points={said} makes more than {MOST**2:,} points: choose fewer along each axis.")
        return f"{int(said)}_points", EquationJudge(self.equation, grid, self.name, self.text)


def _few(grid: Grid) -> int:
    """About a thousandth of a grid's points, but enough to see something."""
    return max(9, len(grid.axes[0]) // 4)


def _residual(answer: Solution, region: Region, count: int) -> Metrics:
    """The root mean square of the interior's residual at points that are always the same."""
    uniform = torch.rand(count, len(region.names), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = answer.residual(region.inside(uniform).numpy())
    return {} if found is None else {"residual": float(np.sqrt(np.mean(np.abs(found) ** 2)))}


def _write(looked: Looked, path: Path) -> None:
    grid = looked.grid
    columns = {f"axis_{name}": axis for name, axis in zip(grid.region.names, grid.axes, strict=True)}
    for column, name in enumerate(looked.names):
        columns[name] = looked.found[:, column].reshape(grid.shape)
        if np.isfinite(looked.truth[:, column]).any():
            columns[f"exact_{name}"] = looked.truth[:, column].reshape(grid.shape)
    np.savez_compressed(path, **columns)  # type: ignore[arg-type] - numpy's stubs take a name for `allow_pickle`


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
