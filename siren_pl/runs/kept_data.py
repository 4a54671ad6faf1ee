"""Data that a run keeps: what its problem was made of and computed once, so that later commands need no other file.

Most runs read their data again, and compare a hash. A problem whose data are small beside what was computed of them
(`Problem.keeps`) is written into the directory instead, as arrays without pickles.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from siren_pl.errors import UserError
from siren_pl.runs.create import Plain, child, create
from siren_pl.training.problem import Problem

FILE = "data.npz"


def keep(problem: Problem, directory: Path) -> None:
    """Write the arrays of a problem that keeps some; the file appears when it is complete."""
    if problem.keeps is None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / f".{FILE}.part"
    with partial.open("wb") as file:
        arrays: dict[str, Any] = dict(problem.keeps)
        np.savez_compressed(file, **arrays)
    partial.replace(directory / FILE)


def read(config: Plain, directory: Path, has_begun: bool) -> Any:
    """The data that a run keeps; None if it keeps none.

    Args:
        config: The run's configuration.
        directory: The run's directory.
        has_begun: Whether the run has begun before, and so has written what it keeps.

    Raises:
        UserError: The file is damaged, or gone.
    """
    path = directory / FILE
    if "restored" not in config["dataset"] or not (has_begun or path.is_file()):
        return None
    if not path.is_file():
        raise UserError(f"{path}, which holds the data of this run, is gone: restore it, or start a new run.")
    try:
        # NumPy would leave a damaged file open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return create(child(config["dataset"], "restored", "dataset"), arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged ({error}): restore it, or start a new run.") from error
