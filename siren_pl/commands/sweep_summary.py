"""Sums up a sweep: a plot of the metric over each swept key, `summary.csv`, a run in W&B and a printed table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from siren_pl.runs import directory as directory_of
from siren_pl.runs import sweeps
from siren_pl.runs.attempts import attempt
from siren_pl.runs.claims import WITHOUT_TRACE
from siren_pl.runs.sweeps import Row
from siren_pl.training.judge import Measure

# How many measures fit a terminal beside the one that jobs are compared by.
MOST_COLUMNS = 3


def write(directory: Path, rows: list[Row], config: DictConfig) -> None:
    """Sum up a sweep.

    Args:
        directory: The sweep's directory.
        rows: A row per job.
        config: The sweep's configuration, Hydra's part included.
    """
    measures: dict[str, Measure] = {}
    for job in sweeps.job_directories(directory):
        measures |= directory_of.read_measures(job)
    measured = {name: None for row in rows for name in row}
    metric = sweeps.compared_by(measures, measured, config.sweep.metric)
    pictures = _plot(rows, metric, directory)
    if config.logger.name == "wandb":
        from siren_pl.runs import wandb_runs

        with attempt("the sweep's run in W&B"):
            options: Any = OmegaConf.to_container(config.logger, resolve=True)
            wandb_runs.summarise(options, directory, config.hydra.runtime.choices["task"], rows, pictures)
    # Written last: a sweep with a summary has nothing left to do.
    sweeps.write_summary(directory, rows)
    with attempt("the table of the sweep"):
        _print(rows, _columns(rows, metric, measures), directory)


def _swept(rows: list[Row]) -> list[str]:
    """The override keys that differ between jobs and affect the result."""
    return [key for key in sweeps.swept_keys(rows) if key.split(".")[0] not in WITHOUT_TRACE]


def _plot(rows: list[Row], metric: str | None, directory: Path) -> list[Path]:
    from siren_pl import plots

    pictures = []
    if metric is None:
        return pictures
    for key in _swept(rows):
        points = [(row[key], row[metric]) for row in rows if metric in row and key in row]
        path = directory / "figures" / f"{metric.replace('/', '_')}_over_{key.replace('/', '_')}.png"
        if points:
            with attempt(f"figures/{path.name}"):
                pictures.append(plots.sweep(points, key, metric, path))
    return pictures


def _columns(rows: list[Row], metric: str | None, measures: Mapping[str, Measure]) -> list[str]:
    """The table's columns: the metric that jobs are compared by, metrics that lead in any job, and the time."""
    names = dict.fromkeys([metric, *list(measures)[:MOST_COLUMNS], "wall_s"])
    return [name for name in names if name and any(name in row for row in rows)]


def _print(rows: list[Row], names: list[str], directory: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    keys = _swept(rows)
    table = Table("job", *keys, "status", *names, title="sweep")
    for row in rows:
        numbers = [f"{row[name]:.2f}" if name in row else "" for name in names]
        table.add_row(row["job"], *(row.get(key, "") for key in keys), row["status"], *numbers)
    # Overrides are printed as typed: brackets are not markup, colons not emoji.
    console = Console(stderr=True, markup=False, emoji=False)
    console.print(table)
    console.print(f"  {directory / sweeps.SUMMARY}", soft_wrap=True, highlight=False)
    if any(row["status"] not in sweeps.ENDED for row in rows):
        console.print(
            f"  try the jobs without a result again: sweep.resume={directory}", soft_wrap=True, highlight=False
        )
