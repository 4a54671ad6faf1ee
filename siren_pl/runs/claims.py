"""A directory belongs to one configuration, and at any moment to one process.

Hydra's own files are written here, whole and once, where Hydra would write them anew at every start, in place: a kill
would leave half a file, and an edited configuration would replace the one that the results came from.
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

# Keys that leave no trace in a result: they may change between two starts of one job.
WITHOUT_TRACE = ("logger", "debug", "resume", "sweep")
# Differing keys that a message names; beyond these it says that there are more.
_NAMED = 4


class ClaimError(UserError):
    """The directory holds a run of another configuration."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep every other process out of a job's directory; waits for one that is at work there.

    A killed process lets go at once, since its operating system does. What survived a killed launcher is waited for.
    A member of a set is held by its set, whose run writes it.
    """
    folder = directory.resolve().parent
    place = folder.parent if folder.name == "signals" and directory_of.is_used(folder.parent) else directory
    # Not where there are only soft locks: files that outlive a killed process, and would keep everybody out for good.
    lock = None if issubclass(FileLock, SoftFileLock) else FileLock(place / ".lock", fallback_to_soft=False)
    # A network's file system may know no locks. Two processes then do the same work twice, to the same end.
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
    """Make an unused directory that of this configuration; in a used one, require that it is.

    Args:
        directory: Of the run.
        config: What the job would be run with.
        hydra_config: Hydra's own part of it.

    Raises:
        ClaimError: The directory holds a run of another configuration; nothing of that run is touched.
    """
    hydra = directory / ".hydra"
    if not (hydra / "config.yaml").is_file():
        directory_of.write_text(
            hydra / "hydra.yaml", OmegaConf.to_yaml(OmegaConf.create({"hydra": _kept(hydra_config)}))
        )
        directory_of.write_text(hydra / "overrides.yaml", OmegaConf.to_yaml(hydra_config.overrides.task))
        # The last: where it is, the others are.
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
    """Give one signal of a set the configuration of the set as it was composed, with its interpolations.

    Args:
        above: The set's directory.
        directory: The signal's.
        config: What the signal was fitted with, resolved.
    """
    kept = above / ".hydra"
    if kept.is_dir():
        whole = stored.read(kept / "config.yaml")
        dataset = {key: value for key, value in whole["dataset"].items() if key != "members"}
        dataset["index"] = config["dataset"]["index"]
        # A set that was continued may have been given more steps and another logger.
        config = whole | {"dataset": dataset, "trainer": config["trainer"], "logger": config["logger"]}
        directory_of.write_text(directory / ".hydra" / "hydra.yaml", (kept / "hydra.yaml").read_text())
    directory_of.write_text(directory / ".hydra" / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))


def difference(before: Any, now: Any) -> str:
    """In words, where two configurations differ that should give the same result; empty where they do not.

    Interpolations are compared as they are written: what they point to is compared too.
    """
    old, new = _lasting(before), _lasting(now)
    absent = object()
    keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key, absent) != new.get(key, absent)]
    told = [f"{key} was {old.get(key, 'absent')} and is now {new.get(key, 'absent')}" for key in keys[:_NAMED]]
    return ", ".join(told) + (f", and {len(keys) - _NAMED} more keys differ" if len(keys) > _NAMED else "")


def _kept(hydra_config: Any) -> Any:
    """What Hydra itself keeps of its part: all but the texts of its help."""
    return OmegaConf.masked_copy(hydra_config, [key for key in hydra_config if key not in ("help", "hydra_help")])


def _lasting(config: Any) -> dict[str, Any]:
    """Everything that has a say in the result, flat, as a file would give it back."""
    plain: Any = OmegaConf.to_container(OmegaConf.create(OmegaConf.to_yaml(config)))
    return dict(flat({key: value for key, value in plain.items() if key not in (*WITHOUT_TRACE, "hydra")}, ""))


def flat(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested dictionaries; an empty one is a value."""
    if not isinstance(node, dict) or not node:
        yield prefix.removesuffix("."), node
        return
    for name, child in node.items():
        yield from flat(child, f"{prefix}{name}.")
