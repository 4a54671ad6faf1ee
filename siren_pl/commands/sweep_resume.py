"""Derives the command line that continues a sweep: the original one, into the same directory."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from siren_pl.commands.composition import quoted
from siren_pl.commands.sweep_admission import require_harmless
from siren_pl.errors import UserError
from siren_pl.runs.sweeps import Start
from siren_pl.runs.trust import named

# What may be given beside sweep.resume, since none of it affects a result.
_CHANGEABLE = ("logger", "hydra/launcher", "hydra", "debug", "trust")
# Exceptions: these settings of Hydra's define the jobs.
_KEPT = ("hydra.sweeper.", "hydra.sweep.dir", "hydra.run.", "hydra.mode")
# Recorded overrides that a continuation replaces by its own.
_OWN = ("hydra.sweep.dir", "hydra.mode", "hydra.callbacks.guard._target_")
_CONTINUE = "hydra.callbacks.guard._target_=siren_pl.commands.callbacks.ContinueSweep"


def arguments(start: Start, directory: Path, given: list[str], stood: Path) -> list[str]:
    """Arguments of `train.py` that continue a sweep, once it has been found harmless.

    Args:
        start: How the sweep was started.
        directory: The sweep's directory.
        given: Overrides typed beside `sweep.resume`; `trust=PACKAGE` among them admits the reader's own code.
        stood: The directory where that was typed. Logs go there, though the jobs work where the sweep was started.

    Raises:
        UserError: An override would change the sweep, or its files would do anything besides fitting fields.
    """
    for override in given:
        if _group(override) not in _CHANGEABLE or _key(override).startswith(_KEPT):
            raise UserError(
                f"{override}: a continued sweep is the same sweep; beside sweep.resume only logger, debug, trust and "
                "settings of Hydra, such as hydra/launcher, may be given. Start another one for anything else. This "
                f"one was started with: {shlex.join([*start.task, *start.hydra])}"
            )
    replaced = {_key(override) for override in given}
    chosen_anew = {_group(override) for override in given if _key(override) == _group(override)}
    kept = [
        override
        for override in [*start.task, *start.hydra]
        if _key(override) not in {*replaced, *_OWN} and _group(override) not in chosen_anew
    ]
    packages = [name for override in given if _key(override) == "trust" for name in named(override[6:])]
    typed = [override for override in given if _key(override) != "trust"]
    typed += [f"hydra.sweep.dir={quoted(str(directory))}", _CONTINUE]
    if places := require_harmless(kept, typed, start.config_directory, directory, tuple(packages)):
        typed += _logging_at(stood, places, directory)
    flags = ["-m"] if start.config_directory is None else ["--config-dir", start.config_directory, "-m"]
    return [*flags, *kept, *typed]


def go_to_its_place(start: Start, directory: Path) -> Path:
    """Change to where the sweep was started, so that relative paths find the data; return the sweep's path from there.

    This happens only if the sweep lies beneath that place. Otherwise it was moved or is a stranger's, and the current
    directory has to do.
    """
    absolute = directory.resolve()
    if start.working_directory.is_dir() and absolute.is_relative_to(start.working_directory.resolve()):
        os.chdir(start.working_directory)
    here = Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def _logging_at(stood: Path, places: set[str | None], directory: Path) -> list[str]:
    """The override that sends logs to where the reader is, not to where the sweep says it was started."""
    root = directory.resolve()
    outside = {place for place in places if place is not None and not Path(place).resolve().is_relative_to(root)}
    if stood == Path.cwd() or not outside:
        return []
    if places != outside or len(places) > 1:
        raise UserError(
            f"sweep.resume={directory}: some jobs of this sweep write logs outside of it and others do not, and it was "
            f"started in {Path.cwd()}, not here. Continue it from there, or add logger=none."
        )
    return [f"logger.directory={quoted(str(stood / outside.pop()))}"]


def _key(override: str) -> str:
    return override.split("=", 1)[0].lstrip("+~")


def _group(override: str) -> str:
    """The group that an override chooses or reaches into: `logger` of `logger.mode=…`."""
    key = _key(override)
    return "hydra/launcher" if key.startswith("hydra.launcher.") else key.split(".")[0]
