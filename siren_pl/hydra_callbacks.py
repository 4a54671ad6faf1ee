"""Around Hydra's jobs: refuse a directory that is already used, and sum a sweep up."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from siren_pl import run_directory as directory_of
from siren_pl.sweeps import summary_rows, swept_keys

_failed: list[str] = []


def failed_jobs() -> list[str]:
    """Names of the jobs of the last sweep that failed, or diverged where that counts as failing."""
    return list(_failed)


class RefuseUsedDirectory(Callback):
    """Before anything is written: a directory that holds a run is not used for another.

    Hydra turns exceptions of callbacks into warnings, hence the exit.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the run's directory."""
        _refuse(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the sweep's directory."""
        _failed.clear()
        _refuse(config, "hydra.sweep.dir")


def _refuse(config: DictConfig, key: str) -> None:
    HydraConfig.instance().set_config(config)  # the default directory names the chosen task
    directory = Path(OmegaConf.select(config, key))
    if directory_of.is_used(directory):
        print(
            f"error: {key}={directory} already holds a run, and nothing in it was touched: choose an empty directory, "
            f"or continue that run with resume={directory}.",
            file=sys.stderr,
        )
        raise SystemExit(1)


class SummariseSweep(Callback):
    """After the last job: `summary.csv`, a plot of the metric against the swept value, and a table on the terminal."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Read every job's directory and sum up."""
        HydraConfig.instance().set_config(config)
        directory = Path(config.hydra.sweep.dir)
        rows = summary_rows(directory)
        if not rows:
            return
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with (directory / "summary.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        accepted = {directory_of.FINISHED, *([directory_of.DIVERGED] if config.sweep.allow_divergence else [])}
        _failed.extend(f"job {row['job']}" for row in rows if row["status"] not in accepted)
        _plot(rows, config.sweep.metric, directory)
        _print(rows, config.sweep.metric, directory)


def _plot(rows: list[dict[str, Any]], metric: str, directory: Path) -> None:
    from siren_pl import figures

    for key in swept_keys(rows):
        points = [(row[key], row[metric]) for row in rows if metric in row and key in row]
        if points:
            figures.sweep(points, key, metric, directory / "figures" / f"{metric}_over_{key.replace('/', '_')}.png")


def _print(rows: list[dict[str, Any]], metric: str, directory: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    keys = swept_keys(rows)
    names = [
        name for name in dict.fromkeys([metric, "psnr", "heldout_psnr", "wall_s"]) if any(name in row for row in rows)
    ]
    table = Table("job", *keys, "status", *names, title="sweep")
    for row in rows:
        numbers = [f"{row[name]:.2f}" if name in row else "" for name in names]
        table.add_row(row["job"], *(row.get(key, "") for key in keys), row["status"], *numbers)
    console = Console(stderr=True)
    console.print(table)
    console.print(f"  {directory / 'summary.csv'}", soft_wrap=True, highlight=False)
