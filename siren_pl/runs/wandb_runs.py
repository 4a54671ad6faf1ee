"""Weights & Biases: a run per job, and one per sweep with its table and plots. Never a prompt, never a hang."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from siren_pl.runs.run_info import RunInfo

# W&B's limit of a run's name.
_LONGEST_NAME = 128


class WandbRun(WandbLogger):
    """A job's run: its curve by Lightning's own logger, its end here."""

    def log_histograms(self, values: Mapping[str, Any], step: int) -> None:
        """Log arrays by name as histograms."""
        import wandb

        drawn = {name: wandb.Histogram(array) for name, array in values.items()}
        self.experiment.log(drawn | {"trainer/global_step": step})  # the axis that Lightning plots everything over

    def close(self, metrics: Mapping[str, float], figures: Sequence[Path], exit_code: int) -> None:
        """Hand over metrics and figures; a run left open would swallow the next job of a sweep."""
        import wandb

        run = self.experiment
        run.summary.update(dict(metrics))
        if metrics:
            table = wandb.Table(columns=["metric", "value"], data=[[name, value] for name, value in metrics.items()])
            run.log({"metrics": table, **_pictures(figures)})
        run.finish(exit_code=exit_code)


def open_run(options: Mapping[str, Any], info: RunInfo) -> WandbRun:
    """Start the run of a job."""
    config = {**info.config, "run_directory": str(info.directory), "overrides": list(info.overrides)}
    run = _init(
        options, group=info.group, job_type=info.task, name=info.title, tags=[info.task, info.model], config=config
    )
    return WandbRun(experiment=run)


def summarise(
    options: Mapping[str, Any],
    directory: Path,
    task: str,
    rows: Sequence[Mapping[str, Any]],
    figures: Sequence[Path],
) -> None:
    """Leave a run in the sweep's group that holds its table and its plots.

    It ends well even where jobs did not: how they ended is in the table.

    Args:
        options: Of the logger.
        directory: The sweep's; its name is the group.
        task: What the jobs fitted.
        rows: A row per job: number, status, overrides, metrics.
        figures: The metric over each swept key.
    """
    import wandb

    group = directory.resolve().name
    run = _init(
        options,
        group=group,
        job_type="summary",
        name=f"{group} summary",
        tags=[task, "summary"],
        config={"sweep_directory": str(directory), "jobs": len(rows)},
    )
    columns: list[Any] = list(dict.fromkeys(name for row in rows for name in row))
    cells = zip(*(_numbers([row.get(name) for row in rows]) for name in columns), strict=True)
    table = wandb.Table(columns=columns, data=[list(row) for row in cells])
    run.log({"sweep": table, **_pictures(figures)})
    run.finish(exit_code=0)


def _numbers(column: list[Any]) -> list[Any]:
    """A column that can be read as numbers as numbers, any other as text: W&B wants one type in a column."""
    with suppress(ValueError):
        return [None if value is None else float(value) for value in column]
    return [None if value is None else str(value) for value in column]


def _pictures(paths: Sequence[Path]) -> dict[str, Any]:
    import wandb

    return {f"figures/{path.stem}": wandb.Image(str(path)) for path in paths}


def _init(options: Mapping[str, Any], name: str, **about: Any) -> Any:
    import wandb

    # Absolute: W&B writes from a process of its own, which keeps the working directory it was started in.
    directory = Path(options["directory"]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    return wandb.init(
        project=options["project"],
        dir=directory,
        mode=_mode(options["mode"]),
        name=name[:_LONGEST_NAME],
        reinit="finish_previous",
        settings=wandb.Settings(silent=True, console="off"),
        **about,
    )


def _mode(wanted: str) -> Any:
    """`auto` is online where a login answers, else offline."""
    if wanted != "auto" or os.environ.get("WANDB_MODE"):
        return os.environ.get("WANDB_MODE", wanted)
    import wandb

    with suppress(Exception):  # a login without a network raises what it likes: all mean offline
        if wandb.login(prompt=False, timeout=10):
            return "online"
    return "offline"
