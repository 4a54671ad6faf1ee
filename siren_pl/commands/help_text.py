"""`train.py --help`: group members as they are typed, and what every key does, read from comments in the files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from siren_pl.commands.composition import overrides_of
from siren_pl.runs.keys import conf_directory

WIDTH, KEYS_WIDTH = 110, 40
FLAGS = ("-h", "--help")
HEADER = """\
siren_pl: fit a coordinate network to a signal, or rebuild the signal from its derivatives

  python train.py task=poisson_grad model=siren          one run
  python train.py -m model.omega_0=1,10,30,90            a sweep
  python train.py resume=<run directory>                 continue a run
  python evaluate.py run=<run directory> scale=4         render it larger
  python train.py task=inpainting --help                 the keys of another task
"""
# A YAML key on its own line, with its value and the comment after it.
LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?:\s+(?P<value>[^#]*?))?(?:\s+# (?P<comment>.*))?$")


def is_asked(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return any(argument in FLAGS for argument in arguments)


def text(arguments: Sequence[str]) -> str:
    """The help for what a command line chooses: the keys of its task, with the values that it sets."""
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        config = compose("train", overrides_of(arguments), return_hydra_config=True)
    folders = [
        Path(source.path) for source in config.hydra.runtime.config_sources if source.schema == "file" and source.path
    ]
    choices = {group: str(name) for group, name in config.hydra.runtime.choices.items() if "hydra" not in group}
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=False)  # type: ignore[assignment]
    del plain["hydra"]
    said = _comments(folders, choices)
    keys = [_line(f"{key}={_shown(value)}", said.get(key, "")) for key, value in _keys(plain, "")]
    members = [_wrapped(names) for names in _members(folders).values()]
    return "\n".join([HEADER, "Groups (choose a member):", *members, "\nKeys, as composed now:", *keys])


def _members(folders: Sequence[Path]) -> dict[str, list[str]]:
    """Every `group=member` by its group; files whose names begin with an underscore are only parts of others."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.glob("*/**/*.yaml"):
            group, *name = path.relative_to(folder).with_suffix("").parts
            if group != "hydra" and not any(part.startswith("_") for part in name):
                found.setdefault(group, set()).add(f"{group}={'/'.join(name)}")
    return {group: sorted(found[group]) for group in sorted(found)}


def _wrapped(names: Sequence[str]) -> str:
    return textwrap.fill("  ".join(names), WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _keys(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The keys that users set, and their values, without rules and without the objects made from the keys."""
    for name, value in node.items():
        if name in ("_target_", "rules"):
            continue
        if isinstance(value, dict) and not (prefix and "_target_" in value):
            yield from _keys(value, f"{prefix}{name}.")
        elif not isinstance(value, dict):
            yield f"{prefix}{name}", value


def _comments(folders: Sequence[Path], choices: dict[str, str]) -> dict[str, str]:
    """The comment on each key: from the chosen members first, then from their defaults, then from `train.yaml`."""
    found: dict[str, str] = {}
    for group, name in choices.items():
        kind, _, place = group.partition("@")
        for prefix, content in _contents(folders, f"{kind}/{name}", f"{place or kind}."):
            found = {f"{prefix}{key}": comment for key, comment in _commented(content)} | found
    whole = dict(_commented((conf_directory() / "train.yaml").read_text()))
    return whole | found


def _contents(folders: Sequence[Path], name: str, prefix: str) -> Iterator[tuple[str, str]]:
    """The texts of a file and of the files in its defaults, each with the prefix of its keys."""
    path = next((path for folder in folders if (path := folder / f"{name}.yaml").is_file()), None)
    if path is None:
        return
    content = path.read_text()
    yield "" if "@package _global_" in content else prefix, content
    for entry in yaml.safe_load(content).get("defaults", []):
        if isinstance(entry, str) and entry != "_self_":
            part, _, place = entry.removeprefix("/").partition("@")
            whole = part if entry.startswith("/") else f"{name.rpartition('/')[0]}/{part}"
            yield from _contents(folders, whole, f"{place}." if place else prefix)


def _commented(content: str) -> Iterator[tuple[str, str]]:
    """The dotted keys of a YAML file that have a comment on their line, and the comments."""
    above: list[tuple[int, str]] = []
    for line in content.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        above = [*(entry for entry in above if entry[0] < indent), (indent, match["key"])]
        if match["comment"]:
            yield ".".join(key for _, key in above), match["comment"]


def _shown(value: Any) -> str:
    """A value as a user would type it."""
    plain = {None: "null", True: "true", False: "false"}
    if isinstance(value, list):
        return f"[{','.join(map(_shown, value))}]"
    return plain[value] if value is None or isinstance(value, bool) else str(value)


def _line(key: str, comment: str) -> str:
    """A key and what it does, on two lines if the key is long."""
    margin = " " * (KEYS_WIDTH + 2)
    said = textwrap.fill(comment, WIDTH, initial_indent=margin, subsequent_indent=margin)
    head = f"  {key}"
    return (f"{head}\n{said}" if len(head) >= KEYS_WIDTH else f"{head:{len(margin)}}{said.lstrip()}").rstrip()
