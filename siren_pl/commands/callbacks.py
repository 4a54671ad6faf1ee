"""Around Hydra's jobs: refuse a directory that is already used, and sum a sweep up."""

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

# Hydra makes callbacks and keeps them to itself; this is how the command learns what they saw.
_failed: list[str] = []
_underway: list[Path] = []


def failed_jobs() -> list[str]:
    """Names of the jobs of the last sweep that failed, or diverged where that counts as failing."""
    return list(_failed)


def sweep_underway() -> Path | None:
    """The directory of a sweep that has begun and was not summed up yet."""
    return _underway[0] if _underway else None


def forget() -> None:
    """Before a command: nothing was seen yet."""
    _failed.clear()
    _underway.clear()


class RefuseUsedDirectory(Callback):
    """Before anything is written: a directory that holds a run is not used for another."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the run's directory."""
        directory = _chosen(config, "hydra.run.dir")
        if directory_of.is_used(directory):
            _refuse(f"hydra.run.dir={directory}", f"resume={directory}", "run")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the sweep's directory, and keep how the sweep was started."""
        directory = _chosen(config, "hydra.sweep.dir")
        if directory_of.is_used(directory):
            _refuse(f"hydra.sweep.dir={directory}", f"sweep.resume={directory}", "sweep")
        sweeps.write_start(directory, config)
        _begin(directory)


class ContinueSweep(Callback):
    """In the place of RefuseUsedDirectory where a sweep goes on: its directory is used, and that is right."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check that the sweep is still the same."""
        directory = _chosen(config, "hydra.sweep.dir")
        different = difference(sweeps.read_start(directory).config, config)
        if different:
            _leave(
                f"sweep.resume={directory}: this sweep was started with another configuration: {different}. Was a file "
                "of the configuration edited since? Undo that, or start the sweep again in an empty directory."
            )
        _begin(directory)


def _chosen(config: DictConfig, key: str) -> Path:
    HydraConfig.instance().set_config(config)  # the default directory names the chosen task
    return Path(OmegaConf.select(config, key))


def _refuse(given: str, cure: str, kind: str) -> NoReturn:
    _leave(
        f"{given} already holds a run, and nothing in it was touched: choose an empty directory, "
        f"or continue that {kind} with {cure}."
    )


def _leave(paragraph: str) -> NoReturn:
    """Hydra turns exceptions of callbacks into warnings, hence the exit."""
    print(f"error: {paragraph}", file=sys.stderr)
    raise SystemExit(1)


def _begin(directory: Path) -> None:
    _underway[:] = [directory]
    share_checkout()


class SummariseSweep(Callback):
    """After the last job: `summary.csv`, a plot of the metric against the swept value, and a table on the terminal."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Read every job's directory and sum up."""
        directory = _chosen(config, "hydra.sweep.dir")
        rows = sweeps.summary_rows(directory)
        allowed = config.sweep.allow_divergence
        _failed.extend(f"job {row['job']}" for row in rows if not sweeps.is_accepted(row["status"], allowed))
        if rows:
            # It imports torch, for which no slip of the command line waits.
            from siren_pl.commands import sweep_summary

            sweep_summary.write(directory, rows, config)
        _underway.clear()
