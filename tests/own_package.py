"""A package `mine` of a user's own in the current directory, with configuration files in `my_conf`."""

import sys
from pathlib import Path

import pytest


def write(files: dict[str, str]) -> None:
    """Write files of the package and of its configuration, by their paths."""
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def import_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `mine` be imported from the current directory, whatever was imported under that name before."""
    monkeypatch.syspath_prepend(str(Path.cwd()))  # also forgets what the import system knew of directories
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        monkeypatch.delitem(sys.modules, name)
