"""What was measured of a solution: a table of columns that are called as the axes and outputs are, or nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.equations.statement import Equation
from siren_pl.problems.sampled.places import require_readable
from siren_pl.training.problem import NOWHERE, Origin

# The prefix of a column, and the name of the text of a user's equation, among the arrays that a run keeps.
COLUMN, TEXT = "column_", "equation"


@dataclass(frozen=True)
class Measurements:
    """Measured columns.

    Attributes:
        name: What they are called.
        columns: Columns by name, (M,) each in float64; empty if nothing was measured.
        origin: Where they were read from.
        text: The text of the user's equation with which a stored run was fitted; None for any other.
    """

    name: str
    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    origin: Origin = NOWHERE
    text: str | None = None


def measurements(path: str | None = None) -> Measurements:
    """Read a table of measurements: a CSV with a header, or a structured array or dictionary in NumPy's npz.

    Args:
        path: The file; None if nothing was measured.

    Raises:
        UserError: The file is missing, damaged or empty, or a value is no number.
    """
    if path is None:
        return Measurements("")
    file = Path(path)
    require_readable(file, "dataset.path")
    columns = _arrays(file) if file.suffix == ".npz" else _table(file)
    lengths = {len(each) for each in columns.values()}
    if not columns or lengths == {0}:
        raise UserError(f"dataset.path={path} holds no measurement: fetch or export it again.")
    if len(lengths) > 1:
        raise UserError(f"dataset.path={path} has columns of {sorted(lengths)} rows: they must be equally long.")
    for name, column in columns.items():
        if not np.isfinite(column).all():
            raise UserError(f"dataset.path={path} has values in the column {name} that are NaN or infinite: repair it.")
    return Measurements(file.stem, columns, Origin(file))


def _arrays(file: Path) -> dict[str, NDArray[np.float64]]:
    try:
        with np.load(file, allow_pickle=False) as found:
            return {name: np.asarray(found[name], np.float64).reshape(-1) for name in found.files}
    except (OSError, ValueError) as error:
        raise UserError(f"dataset.path={file} is no readable npz ({error}): export it again.") from error


def _table(file: Path) -> dict[str, NDArray[np.float64]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            header, *rows = [row for row in csv.reader(opened) if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"dataset.path={file} is no CSV ({error}): export it again.") from error
    names = [name.strip() for name in header]
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise UserError(f"dataset.path={file}: line {number} has {len(row)} values for {len(names)} columns.")
    try:
        values = np.array(rows, np.float64).reshape(-1, len(names))
    except ValueError as error:
        raise UserError(f"dataset.path={file} has a value that is no number ({error}): repair the file.") from error
    if any(_is_number(name) for name in names):
        raise UserError(f"dataset.path={file} has no header: its first line must name the columns, such as t,x,u.")
    return dict(zip(names, values.T, strict=True))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def placed(found: Measurements, equation: Equation, seed: int) -> Measurements:
    """The measurements of an equation: those of the file, else its own; checked against it.

    Raises:
        UserError: An axis is missing, nothing is left to compare with, or a place lies outside of the domain.
    """
    columns, said = found.columns, f"dataset.path={found.origin.path}"
    if not columns:
        own = equation.measurements(np.random.default_rng(seed))
        if own is None:
            return found
        columns, said = {name: np.asarray(each, np.float64) for name, each in own.items()}, type(equation).__name__
    region = equation.domain
    if missing := [name for name in region.names if name not in columns]:
        raise UserError(f"{said} has no column {', '.join(missing)}; the axes are {', '.join(region.names)}.")
    if set(columns) <= set(region.names):
        raise UserError(f"{said} has places and no values: add a column, such as {equation.outputs[0]}.")
    import torch

    inside = region.contains(torch.from_numpy(coords_of(columns, region.names))).numpy()
    if not inside.all():
        row = int(np.argmin(inside))
        place = ", ".join(f"{name}={columns[name][row]:g}" for name in region.names)
        raise UserError(
            f"{said}: {int((~inside).sum())} of the {len(inside)} places lie outside of the domain, the first of them "
            f"at {place}. Leave them out, or widen the domain."
        )
    return replace(found, columns=columns)


def coords_of(columns: Mapping[str, NDArray], names: tuple[str, ...]) -> NDArray[np.float64]:
    """The places (M, D)."""
    return np.stack([columns[name] for name in names], 1)


def kept(found: Measurements, text: str | None) -> dict[str, NDArray]:
    """The arrays that a run keeps: the file's columns, and the text of a user's equation as bytes."""
    arrays: dict[str, NDArray] = {f"{COLUMN}{name}": each for name, each in found.columns.items()}
    return arrays | {TEXT: np.frombuffer((text or "").encode(), np.uint8), "name": np.array(found.name)}


def restored(arrays: Mapping[str, NDArray]) -> Measurements:
    """The measurements and the text that a run kept."""
    columns = {name.removeprefix(COLUMN): each for name, each in arrays.items() if name.startswith(COLUMN)}
    return Measurements(str(arrays["name"]), columns, text=arrays[TEXT].tobytes().decode())
