"""Where curves, pictures and tables go besides the run directory: W&B, CSV, TensorBoard, or nowhere.

Each logger is Lightning's own plus `close(metrics, figures, exit_code)`. Those that can draw histograms also have
`log_histograms(values, step)`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from numpy.typing import NDArray

from siren_pl.runs.attempts import attempt
from siren_pl.runs.run_info import RunInfo
from siren_pl.runs.wandb_runs import open_run
from siren_pl.training.module import FieldModule

log = logging.getLogger(__name__)


def make(options: Mapping[str, Any], info: RunInfo) -> list[Any]:
    """The loggers that `logger` names; empty if it names none."""
    name = options["name"]
    found = (
        {"wandb": open_run, "csv": _csv, "tensorboard": _tensorboard}[name](options, info) if name != "none" else None
    )
    if options.get("histograms") and not hasattr(found, "log_histograms"):
        log.warning("logger.histograms=true: logger=%s keeps no histograms; choose logger=wandb or tensorboard.", name)
    return [] if found is None else [found]


def finish(loggers: Sequence[Any], metrics: Mapping[str, float], figures: Sequence[Path], exit_code: int) -> None:
    """Pass on the final metrics and figures, which the run directory already holds, and close the loggers."""
    for logger in loggers:
        with attempt(f"the end of the log ({type(logger).__name__})"):
            logger.close(metrics, figures, exit_code)


def _csv(options: Mapping[str, Any], info: RunInfo) -> Logger:
    # Otherwise Lightning would remove the file of an earlier start, with a warning.
    (info.directory / "csv" / "metrics.csv").unlink(missing_ok=True)
    return Table(info.directory, name="", version="csv")


def _tensorboard(options: Mapping[str, Any], info: RunInfo) -> Logger:
    return Board(info.directory, name="", version="tensorboard")


def weights(module: FieldModule) -> dict[str, NDArray[Any]]:
    """Flat arrays by panel name, such as `weights/layers.0.weight`; the names are the same for every task."""
    parameters = module.network.named_parameters()
    return {f"weights/{name}": tensor.detach().float().cpu().flatten().numpy() for name, tensor in parameters}


class Table(CSVLogger):
    """A CSV file, rewritten at every start; whoever continues a run passes it the earlier curve."""

    forgets = True

    def close(self, metrics: Mapping[str, float], figures: Sequence[Path], exit_code: int) -> None:
        """Write the final metrics as a last row."""
        _end(self, metrics, exit_code)


class Board(TensorBoardLogger):
    """A TensorBoard event file."""

    def log_histograms(self, values: Mapping[str, Any], step: int) -> None:
        """Log arrays by name as histograms."""
        for name, array in values.items():
            self.experiment.add_histogram(name, array, step)

    def close(self, metrics: Mapping[str, float], figures: Sequence[Path], exit_code: int) -> None:
        """Log the final metrics."""
        _end(self, metrics, exit_code)


def _end(logger: Logger, metrics: Mapping[str, float], exit_code: int) -> None:
    if metrics:
        logger.log_metrics({f"final/{name}": value for name, value in metrics.items()}, int(metrics.get("steps", 0)))
        logger.finalize("success" if exit_code == 0 else "failed")


class Histograms(pl.Callback):
    """Passes every layer's weights to the loggers that draw histograms, at the steps where PSNR is measured.

    When many fields are fitted together, a layer's weights in all of them make one histogram. On several devices there
    are no histograms, since spawned processes have no loggers.
    """

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Log if an evaluation is due."""
        assert isinstance(pl_module, FieldModule)
        recipe, step = pl_module.recipe, trainer.global_step
        if not (recipe.evaluations and pl_module.is_evaluation_due):
            return
        for logger in trainer.loggers:
            if hasattr(logger, "log_histograms"):
                logger.log_histograms(weights(pl_module), step)  # type: ignore[attr-defined]
