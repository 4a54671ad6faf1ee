"""What somebody else's configuration may call: what the package's own files name, in the position where they name it.

A run directory is data. Evaluating or resuming one must not let its YAML call `os.system` by a `_target_`, nor a
download where a network belongs. Packages of one's own are admitted by their names.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import yaml

from siren_pl.errors import UserError
from siren_pl.runs.keys import conf_directory
from siren_pl.runs.rules import AUTO

# The dotted key by which a configuration gives a name, and the name.
Call = tuple[str, str]
# Where the rule of a key stands; and where the model of another field does, which may call what `model` may.
_OF_A_RULE, _OF_A_FIELD = re.compile(r"(^|\.)rules\.[^.]+$"), re.compile(r"^fields\.[^.]+\.(?=model\b)")


@functools.cache
def allowed() -> frozenset[Call]:
    """Every name that `conf/` calls, with its position; what Hydra itself calls is not for a stored run to say."""
    folder, found = conf_directory(), set()
    for file in folder.rglob("*.yaml"):
        text = file.read_text()
        node = yaml.safe_load(text)
        in_place = "@package _global_" in text or file.parent == folder
        found |= set(_calls(node, "" if in_place else file.relative_to(folder).parts[0]))
    return frozenset(call for call in found if not call[0].startswith("hydra."))


def check(config: Any, packages: tuple[str, ...] = ()) -> None:
    """Refuse a plain, resolved configuration whose `_target_`s are not all allowed.

    Args:
        config: Containers of plain values, with every interpolation already resolved.
        packages: Top-level packages of the user's own that are admitted as well.

    Raises:
        UserError: Naming the first name that is neither called there by siren_pl nor in a trusted package.
    """
    for position, target in _calls(config, ""):
        package = target.split(".")[0]
        if (_OF_A_FIELD.sub("", position), target) in allowed():
            continue
        if package not in packages:
            raise UserError(
                f"the run's configuration wants to call {target} by {position}, where siren_pl's own files "
                f"call no such thing, so nothing was run. If it is your own code, add trust={package}."
            )
        if (home := _home(target)) not in (package, "siren_pl"):
            raise UserError(
                f"the run's configuration wants to call {target}, which {package} merely imports from {home}, so "
                f"nothing was run: trust={package} admits what is defined in {package}."
            )


def _home(target: str) -> str:
    """The top-level package in which a name is defined: `mine.os.system` is not defined in `mine`."""
    from hydra.utils import get_object

    return str(getattr(get_object(target), "__module__", None)).split(".")[0]


def _calls(node: Any, position: str) -> Iterator[Call]:
    """Every name that would be called, with where it stands: a `_target_`, or the rule of an `auto`."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield f"{position}._target_", str(node["_target_"])
        if _OF_A_RULE.search(position) and AUTO in node:
            yield f"{position}.{AUTO}", str(node[AUTO])
        for name, child in node.items():
            yield from _calls(child, f"{position}.{name}" if position else str(name))
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _calls(child, position)
