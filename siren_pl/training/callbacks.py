"""What is seen of a fit while it runs: the curve, and a line of progress."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

import lightning.pytorch as pl
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from siren_pl import metrics
from siren_pl.rendering import evaluate, render
from siren_pl.training.module import FieldModule

# Where no terminal shows a bar (a pipe, a cluster's log), one line is printed this often.
LINE_SECONDS = 15.0
# Samples that progress is measured on: a second of rendering, and a PSNR that is off by some hundredths of a dB.
QUICK_SAMPLES = 1 << 18


class Curve(pl.Callback):
    """Record the losses and, a few times, the PSNR; hand both to the loggers."""

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Append a row to the module's history where one is due."""
        assert isinstance(pl_module, FieldModule)
        step, recipe = trainer.global_step, pl_module.recipe
        row: dict[str, float] = {}
        if recipe.is_log_step(step):
            losses = {f"train/{name}": float(loss) for name, loss in pl_module.last_losses.items()}
            row = {"train/loss": sum(losses.values()), **losses}
        if recipe.is_evaluation_step(step) and recipe.evaluations:
            row |= quick_scores(pl_module)
        if row:
            pl_module.history.append({"step": float(step), **row})
            for logger in trainer.loggers:
                logger.log_metrics(row, step)


def quick_scores(module: FieldModule) -> dict[str, float]:
    """PSNR (after the task's alignment) over all samples, and over the held-out ones where there are any.

    A signal of more than `QUICK_SAMPLES` samples is looked at in a fixed random excerpt of so many.
    """
    signal, scale = module.signal, module.task.value_scale(module.signal)
    if math.prod(signal.shape) <= QUICK_SAMPLES:
        seen, observed, found = signal, signal.observed, render(module.network, signal)
    else:
        coords, seen, observed = signal.excerpt(QUICK_SAMPLES)
        found = evaluate(module.network, coords)
    values = module.task.align(found / scale, seen)
    result, target = ((array / 2 + 0.5).clamp(0, 1).double().numpy() for array in (values, seen.values))
    unseen = ~observed.numpy()
    scores = {"eval/psnr": metrics.psnr(result, target)}
    if unseen.any():
        scores["eval/heldout_psnr"] = metrics.psnr(result[unseen], target[unseen])
    return scores


class ProgressLine(pl.Callback):
    """A rich bar with rate, loss and PSNR on a terminal; elsewhere a plain line now and then."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
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
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[text]}"),
            )
            self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console)
            self._bar.start()
            self._task = self._bar.add_task(pl_module.task.name, total=pl_module.recipe.max_steps, text="starting")

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Advance."""
        assert isinstance(pl_module, FieldModule)
        step = trainer.global_step
        due = time.monotonic() - self._last_line > LINE_SECONDS or step == pl_module.recipe.max_steps
        if self._bar is not None:
            self._bar.update(self._task, completed=step, text=self._text(step, pl_module))
        elif due and trainer.is_global_zero:
            self._last_line = time.monotonic()
            print(f"{pl_module.task.name}: {self._text(step, pl_module)}", file=sys.stderr, flush=True)

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
        loss = float(torch.stack(list(module.last_losses.values())).sum())
        evaluated = next((row["eval/psnr"] for row in reversed(module.history) if "eval/psnr" in row), math.nan)
        psnr = "" if math.isnan(evaluated) else f"  PSNR {evaluated:.2f} dB"
        return f"step {step}/{module.recipe.max_steps}  {rate:.1f} steps/s  loss {loss:.3g}{psnr}"
