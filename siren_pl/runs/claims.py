"""A directory belongs to one configuration and, at any moment, to one process.

This module writes Hydra's own files once and atomically. Hydra would rewrite them in place at every start: a kill would
leave half a file, and an edited configuration would replace the one that the results came from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout
from omegaconf import DictConfig, OmegaConf

from siren_pl.errors import UserError
from siren_pl.runs import directory as directory_of
from siren_pl.runs import stored
from siren_pl.runs.sweeps import REFUSAL
from siren_pl.training import whole_files

log = logging.getLogger(__name__)

# Keys that do not affect a result, so they may change between two starts of one job.
WITHOUT_TRACE = ("logger", "debug", "resume", "sweep")
# How many differing keys a message names; it counts the rest.
_NAMED = 4


class ClaimError(UserError):
    """The directory holds a run with another configuration."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep every other process out of a job's directory, waiting for one that is already at work there.

    The operating system releases a killed process's lock at once; workers that survive a killed launcher are waited
    for. A member of a set is held through the set's directory, since the set's run writes it.
    """
    folder = directory.resolve().parent
    place = folder.parent if folder.name == "signals" and directory_of.is_used(folder.parent) else directory
    # Soft locks are not used: their files outlive a killed process and would keep everybody out for good.
    lock = None if issubclass(FileLock, SoftFileLock) else FileLock(place / ".lock", fallback_to_soft=False)
    # A network file system may not support locks. Two processes then do the same work twice, with the same result.
    with suppress(OSError):
        _lock(lock, place)
        whole_files.sweep_partial(directory, "**/")
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _lock(lock: BaseFileLock | None, directory: Path) -> None:
    if lock is None:
        return
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.warning("%s is being run by another process: waiting for it", directory)
        lock.acquire()


def claim(directory: Path, config: DictConfig, hydra_config: Any) -> None:
    """Claim an unused directory for this configuration; require that a used one already belongs to it.

    Args:
        directory: The run's directory.
        config: The configuration that the job would run with.
        hydra_config: Hydra's own part of it.

    Raises:
        ClaimError: The directory holds a run with another configuration; nothing of that run is touched.
    """
    hydra = directory / ".hydra"
    if not (hydra / "config.yaml").is_file():
        directory_of.write_text(
            hydra / "hydra.yaml", OmegaConf.to_yaml(OmegaConf.create({"hydra": _kept(hydra_config)}))
        )
        directory_of.write_text(hydra / "overrides.yaml", OmegaConf.to_yaml(hydra_config.overrides.task))
        # Written last: if it exists, so do the others.
        directory_of.write_text(hydra / "config.yaml", OmegaConf.to_yaml(config))
        return
    different = difference(stored.read(hydra / "config.yaml"), config)
    if not different:
        (directory / REFUSAL).unlink(missing_ok=True)
        return
    error = ClaimError(
        f"{directory} holds a run of another configuration and was left as it is: {different}. Was a file of the "
        "configuration edited since? Undo that and start again, or sweep into an empty directory."
    )
    directory_of.write_text(directory / REFUSAL, f"{error}\n")
    raise error


def hand_down(above: Path, directory: Path, config: dict[str, Any]) -> None:
    """Give one signal of a set the set's configuration as it was composed, interpolations included.

    Args:
        above: The set's directory.
        directory: The signal's directory.
        config: The resolved configuration that the signal was fitted with.
    """
    kept = above / ".hydra"
    if kept.is_dir():
        whole = stored.read(kept / "config.yaml")
        dataset = {key: value for key, value in whole["dataset"].items() if key != "members"}
        dataset["index"] = config["dataset"]["index"]
        # A continued set may have been given more steps and another logger.
        config = whole | {"dataset": dataset, "trainer": config["trainer"], "logger": config["logger"]}
        directory_of.write_text(directory / ".hydra" / "hydra.yaml", (kept / "hydra.yaml").read_text())
    directory_of.write_text(directory / ".hydra" / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))


def difference(before: Any, now: Any) -> str:
    """Describe where two configurations that should give the same result differ; empty if they do not.

    Interpolations are compared as text, since what they point to is compared too.
    """
    old, new = _lasting(before), _lasting(now)
    absent = object()
    keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key, absent) != new.get(key, absent)]
    told = [f"{key} was {old.get(key, 'absent')} and is now {new.get(key, 'absent')}" for key in keys[:_NAMED]]
    return ", ".join(told) + (f", and {len(keys) - _NAMED} more keys differ" if len(keys) > _NAMED else "")


def _kept(hydra_config: Any) -> Any:
    """The parts of its configuration that Hydra itself keeps: all but its help texts."""
    return OmegaConf.masked_copy(hydra_config, [key for key in hydra_config if key not in ("help", "hydra_help")])


def _lasting(config: Any) -> dict[str, Any]:
    """Every key that affects the result, flat, with the values that a file would give back."""
    plain: Any = OmegaConf.to_container(OmegaConf.create(OmegaConf.to_yaml(config)))
    return dict(flat({key: value for key, value in plain.items() if key not in (*WITHOUT_TRACE, "hydra")}, ""))


def flat(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested dictionaries; an empty one is a value."""
    if not isinstance(node, dict) or not node:
        yield prefix.removesuffix("."), node
        return
    for name, child in node.items():
        yield from flat(child, f"{prefix}{name}.")
