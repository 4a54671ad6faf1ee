"""Composes a command line with Hydra without running it, and explains keys that Hydra does not find.

Hydra advises to add such a key with `+`, but then nothing would read it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from siren_pl.runs.keys import conf_directory, known_keys

DIRECTORY_FLAGS = ("-cd", "--config-dir")
_UNKNOWN = re.compile(r"Could not override '([\w.]+)'")


def overrides_of(arguments: Sequence[str]) -> list[str]:
    """The overrides of a command line; a configuration directory that a flag names becomes an override too."""
    overrides, folders, rest = [], [], iter(arguments)
    for argument in rest:
        flag, _, value = argument.partition("=")
        if flag in DIRECTORY_FLAGS:
            folders.append(str(Path(value or next(rest, "")).resolve()))
        elif not argument.startswith("-"):
            overrides.append(argument)
    places = ",".join(quoted(f"file://{folder}") for folder in folders)
    return [*overrides, f"hydra.searchpath=[{places}]"] if folders else overrides


def whole(overrides: Sequence[str]) -> DictConfig:
    """The configuration of a whole command, Hydra's part included, without the values that single jobs set."""
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra.compose_config("train", [*overrides], RunMode.MULTIRUN, False, from_shell=False)


def jobs_of(config: DictConfig) -> Iterator[Sequence[str]]:
    """The overrides of every job of a command; a sweep that the configuration itself defines is included."""
    params: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=False)["params"] or {}  # type: ignore[index]
    arguments = [*(f"{key}={value}" for key, value in params.items()), *config.hydra.overrides.task]
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    for jobs in BasicSweeper.split_arguments(parser.parse_overrides(arguments), None):
        yield from jobs


def job(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The configuration of one job of a command."""
    return GlobalHydra.instance().config_loader().load_sweep_config(config, [*overrides])


def unknown_keys(error: HydraException, arguments: Sequence[str]) -> str | None:
    """A paragraph about the keys that Hydra did not find; None if it complains of something else."""
    if not _UNKNOWN.search(str(error)):
        return None
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        config, unknown = _lenient(whole, overrides_of(arguments))
        for overrides in [] if unknown else jobs_of(config):
            one, unknown = _lenient(lambda given: job(config, given), overrides)  # noqa: B023 - called at once
            if unknown:
                config = one
                break
    return ". ".join(_told(key, config) for key in unknown) + "." if unknown else None


def _lenient(compose: Callable[[Sequence[str]], DictConfig], overrides: Sequence[str]) -> tuple[DictConfig, list[str]]:
    """Compose without the overrides whose keys Hydra does not know; return those keys too."""
    unknown: list[str] = []
    while True:
        kept = [each for each in overrides if each.partition("=")[0] not in unknown]
        try:
            return compose(kept), unknown
        except HydraException as error:
            found = _UNKNOWN.search(str(error))
            if not found or found[1] in unknown:
                raise
            unknown.append(found[1])


def _told(key: str, config: DictConfig) -> str:
    plain: Any = OmegaConf.to_container(config, resolve=False)
    choices = config.hydra.runtime.choices
    group = key.rpartition(".")[0]
    known = known_keys(plain, group)
    close = difflib.get_close_matches(key, known or [str(name) for name in plain], n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    if not known:
        return f"{key} is no key.{meant} python train.py --help lists all of them"
    member = choices.get(group, choices.get(f"model@{group}"))
    return f"{key} is no key of {f'{group}={member}' if member else group}.{meant} It reads {', '.join(known)}"


def quoted(text: str) -> str:
    """A text quoted for Hydra's grammar, in which several characters of a path have a meaning."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
