"""What `train.py` does: read the command line, refuse bad input at once, run the job, answer with an exit code.

Nothing heavy is imported until a configuration has been found good: help, completion and typing errors answer at once.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from siren_pl import config as checks
from siren_pl import run_directory as directory_of
from siren_pl import sweep_resume, sweeps
from siren_pl.claims import ClaimError, held, settle
from siren_pl.command_line import EXIT_USER, explain, guarded
from siren_pl.errors import UserError
from siren_pl.sweeps import ENDED

log = logging.getLogger(__name__)

STARTED = time.time()
# Keys that a resumed run may change; everything else is the saved configuration's.
RESUMABLE = ("trainer.max_steps", "logger")
_MULTIRUN = ("-m", "--multirun")


def train() -> NoReturn:
    """Entry point of `train.py`."""
    sys.exit(guarded(_train, sys.argv[1:]))


def _train(arguments: list[str]) -> int:
    for key, resume in (("resume", _resume), ("sweep.resume", _resume_sweep)):
        given = [argument for argument in arguments if argument.startswith(f"{key}=") and argument != f"{key}=null"]
        if given:
            return resume(
                Path(given[0].split("=", 1)[1]), [argument for argument in arguments if argument not in given]
            )
    # argparse refuses overrides on both sides of a flag; people type the flag where it comes to mind.
    return _start(sorted(arguments, key=lambda argument: argument not in _MULTIRUN))


def _start(arguments: list[str]) -> int:
    """Hand a command line over to Hydra."""
    from siren_pl import hydra_callbacks

    sys.argv[1:] = arguments
    # Hydra then raises instead of printing its own report and leaving.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _ended.clear()
    hydra_callbacks.forget()
    conf = str(checks.conf_directory())
    try:
        hydra.main(version_base="1.3", config_path=conf, config_name="train")(_hydra_job)()
    finally:
        unfinished = hydra_callbacks.sweep_underway()
        if unfinished is not None:
            print(
                f"the sweep in {unfinished} is not finished: continue with sweep.resume={unfinished}", file=sys.stderr
            )
    for end in _ended:
        if isinstance(end, Exception):
            raise end
    bad = unfinished is not None or hydra_callbacks.failed_jobs() or any(end != directory_of.FINISHED for end in _ended)
    return EXIT_USER if bad else 0


# How the one job of a run without -m ended: its status, or what it raised. Hydra would print a report of its own.
_ended: list[str | Exception] = []


def _hydra_job(config: DictConfig) -> float | None:
    """One job: a run of its own, or one of a sweep, in which a failure is said at once and the others go on."""
    hydra_config = HydraConfig.get()
    directory = Path(hydra_config.runtime.output_dir)
    sweeping = hydra_config.mode is not None and hydra_config.mode.name == "MULTIRUN"
    started = time.time() if sweeping and hydra_config.job.num else STARTED
    try:
        with held(directory):
            settle(directory, config, hydra_config)
            if directory_of.read_status(directory) in ENDED:
                # Not by the log, which is a file of the finished run.
                print(f"job {hydra_config.job.num} is kept: {directory_of.read_status(directory)}", file=sys.stderr)
            else:
                _run(config, hydra_config, directory, sweeping, started)
    except Exception as error:
        if not sweeping:
            _ended.append(error)
            return None
        if config.get("debug"):
            traceback.print_exc()
        number, overrides = hydra_config.job.num, hydra_config.job.override_dirname
        if isinstance(error, ClaimError):
            print(f"job {number} ({overrides}) is refused: {error}", file=sys.stderr)
            return None
        log.error("job %s (%s) failed: %s", number, overrides, explain(error))
        directory_of.write_status(directory, directory_of.FAILED)
        return None
    if not sweeping:
        _ended.append(directory_of.read_status(directory))
    return directory_of.read_metrics(directory).get(config.sweep.metric)


def _run(config: DictConfig, hydra_config: Any, directory: Path, sweeping: bool, started: float) -> None:
    """Train from the beginning, or from the last checkpoint in the directory."""
    checks.validate(config)
    from siren_pl import build, run
    from siren_pl.job import Job

    job = Job(
        directory,
        task=hydra_config.runtime.choices["task"],
        model=hydra_config.runtime.choices["model"],
        group=Path(hydra_config.sweep.dir).name if sweeping else None,
        overrides=tuple(hydra_config.overrides.task),
    )
    run.train(build.plain(config), job, started)


def _resume_sweep(directory: Path, overrides: list[str]) -> int:
    """Run a sweep again into its own directory: what has ended is kept, the rest goes on or begins."""
    start = sweeps.read_start(directory)
    place = sweep_resume.go_to_its_place(start, directory)
    given = [override for override in overrides if override not in _MULTIRUN]
    arguments = sweep_resume.command_line(start, place, given)
    if not sweeps.is_finished(place):
        return _start(arguments)
    rows = sweeps.summary_rows(place)
    print(f"the sweep in {place} is finished, all {len(rows)} jobs of it: nothing to do.", file=sys.stderr)
    return 0 if all(sweeps.is_accepted(row["status"], start.allow_divergence) for row in rows) else EXIT_USER


def _resume(directory: Path, overrides: list[str]) -> int:
    """Continue a run in place from its saved configuration, which stays as it is."""
    directory_of.require_run(directory, "resume")
    config = OmegaConf.load(directory / ".hydra" / "config.yaml")
    hydra_config = OmegaConf.load(directory / ".hydra" / "hydra.yaml")
    assert isinstance(config, DictConfig)
    packages = _apply(config, overrides)
    checks.validate(config)
    from siren_pl import build, run, trust
    from siren_pl.job import Job

    plain = build.plain(config)
    trust.check(plain, packages)
    choices = OmegaConf.select(hydra_config, "hydra.runtime.choices", default={})
    job = Job(directory, choices.get("task", "run"), choices.get("model", "model"), None, tuple(overrides))
    if run.is_done(plain, directory):
        print(f"{directory} is finished: raise trainer.max_steps to go on.", file=sys.stderr)
        return 0
    with _logging_to(directory / "run.log"):
        outcome = run.train(plain, job, STARTED)
    return 0 if outcome.status == directory_of.FINISHED else EXIT_USER


def _apply(config: DictConfig, overrides: list[str]) -> tuple[str, ...]:
    """Write the few overrides that a resumed run admits into its configuration; returns the trusted packages."""
    packages: list[str] = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "trust":
            packages += value.split(",")
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
    """Messages of a resumed run go to the terminal and to the run's own log, as Hydra has it for a new one."""
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
