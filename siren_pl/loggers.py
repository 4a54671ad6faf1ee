"""Where curves, pictures and tables go besides the run directory: W&B, CSV, TensorBoard, or nowhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a logger says about a run besides its numbers.

    Attributes:
        directory: The run directory.
        task: Name of the task, W&B's job type.
        model: Name of the model.
        group: The sweep this run belongs to, or its own name.
        overrides: What was typed on the command line.
        config: The resolved configuration.
    """

    directory: Path
    task: str = "run"
    model: str = "model"
    group: str | None = None
    overrides: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A readable name: the model and what was overridden."""
        parts = [self.model, *(o for o in self.overrides if not o.startswith(("model=", "task=", "hydra.", "logger")))]
        return " ".join(parts)


def make(options: Mapping[str, Any], job: Job) -> list[Logger]:
    """The loggers that `logger` names; an empty list for none."""
    name = options["name"]
    if name == "wandb":
        return [_wandb(options, job)]
    if name == "csv":
        from lightning.pytorch.loggers import CSVLogger

        return [CSVLogger(job.directory, name="", version="csv")]
    if name == "tensorboard":
        from lightning.pytorch.loggers import TensorBoardLogger

        return [TensorBoardLogger(job.directory, name="", version="tensorboard")]
    return []


def _wandb(options: Mapping[str, Any], job: Job) -> Logger:
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    # Absolute: W&B writes from a process of its own, which keeps the working directory it was started in.
    directory = Path(options["directory"]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        project=options["project"],
        dir=directory,
        mode=_mode(options["mode"]),
        group=job.group,
        job_type=job.task,
        name=job.title[:128],  # W&B's limit
        tags=[job.task, job.model],
        config={**job.config, "run_directory": str(job.directory), "overrides": list(job.overrides)},
        reinit="finish_previous",
        settings=wandb.Settings(silent=True, console="off"),
    )
    return WandbLogger(experiment=run)


def _mode(wanted: str) -> Any:
    """`auto` is online where a login answers, else offline: never a prompt, never a hang."""
    if wanted != "auto" or os.environ.get("WANDB_MODE"):
        return os.environ.get("WANDB_MODE", wanted)
    import wandb

    with suppress(Exception):  # a login without a network raises what it likes: all mean offline
        if wandb.login(prompt=False, timeout=10):
            return "online"
    return "offline"


def finish(loggers: list[Logger], metrics: Mapping[str, float], figures: list[Path], exit_code: int) -> None:
    """Hand over final metrics and figures, and close: a W&B run left open would swallow the next job of a sweep."""
    import sys

    for logger in loggers:
        if not metrics:
            continue
        if type(logger).__name__ == "WandbLogger":
            import wandb

            run = getattr(logger, "experiment")  # noqa: B009 - an attribute of WandbLogger alone
            run.summary.update(dict(metrics))
            table = wandb.Table(columns=["metric", "value"], data=[[name, value] for name, value in metrics.items()])
            run.log({"metrics": table, **{f"figures/{path.stem}": wandb.Image(str(path)) for path in figures}})
        else:
            logger.log_metrics(
                {f"final/{name}": value for name, value in metrics.items()}, int(metrics.get("steps", 0))
            )
            logger.finalize("success" if exit_code == 0 else "failed")
    if "wandb" in sys.modules:
        sys.modules["wandb"].finish(exit_code=exit_code)
