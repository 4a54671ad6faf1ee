"""What a stranger's configuration may call: only what the package's own files name, and only in the same position.

A run directory is data. When one is evaluated or resumed, a `_target_` in its YAML must not call `os.system`, or a
download where a network belongs. Users admit packages of their own by name.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from siren_pl.errors import UserError
from siren_pl.runs.keys import conf_directory
from siren_pl.runs.names import find, is_name
from siren_pl.runs.rules import AUTO

# The path of keys, from the outermost, at which a configuration gives a name. It is a tuple since a key may hold a dot.
Position = tuple[str, ...]
Call = tuple[Position, str]
# How the name of a file that would be run ends; tasks run no others.
PROGRAM = ".py"


@functools.cache
def allowed() -> frozenset[Call]:
    """Every name that `conf/` calls, with its position, but not what Hydra calls: a stored run has no say in that."""
    folder, found = conf_directory(), set()
    for file in folder.rglob("*.yaml"):
        text = file.read_text()
        node = yaml.safe_load(text)
        in_place = "@package _global_" in text or file.parent == folder
        found |= set(_calls(node, () if in_place else file.relative_to(folder).parts[:1]))
    return frozenset((position, name) for position, name in found if position[0] != "hydra")


def check(config: Any, packages: tuple[str, ...] = ()) -> None:
    """Refuse a plain, resolved configuration whose `_target_`s are not all allowed.

    Args:
        config: Containers of plain values with every interpolation resolved.
        packages: The user's own top-level packages that are admitted too.

    Raises:
        UserError: Naming the first file of Python that is not trusted by its name without the ending, or the first
            name that siren_pl does not call in that position and no trusted package defines.
    """
    for position, file in _programs(config, ()):
        if Path(file).stem not in packages:
            raise UserError(
                f"the run's configuration says {'.'.join(position)}={file}, a file of Python that would be run, so "
                f"nothing was run. If it is your own code, add trust={Path(file).stem}."
            )
    for position, target in _calls(config, ()):
        key, package = ".".join(position), target.split(".")[0]
        if (_of_its_field(position), target) in allowed():
            continue
        if not is_name(target):
            raise UserError(
                f"the run's configuration wants to call {target!r} by {key}, which is the name of nothing, so nothing "
                "was run: restore that key."
            )
        if package not in packages:
            raise UserError(
                f"the run's configuration wants to call {target} by {key}, where siren_pl's own files "
                f"call no such thing, so nothing was run. If it is your own code, add trust={package}."
            )
        if (home := _home(target)) not in (package, "siren_pl"):
            raise UserError(
                f"the run's configuration wants to call {target}, which {package} merely imports from {home}, so "
                f"nothing was run: trust={package} admits what is defined in {package}."
            )


def named(text: str) -> tuple[str, ...]:
    """The packages that `trust=` lists, separated by commas; empty names are dropped."""
    return tuple(name for name in text.split(",") if name)


def _programs(node: Any, position: Position) -> Iterator[Call]:
    """Every text that names a file of Python, wherever it stands, since a task runs the one that it is given."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _programs(child, (*position, str(name)))
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _programs(child, position)
    elif isinstance(node, str) and node.endswith(PROGRAM):
        yield position, node


def _home(target: str) -> str:
    """The top-level package that defines a name: `mine.os.system` is not defined in `mine`."""
    return str(getattr(find(target, "_target_"), "__module__", None)).split(".")[0]


def _of_its_field(position: Position) -> Position:
    """The position with another field's model replaced by `model`, since both may call the same names."""
    return position[2:] if position[:1] == ("fields",) and position[2:3] == ("model",) else position


def _calls(node: Any, position: Position) -> Iterator[Call]:
    """Every name that would be called, with its position: a `_target_`, or an `auto` anywhere in a rule."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield (*position, "_target_"), str(node["_target_"])
        if "rules" in position[:-1] and AUTO in node:
            yield (*position, AUTO), str(node[AUTO])
        for name, child in node.items():
            yield from _calls(child, (*position, str(name)))
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _calls(child, position)
