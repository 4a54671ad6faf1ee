"""Hydra's callbacks: refuse a directory that is already in use before the jobs, and sum up a sweep after them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from siren_pl.commands.launchers import share_checkout
from siren_pl.runs import directory as directory_of
from siren_pl.runs import sweeps
from siren_pl.runs.claims import difference

# Hydra creates the callbacks and gives no access to them; through this the command learns what they saw.
_failed: list[str] = []
_underway: list[Path] = []


def failed_jobs() -> list[str]:
    """Names of the last sweep's jobs that failed, or diverged where that counts as failing."""
    return list(_failed)


def sweep_underway() -> Path | None:
    """The directory of a sweep that has begun but has not been summed up."""
    return _underway[0] if _underway else None


def forget() -> None:
    """Forget what earlier callbacks saw, before a command begins."""
    _failed.clear()
    _underway.clear()


class RefuseUsedDirectory(Callback):
    """Refuses, before anything is written, to use a directory that already holds a run."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the run's directory."""
        directory = _chosen(config, "hydra.run.dir")
        if directory_of.is_used(directory):
            _refuse(f"hydra.run.dir={directory}", f"resume={directory}", "run")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the sweep's directory, and record how the sweep was started."""
        directory = _chosen(config, "hydra.sweep.dir")
        if directory_of.is_used(directory):
            _refuse(f"hydra.sweep.dir={directory}", f"sweep.resume={directory}", "sweep")
        sweeps.write_start(directory, config)
        _begin(directory)


class ContinueSweep(Callback):
    """Replaces RefuseUsedDirectory when a sweep is continued, since its directory is rightly in use."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check that the sweep is still the same one."""
        directory = _chosen(config, "hydra.sweep.dir")
        different = difference(sweeps.read_start(directory).config, config)
        if different:
            _leave(
                f"sweep.resume={directory}: this sweep was started with another configuration: {different}. Was a file "
                "of the configuration edited since? Undo that, or start the sweep again in an empty directory."
            )
        _begin(directory)


def _chosen(config: DictConfig, key: str) -> Path:
    HydraConfig.instance().set_config(config)  # the default directory contains the chosen task's name
    return Path(OmegaConf.select(config, key))


def _refuse(given: str, cure: str, kind: str) -> NoReturn:
    _leave(
        f"{given} already holds a run, and nothing in it was touched: choose an empty directory, "
        f"or continue that {kind} with {cure}."
    )


def _leave(paragraph: str) -> NoReturn:
    """Print a paragraph and exit; Hydra would turn an exception in a callback into a warning."""
    print(f"error: {paragraph}", file=sys.stderr)
    raise SystemExit(1)


def _begin(directory: Path) -> None:
    _underway[:] = [directory]
    share_checkout()


class SummariseSweep(Callback):
    """Writes `summary.csv`, plots the metric against the swept value and prints a table after the last job."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Read every job's directory and sum up the sweep."""
        directory = _chosen(config, "hydra.sweep.dir")
        rows = sweeps.summary_rows(directory)
        allowed = config.sweep.allow_divergence
        _failed.extend(f"job {row['job']}" for row in rows if not sweeps.is_accepted(row["status"], allowed))
        if rows:
            # Imported late since it brings in torch, and a mistyped command line should not wait for that.
            from siren_pl.commands import sweep_summary

            sweep_summary.write(directory, rows, config)
        _underway.clear()
