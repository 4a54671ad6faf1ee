"""The only place where stored configurations are read, since a run or a sweep may come from a stranger.

Files are read as plain containers, in which an interpolation is text. Before interpolations are resolved, none may
reach outside the configuration; before anything is built, no `_target_` may name untrusted code; before anything is
written, no place may be chosen by the stored files, be it by a key or by a symbolic link.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from siren_pl.errors import UserError
from siren_pl.runs import keys as checks
from siren_pl.runs import trust

# Interpolations that point into the configuration itself: `${a.b}`, `${a[0]}` and `${oc.select:a.b,1}`. Every other
# resolver is refused: `oc.env` reads the environment, and `oc.decode` evaluates text assembled from harmless parts.
_INSIDE = re.compile(r"\$\{(oc\.select:)?[^${}:\\]*\}")

# Groups that hold keys with values.
_GROUPS = ("model", "task", "dataset", "trainer", "optimizer", "recipe", "init", "logger", "derivatives", "fields")
_GROUPS += ("baselines", "sweep")


def read(file: Path) -> Any:
    """Read a YAML file as plain containers; interpolations stay text, and no tag makes an object.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        return OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    except (OSError, ValueError, yaml.YAMLError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} cannot be read ({reason}): restore that file.") from error


def configuration(directory: Path) -> DictConfig:
    """Read the configuration of a run, which `admitted` has yet to check.

    Raises:
        UserError: It cannot be read, or a symbolic link leads out of the run.
    """
    require_no_way_out(directory)
    file = directory / ".hydra" / "config.yaml"
    plain = read(file)
    if not isinstance(plain, dict):
        raise UserError(f"{file} holds no keys with values: restore that file.")
    for group in _GROUPS:
        if group in plain and not isinstance(plain[group], (dict, str)):
            raise UserError(f"{file} has {group}={plain[group]}, where keys with values belong: restore that file.")
    if isinstance(plain.setdefault("rules", {}), dict):
        # A file without rules is held to those that every run has.
        plain["rules"] = read(checks.conf_directory() / "train.yaml")["rules"] | plain["rules"]
    return OmegaConf.create(plain)


@contextmanager
def built_from(directory: Path) -> Iterator[None]:
    """Name a run's stored configuration, which may be damaged, in any error raised inside.

    Raises:
        UserError: Naming the file and the cure, in place of any other exception that an unfit value caused.
    """
    try:
        yield
    except checks.UnresolvedError as error:
        raise UserError(f"{directory / '.hydra' / 'config.yaml'}: {error} Restore that file.") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{type(error).__name__}: {reason}. Probably {directory / '.hydra' / 'config.yaml'} lacks a key or holds a "
            "value that does not fit: restore that file, or start a new run; debug=true shows where."
        ) from error


def choices(directory: Path) -> dict[str, str]:
    """The member that Hydra chose of each group: the names of model, task and dataset; empty if not recorded."""
    file = directory / ".hydra" / "hydra.yaml"
    found = at(read(file), "hydra.runtime.choices") if file.is_file() else None
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def at(node: Any, key: str) -> Any:
    """The value at a dotted key of nested dictionaries; None if there is none."""
    for name in key.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def admitted(config: DictConfig, packages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check a stored configuration; return it plain, resolved and validated, safe to build from.

    Args:
        config: The configuration as stored, with the reader's changes.
        packages: The reader's own packages, whose names are admitted too.

    Raises:
        UserError: Something in it reaches outside, names untrusted code or is out of range.
    """
    require_closed(OmegaConf.to_container(config, resolve=False))
    # The checked containers are the ones used: nothing is resolved again.
    plain, problems = checks.settled(config)
    for key, text in _texts(plain, ""):
        if "${" in text:
            raise _refusal(key, text)
    trust.check(plain, packages)
    if problems:
        raise UserError("; ".join(problems) + ". Where you did not type it, restore the run's .hydra/config.yaml.")
    return plain


def require_closed(node: Any) -> None:
    """Refuse containers in which an interpolation reads anything outside the configuration, such as the environment.

    Raises:
        UserError: Naming the key and the interpolation.
    """
    for key, text in _texts(node, ""):
        left, before = text, None
        while left != before:  # from the innermost interpolation outwards
            before, left = left, _INSIDE.sub("_", left)
        if "${" in left:
            raise _refusal(key, text)


def require_usual_place(config: dict[str, Any], directory: Path) -> None:
    """Refuse a stored `logger.directory` that is neither the shipped one nor a folder inside the run's own directory.

    Args:
        config: The configuration, plain and resolved; its `logger.directory` was not typed.
        directory: The run's directory.

    Raises:
        UserError: Naming the place and how to admit it.
    """
    place = (config.get("logger") or {}).get("directory")
    usual = read(checks.conf_directory() / "logger" / "wandb.yaml")["directory"]
    if place in (None, usual) or Path(os.path.realpath(str(place))).is_relative_to(directory.resolve()):
        return
    raise UserError(
        f"the stored configuration wants its logs written to {place}, and a stored run may choose no place outside of "
        f"itself: nothing was run. If it is your own, add logger.directory={place}; logger.directory={usual} is the "
        "usual place."
    )


def require_no_way_out(directory: Path) -> None:
    """Refuse the directory of a run or a sweep in which a symbolic link leads elsewhere.

    Through such a link, writing would overwrite a file of the reader's, and reading could disclose one.

    Raises:
        UserError: Naming the link and where it leads.
    """
    root = Path(os.path.realpath(directory))
    for parent, folders, files in os.walk(root):
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                raise UserError(
                    f"{directory / path.relative_to(root)} is a symbolic link that leads out of {directory}, to "
                    f"{path.readlink()}: nothing was run. Put what it leads to in its place, or delete it."
                )


def _refusal(key: str, text: str) -> UserError:
    return UserError(
        f"the stored configuration has {key}={text}, which would read from outside of it, as a stranger's may not: "
        "nothing was run. If it is your own, write the value itself in that place."
    )


def _texts(node: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Every text of nested containers with its dotted key."""
    if isinstance(node, (dict, list, tuple)):
        for name, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _texts(child, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(node, str):
        yield prefix, node
