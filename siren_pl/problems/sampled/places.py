"""Files that a user names: one by its path, or one of a folder by its number or its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from siren_pl.errors import UserError


def require_readable(path: Path, key: str) -> None:
    """Refuse a file that is missing or may not be read.

    Args:
        path: The file.
        key: The option that named it.

    Raises:
        UserError: Saying which of the two.
    """
    try:
        if path.is_dir():
            raise UserError(f"{key}={path} is a folder: name a file in it, or choose a dataset that reads folders.")
        found = path.is_file()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise UserError(f"{key}={path} cannot be reached ({error.strerror}): check the path.") from error
    if not found:
        raise UserError(f"{key}={path} does not exist (or is not a file): check the path.")
    if not os.access(path, os.R_OK):
        raise UserError(f"{key}={path} may not be read by you: change its permissions.")


def visible(paths: Iterable[Path], root: Path, suffixes: Sequence[str]) -> list[Path]:
    """Sort the files of these kinds below a folder; hidden ones, such as macOS's `._a.png`, do not count."""
    files = (path for path in paths if path.suffix.lower() in suffixes and path.is_file())
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(root).parts))


def chosen(path: str | None, index: int | str, found: Sequence[Path], what: str) -> tuple[str, Path]:
    """Choose a file of a folder, and return its place below the folder as well.

    Args:
        path: The folder.
        index: Its number in the order of paths, or its place.
        found: The folder's files.
        what: What they are, in the plural.

    Raises:
        UserError: The folder does not hold it.
    """
    files = {file.relative_to(str(path)).as_posix(): file for file in found}
    place = index if isinstance(index, str) else dict(enumerate(files)).get(index, "")
    if place not in files and isinstance(index, str):
        raise UserError(f"dataset.path={path} no longer holds {index}, to which the run was fitted: put it back.")
    if place not in files:
        raise UserError(f"dataset.index={index}: dataset.path={path} holds {len(files)} {what}, counted from 0.")
    return place, files[place]
