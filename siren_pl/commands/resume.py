"""Continues one run in place from its saved configuration, which is left unchanged."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from siren_pl.errors import UserError
from siren_pl.runs import directory as directory_of
from siren_pl.runs import keys as checks
from siren_pl.runs import stored
from siren_pl.runs.claims import held
from siren_pl.runs.trust import named

# Keys that a resumed run may change; all others keep their saved values.
RESUMABLE = ("trainer.max_steps", "logger")


def resume(directory: Path, overrides: list[str], started: float) -> bool:
    """Continue a run in place; return whether it has ended successfully.

    Args:
        directory: The run's directory.
        overrides: Overrides typed beside `resume`.
        started: `time.time()` at the start of the process.

    Raises:
        UserError: There is no run, or an override would change it.
    """
    directory_of.require_run(directory, "resume")
    # Checked before the lock is opened, which would follow a link.
    stored.require_no_way_out(directory)
    with held(directory), stored.built_from(directory):
        return _resume(directory, overrides, started)


def _resume(directory: Path, overrides: list[str], started: float) -> bool:
    config = stored.configuration(directory)
    packages = _apply(config, overrides)
    plain = stored.admitted(config, packages)
    if not any(override.partition("=")[0] in ("logger", "logger.directory") for override in overrides):
        stored.require_usual_place(plain, directory)
    from siren_pl.runs import train as run
    from siren_pl.runs.run_info import RunInfo

    choices = stored.choices(directory)
    info = RunInfo(directory, choices.get("task", "run"), choices.get("model", "model"), None, tuple(overrides))
    if run.is_done(plain, directory):
        print(f"{directory} is finished: raise trainer.max_steps to go on.", file=sys.stderr)
        return True
    with _logging_to(directory / "run.log"):
        return run.train(plain, info, started) == directory_of.FINISHED


def _apply(config: DictConfig, overrides: list[str]) -> tuple[str, ...]:
    """Write the few overrides that a resumed run admits into its configuration; return the trusted packages."""
    packages: list[str] = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "trust":
            packages += named(value)
        elif key == "debug":
            config.debug = value.lower() == "true"
        elif key == "logger":
            file = checks.conf_directory() / "logger" / f"{value}.yaml"
            if not file.is_file():
                raise UserError(f"logger={value} is unknown: choose wandb, csv, tensorboard or none.")
            config.logger = OmegaConf.load(file)
        elif key in RESUMABLE or key.startswith("logger."):
            OmegaConf.update(config, key, OmegaConf.from_dotlist([override]).get(key.split(".")[0])[key.split(".")[1]])
        else:
            raise UserError(
                f"{override}: a resumed run may change only {' and '.join(RESUMABLE)}; start a new run instead."
            )
    return tuple(packages)


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send messages to the terminal and to the run's own log, as Hydra does for a new run."""
    root = logging.getLogger()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr), logging.FileHandler(path)]
    level = root.level
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)
    try:
        yield
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
