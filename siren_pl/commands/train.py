"""The command `train.py`: reads the command line, refuses bad input at once, runs the job and returns an exit code.

Nothing heavy is imported before a configuration has been found good, so help, completion and messages about typing
errors come at once.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig

from siren_pl.commands import help_text, sweep_resume
from siren_pl.commands import resume as run_resume
from siren_pl.commands.composition import unknown_keys
from siren_pl.commands.guard import EXIT_USER, explain, guarded
from siren_pl.errors import UserError
from siren_pl.runs import directory as directory_of
from siren_pl.runs import keys as checks
from siren_pl.runs import stored, sweeps
from siren_pl.runs.claims import ClaimError, claim, held
from siren_pl.runs.sweeps import ENDED

log = logging.getLogger(__name__)

STARTED = time.time()
_MULTIRUN = ("-m", "--multirun")


def train() -> NoReturn:
    """Entry point of `train.py`."""
    sys.exit(guarded(_train, sys.argv[1:]))


def _train(arguments: list[str]) -> int:
    try:
        return _chosen(arguments)
    except HydraException as error:
        told = unknown_keys(error, arguments)
        if told is None:
            raise
        raise UserError(told) from error


def _chosen(arguments: list[str]) -> int:
    """Do what a command line asks for: help, a run, a sweep, or the continuation of either."""
    if help_text.is_asked(arguments):
        print(help_text.text(arguments))
        return 0
    checks.require_members(arguments)
    for key, continued in (("resume", _resume), ("sweep.resume", _resume_sweep)):
        given = [argument for argument in arguments if argument.startswith(f"{key}=") and argument != f"{key}=null"]
        if given:
            return continued(
                Path(given[0].split("=", 1)[1]), [argument for argument in arguments if argument not in given]
            )
    # argparse refuses overrides on both sides of a flag, but people type the flag anywhere.
    return _start(sorted(arguments, key=lambda argument: argument not in _MULTIRUN))


def _start(arguments: list[str]) -> int:
    """Pass a command line to Hydra."""
    from siren_pl.commands import callbacks as hydra_callbacks

    sys.argv[1:] = arguments
    # Makes Hydra raise instead of printing its own report and exiting.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _ended.clear()
    hydra_callbacks.forget()
    conf = str(checks.conf_directory())
    try:
        hydra.main(version_base="1.3", config_path=conf, config_name="train")(_hydra_job)()
    except (yaml.YAMLError, ValueError) as error:  # what a job raises is kept in _ended
        raise UserError(
            f"a file of the configuration cannot be read ({error}): mend it in the folder that --config-dir names, or "
            "in conf/."
        ) from error
    except OSError as error:
        if isinstance(error, HydraException):  # a member that does not exist
            raise
        raise UserError(
            f"{error.filename} cannot be read or written ({error.strerror or error}): choose another hydra.run.dir, "
            "or hydra.sweep.dir of a sweep."
        ) from error
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


# How the only job of a run without -m ended: its status, or the exception, of which Hydra would print its own report.
_ended: list[str | Exception] = []


def _hydra_job(config: DictConfig) -> float | None:
    """Run one job, alone or as part of a sweep, in which a failure is reported at once and the other jobs go on."""
    hydra_config = HydraConfig.get()
    directory = Path(hydra_config.runtime.output_dir)
    sweeping = hydra_config.mode is not None and hydra_config.mode.name == "MULTIRUN"
    started = time.time() if sweeping and hydra_config.job.num else STARTED
    try:
        with held(directory):
            claim(directory, config, hydra_config)
            if directory_of.read_status(directory) in ENDED:
                # Printed and not logged, since the log is a file of the finished run.
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
    measured = directory_of.read_metrics(directory)
    metric = sweeps.compared_by(directory_of.read_measures(directory), measured, config.sweep.metric)
    return None if metric is None else measured.get(metric)


def _run(config: DictConfig, hydra_config: Any, directory: Path, sweeping: bool, started: float) -> None:
    """Train from scratch or from the last checkpoint in the directory."""
    plain = checks.require_good(config, hydra_config.runtime.choices, hydra_config.overrides.task)
    from siren_pl.runs import train as run
    from siren_pl.runs.run_info import RunInfo

    info = RunInfo(
        directory,
        task=hydra_config.runtime.choices["task"],
        model=hydra_config.runtime.choices["model"],
        group=Path(hydra_config.sweep.dir).name if sweeping else None,
        overrides=tuple(hydra_config.overrides.task),
    )
    run.train(plain, info, started)


def _resume(directory: Path, overrides: list[str]) -> int:
    return 0 if run_resume.resume(directory, overrides, STARTED) else EXIT_USER


def _resume_sweep(directory: Path, overrides: list[str]) -> int:
    """Run a sweep again into its own directory: jobs that have ended are kept, the others go on or begin."""
    stored.require_no_way_out(directory)
    start, stood = sweeps.read_start(directory), Path.cwd()
    place = sweep_resume.go_to_its_place(start, directory)
    given = [override for override in overrides if override not in _MULTIRUN]
    arguments = sweep_resume.arguments(start, place, given, stood)
    if not sweeps.is_finished(place):
        return _start(arguments)
    rows = sweeps.summary_rows(place)
    print(f"the sweep in {place} is finished, all {len(rows)} jobs of it: nothing to do.", file=sys.stderr)
    return 0 if all(sweeps.is_accepted(row["status"], start.allow_divergence) for row in rows) else EXIT_USER
