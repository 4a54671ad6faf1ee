"""What a user sees of a fit while it runs: the curve and a line of progress."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import Logger
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from siren_pl.training.fields import ask_of
from siren_pl.training.module import DivergenceError, FieldModule

# Without a terminal to show a bar (a pipe, a cluster's log), one line is printed this often.
LINE_SECONDS = 15.0


class Curve(pl.Callback):
    """Records the losses and, a few times, the quick scores, and passes both to the loggers."""

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Append a row to the module's history if one is due."""
        assert isinstance(pl_module, FieldModule)
        rows = _losses(pl_module)
        step, recipe = trainer.global_step, pl_module.recipe
        if pl_module.is_evaluation_due and recipe.evaluations:
            rows[step] = rows.get(step, {}) | quick_scores(pl_module)
        self._record(rows, trainer, pl_module)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Send loggers that start afresh the curve from before the run was interrupted."""
        assert isinstance(pl_module, FieldModule)
        remind(pl_module.history, trainer.loggers)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Keep the finite losses of the slice in which a field diverged."""
        if isinstance(exception, DivergenceError) and isinstance(pl_module, FieldModule):
            rows = _losses(pl_module)
            finite = {at: row for at, row in rows.items() if all(map(math.isfinite, row.values()))}
            self._record(finite, trainer, pl_module)

    @staticmethod
    def _record(rows: Mapping[int, dict[str, float]], trainer: pl.Trainer, module: FieldModule) -> None:
        for at, row in rows.items():
            module.history.append({"step": float(at), **row})
            for logger in trainer.loggers:
                logger.log_metrics(row, at)
        if len(module.fields.problems) > 1:
            module.losses_by_signal += [
                [float(at), *torch.stack([*losses.values()]).sum(0).tolist()]
                for at, losses in module.logged
                if at in rows
            ]


def _losses(module: FieldModule) -> dict[int, dict[str, float]]:
    """The rows of the slice just run, by step: every named loss and their sum, as means over the fields."""
    rows = {}
    for step, losses in module.logged:
        means = {f"train/{name}": float(loss.nanmean()) for name, loss in losses.items()}
        rows[step] = {"train/loss": sum(means.values()), **means}
    return rows


def remind(history: list[dict[str, float]], loggers: Sequence[Any]) -> None:
    """Pass an earlier curve to the loggers that forget it, such as `loggers.Table`."""
    replay(history, [logger for logger in loggers if getattr(logger, "forgets", False)])


def replay(history: list[dict[str, float]], loggers: list[Logger]) -> None:
    """Pass a whole curve to loggers that could not follow it while it was recorded."""
    for row in history:
        for logger in loggers:
            logger.log_metrics({name: value for name, value in row.items() if name != "step"}, int(row["step"]))


def quick_scores(module: FieldModule) -> dict[str, float]:
    """The judge's quick metrics, as means over the signals that have not diverged."""
    found = [
        problem.judge.quick(problem.answer(ask_of(bundle, module.derivatives)))
        for index, (bundle, problem) in enumerate(zip(module.fields.split(), module.fields.problems, strict=True))
        if index not in module.diverged
    ]
    return {f"eval/{name}": sum(scores[name] for scores in found) / len(found) for name in found[0]}


class ProgressLine(pl.Callback):
    """Shows a rich bar with rate, loss and the first quick score on a terminal, elsewhere a plain line now and then."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: Any = None
        self._last_line = self._started = time.monotonic()
        self._first_step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the bar."""
        assert isinstance(pl_module, FieldModule)
        self._started = self._last_line = time.monotonic()
        self._first_step = trainer.global_step
        if sys.stderr.isatty() and trainer.is_global_zero:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[text]}"),
            )
            self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(
                pl_module.fields.problem.name, total=pl_module.recipe.max_steps, text="starting"
            )

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Advance the bar, or print a line if one is due."""
        assert isinstance(pl_module, FieldModule)
        step = trainer.global_step
        due = time.monotonic() - self._last_line > LINE_SECONDS or step == pl_module.recipe.max_steps
        if self._bar is not None:
            self._bar.update(self._task, completed=step, text=self._text(step, pl_module))
        elif due and trainer.is_global_zero:
            self._last_line = time.monotonic()
            print(f"{pl_module.fields.problem.name}: {self._text(step, pl_module)}", file=sys.stderr, flush=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Close the bar, so that the message stands on its own line."""
        self.on_train_end(trainer, pl_module)

    def _text(self, step: int, module: FieldModule) -> str:
        rate = (step - self._first_step) / max(time.monotonic() - self._started, 1e-9)
        loss = sum(float(loss.nanmean()) for loss in module.last_losses.values())
        scores = ((name, row[name]) for row in reversed(module.history) for name in row if name.startswith("eval/"))
        name, score = next(scores, ("", math.nan))
        told = f"  {name.removeprefix('eval/')} {score:.4g}" if name else ""
        return f"step {step}/{module.recipe.max_steps}  {rate:.1f} steps/s  loss {loss:.3g}{told}"
