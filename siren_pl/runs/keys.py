"""Checks a configuration's keys and values before anything heavy is imported.

The values that a key may take are given in YAML, in the `rules` beside it. The configuration is checked as composed,
not as typed: an experiment's file may set a key of a model that the command line has replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from siren_pl.errors import UserError
from siren_pl.runs.rules import as_typed, checked, require_readable, words

# Something must read every key of these nodes, and of every node that has rules.
_READ = ("model", "task", "dataset")
# Matches an interpolation, capturing the dots of a relative one and the key that it reads.
_READING = re.compile(r"\$\{(?:oc\.select:)?(\.*)([\w.]+)")


class UnresolvedError(UserError):
    """An interpolation reads a key that does not exist, or reads itself."""


def validate(config: DictConfig) -> dict[str, Any]:
    """Check every key that has a rule; return plain, resolved containers in which 1e4 has become 10000.

    Raises:
        UserError: Naming every key that is out of its range.
    """
    plain, problems = settled(config)
    if problems:
        raise UserError("; ".join(problems) + ".")
    return plain


def require_good(config: DictConfig, choices: Mapping[str, str], overrides: Sequence[str]) -> dict[str, Any]:
    """Check a newly composed configuration: its values, and that something reads each of its keys.

    Args:
        config: The configuration, not yet resolved.
        choices: The chosen member of each group.
        overrides: The overrides that were typed.

    Returns:
        Plain containers, resolved, as `validate` returns them.

    Raises:
        UserError: Naming every key that is out of its range, or that nothing reads.
    """
    typed = {override.lstrip("+").partition("=")[0] for override in overrides}
    for group in (*choices, "recipe", "sweep", "fields"):
        if group in config and not OmegaConf.is_dict(config[group]):
            raise UserError(f"{group}={config[group]} must hold keys: write them beneath {group}:, indented.")
    plain, out_of_range = settled(config)
    if problems := [*_unread(config, choices, typed), *out_of_range]:
        raise UserError("; ".join(problems) + ".")
    return plain


def settled(config: DictConfig) -> tuple[dict[str, Any], list[str]]:
    """A configuration as it is used, plain and resolved, and a clause about each value that is out of range.

    The result is never resolved again: resolving may produce a text that looks like an interpolation, and a second pass
    would evaluate it.

    Raises:
        UserError: The configuration does not resolve, or a rule is malformed.
    """
    told: Any = OmegaConf.to_container(config, resolve=False)
    if missing := [key for key, value in _leaves(told, "") if value == "???"]:
        return told, [f"{key} has no value (???)" for key in missing]
    plain = _resolved(told)
    coerced, problems = _coerced(plain)
    if coerced and not problems:
        # Keys that read a coerced key must see the coerced value.
        for path, value in coerced.items():
            if "${" not in str(value):
                _put(told, path, value)
        plain = _resolved(told)
        coerced, problems = _coerced(plain)
        for path, value in coerced.items():
            _put(plain, path, value)
    return plain, problems


def _resolved(told: dict[str, Any]) -> dict[str, Any]:
    try:
        return OmegaConf.to_container(OmegaConf.create(told), resolve=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        raise UnresolvedError(f"the configuration does not resolve: {reason} ({error.full_key}).") from error


def _coerced(plain: dict[str, Any]) -> tuple[dict[tuple[str, ...], Any], list[str]]:
    """Values that their rules change, by path from the outermost key, and a clause about each value out of range."""
    coerced, problems = {}, []
    for path, node in nodes(plain):
        place, rules = _dotted(path), node.get("rules") or {}
        if not isinstance(rules, dict):
            raise UserError(f"{place}rules={rules} is not made of keys with a rule each: restore it.")
        for name, rule in rules.items():
            require_readable(rule, f"{place}rules.{name}")
            if name not in node:
                continue
            value = node[name]
            try:
                found = checked(value, rule)
            except ValueError:
                problems.append(f"{place}{name}={as_typed(value)} must be {words(rule)}")
                continue
            if found != value or type(found) is not type(value):
                coerced[*path, name] = found
    return coerced, problems


def _put(node: Any, path: tuple[str, ...], value: Any) -> None:
    """Replace a value in nested dictionaries, if all of them exist and none is an interpolation."""
    *above, last = path
    for name in above:
        node = node.get(name) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node[last] = value


def _unread(config: DictConfig, choices: Mapping[str, str], typed: set[str]) -> Iterator[str]:
    """Yield a clause about each key that nothing reads, or that must be given by another key."""
    plain: Any = OmegaConf.to_container(config, resolve=False)
    read = set(_read(plain, ""))
    for path, node in nodes(plain):
        place, group = _dotted(path), ".".join(path)
        if not group or ("rules" not in node and group not in _READ and not group.endswith(".model")):
            continue
        inside = {}
        for name, child in node.items():
            for key, value in _leaves(child, f"{place}{name}.") if is_object(child) else ():
                own = key.rpartition(".")[2]
                direct = key == f"{place}{name}.{own}" and not str(value).startswith("${")
                if own in node and (direct or key in typed):
                    inside[f"{place}{own}"] = (
                        f"{key}={as_typed(value)} follows from {place}{own}: give {place}{own}={as_typed(value)}"
                    )
        yield from inside.values()
        known = _known(node, place, read)
        member = choices.get(group, choices.get(f"model@{group}"))
        for key, value in _leaves({name: child for name, child in node.items() if not is_object(child)}, place):
            if key not in inside and not any(key == each or key.startswith(f"{each}.") for each in known):
                by = f"{group}={member}" if member else "anything"
                yield f"{key}={as_typed(value)} is not read by {by}, which reads {', '.join(known)}"


def is_object(node: Any) -> bool:
    """Whether a node is made into an object, whose constructor knows its keys."""
    return isinstance(node, dict) and "_target_" in node


def known_keys(plain: dict[str, Any], group: str) -> list[str]:
    """The keys of a group that something reads, in a plain configuration that is not resolved."""
    found = dict(nodes(plain)).get(tuple(group.split(".")))
    return [] if found is None else _known(found, f"{group}.", set(_read(plain, "")))


def nodes(plain: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The nodes whose keys users type, each with its path: the root, every group, the model of every other field."""
    yield (), plain
    groups = {name: node for name, node in plain.items() if isinstance(node, dict) and name != "hydra"}
    yield from (((name,), node) for name, node in groups.items())
    for name, node in groups.get("fields", {}).items():
        if isinstance(node, dict) and isinstance(node.get("model"), dict):
            yield ("fields", name, "model"), node["model"]


def _dotted(path: tuple[str, ...]) -> str:
    """The prefix with dots that precedes a key of the node."""
    return "".join(f"{name}." for name in path)


def _known(node: dict[str, Any], place: str, read: set[str]) -> list[str]:
    """The keys of a node that a rule names or something reads."""
    ruled = [f"{place}{name}" for name in node.get("rules") or {} if name in node]
    return list(dict.fromkeys([*ruled, *sorted(key for key in read if key.startswith(place))]))


def _leaves(node: dict[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of a node, except its rules."""
    for name, value in node.items():
        if isinstance(value, dict) and value and name != "rules":
            yield from _leaves(value, f"{place}{name}.")
        elif name not in ("rules", "_target_"):
            yield f"{place}{name}", value


def _read(node: Any, place: str) -> Iterator[str]:
    """The dotted name of every key that an interpolation reads."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _read(child, f"{place}.{name}" if place else str(name))
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _read(child, place)
    elif isinstance(node, str):
        for dots, key in _READING.findall(node):
            above = place.split(".")[: -len(dots)] if dots else []
            yield ".".join([*above, key])


def conf_directory() -> Path:
    """The directory of configuration files: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(path for path in (package / "conf", package.parent / "conf") if path.is_dir())


def require_members(arguments: list[str]) -> None:
    """Refuse mistakes in choosing a group's member, which Hydra's messages barely explain.

    Raises:
        UserError: The choice is a helper file or a folder, or a folder was typed as a group.
    """
    if any(argument.startswith(("--config-dir", "-cd")) for argument in arguments):
        return  # a user's own folder may hold a member of any name
    for argument in arguments:
        key, _, value = argument.lstrip("+").partition("=")
        group, names = key.partition("@")[0], [name.strip() for name in value.strip("[]").split(",")]
        folder = conf_directory() / group
        if not group or not folder.is_dir():
            continue
        parent, _, below = group.partition("/")
        if below and value:
            meant = ",".join(f"{below}/{name}" for name in names)
            raise UserError(f"{argument}: a member that lies in a folder is chosen by {parent}={meant}.")
        members = sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("[!_]*.yaml"))
        if any(name.startswith("_") or (name and (folder / name).is_dir()) for name in names):
            raise UserError(
                f"{argument} names what others are made of or stored in: choose among {', '.join(members)}."
            )
