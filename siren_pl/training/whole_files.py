"""Files that are written whole or not at all: under a temporary name, then renamed, so that no reader sees a part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Suffix of a file that is not complete yet; a killed process may leave one behind.
PARTIAL = ".partial"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which is renamed to `path` after the block; create its directory if necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Files made by tempfile can be read by nobody else, but results are shared.
    partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}{PARTIAL}")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole(path) as partial:
        partial.write_text(text)


def sweep_partial(directory: Path, places: str = "") -> None:
    """Remove incomplete files of killed processes from a directory; with `**/` as `places`, from all below it too."""
    for leftover in directory.glob(f"{places}.*{PARTIAL}"):
        leftover.unlink(missing_ok=True)
