"""From a sweep's directory to the command line that continues it: the first one, into the same directory."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from siren_pl.errors import UserError
from siren_pl.sweeps import Start

# What may be given beside sweep.resume: none of it leaves a trace in a result.
_CHANGEABLE = ("logger", "hydra/launcher", "debug")
# Recorded overrides that a continuation sets itself.
_OWN = ("hydra.sweep.dir", "hydra.mode", "hydra.callbacks.guard._target_")
_CONTINUE = "hydra.callbacks.guard._target_=siren_pl.hydra_callbacks.ContinueSweep"


def command_line(start: Start, directory: Path, given: list[str]) -> list[str]:
    """Arguments of `train.py` that continue a sweep.

    Args:
        start: How it was started.
        directory: Where it is.
        given: Overrides typed beside `sweep.resume`.

    Raises:
        UserError: One of them would change the sweep.
    """
    for override in given:
        if _group(override) not in _CHANGEABLE:
            raise UserError(
                f"{override}: a continued sweep is the same sweep; beside sweep.resume only {', '.join(_CHANGEABLE)} "
                f"may be given. Start another one for anything else. This one was started with: "
                f"{shlex.join([*start.task, *start.hydra])}"
            )
    replaced = {_key(override) for override in given}
    chosen_anew = {_group(override) for override in given if _key(override) == _group(override)}
    kept = [
        override
        for override in [*start.task, *start.hydra]
        if _key(override) not in {*replaced, *_OWN} and _group(override) not in chosen_anew
    ]
    flags = ["-m"] if start.config_directory is None else ["--config-dir", start.config_directory, "-m"]
    return [*flags, *kept, *given, f"hydra.sweep.dir={_quoted(directory)}", _CONTINUE]


def go_to_its_place(start: Start, directory: Path) -> Path:
    """Work where the sweep was started, so that relative paths mean the same; returns the directory as seen there.

    A place that is gone is forgiven: the sweep was moved, and the place where it is continued has to do.
    """
    absolute = directory.resolve()
    if start.working_directory.is_dir():
        os.chdir(start.working_directory)
    here = Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def _key(override: str) -> str:
    return override.split("=", 1)[0].lstrip("+~")


def _group(override: str) -> str:
    """The group that an override chooses or reaches into: `logger` of `logger.mode=…`."""
    key = _key(override)
    return "hydra/launcher" if key.startswith("hydra.launcher.") else key.split(".")[0]


def _quoted(path: Path) -> str:
    """A path in Hydra's grammar, where several characters of a path have a meaning."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
