"""Weights & Biases: one run per job, and one per sweep with its table and plots. It never prompts and never hangs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from siren_pl.runs.run_info import RunInfo

# W&B's limit on the length of a run's name.
_LONGEST_NAME = 128


class WandbRun(WandbLogger):
    """A job's run: Lightning's own logger sends the curve, this class ends the run."""

    def log_histograms(self, values: Mapping[str, Any], step: int) -> None:
        """Log arrays by name as histograms."""
        import wandb

        drawn = {name: wandb.Histogram(array) for name, array in values.items()}
        self.experiment.log(drawn | {"trainer/global_step": step})  # Lightning plots everything over this axis

    def close(self, metrics: Mapping[str, float], figures: Sequence[Path], exit_code: int) -> None:
        """Upload metrics and figures and close the run; one left open would swallow the next job of a sweep."""
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
    """Leave a run in the sweep's group that holds the sweep's table and plots.

    This run ends as a success even if jobs failed: the table says how each of them ended.

    Args:
        options: The logger's options.
        directory: The sweep's directory; its name is the group.
        task: The task of the jobs.
        rows: A row per job: number, status, overrides, metrics.
        figures: Plots of the metric over each swept key.
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
    """A column as numbers if all of it can be read as such, else as text: W&B wants one type in a column."""
    with suppress(ValueError):
        return [None if value is None else float(value) for value in column]
    return [None if value is None else str(value) for value in column]


def _pictures(paths: Sequence[Path]) -> dict[str, Any]:
    """W&B's media of figures, sounds, videos and meshes, by panel."""
    import wandb

    kinds = {".wav": ("sounds", wandb.Audio), ".mp4": ("videos", wandb.Video), ".gif": ("videos", wandb.Video)}
    kinds |= {".glb": ("shapes", wandb.Object3D)}
    found = {}
    for path in paths:
        # All are given by path, since wandb makes them of arrays only with further packages.
        place, kind = kinds.get(path.suffix, ("figures", wandb.Image))
        found[f"{place}/{path.stem}"] = kind(str(path))
    return found


def _init(options: Mapping[str, Any], name: str, **about: Any) -> Any:
    import wandb

    # The path is absolute since W&B writes from a process that keeps the working directory it was started in.
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
    """`auto` means online if the login succeeds, else offline."""
    if wanted != "auto" or os.environ.get("WANDB_MODE"):
        return os.environ.get("WANDB_MODE", wanted)
    import wandb

    with suppress(Exception):  # without a network a login may raise anything; all of it means offline
        if wandb.login(prompt=False, timeout=10):
            return "online"
    return "offline"
