"""Files are written whole or not at all: beside their final name, then renamed, so a reader sees the old or the new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# How the name of a file ends that is not whole yet; a killed process may leave one behind.
PARTIAL = ".partial"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` once the block has ended; its directory is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, whose files nobody else may read: results are shared.
    partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}{PARTIAL}")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with whole(path) as partial:
        partial.write_text(text)


def sweep_partial(directory: Path, places: str = "") -> None:
    """Remove what a killed process left half written, in a directory or in `**/` all beneath it."""
    for leftover in directory.glob(f"{places}.*{PARTIAL}"):
        leftover.unlink(missing_ok=True)
