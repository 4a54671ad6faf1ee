"""The one LightningModule: a network, a task and a way to differentiate, stepped to the end.

One `training_step` of Lightning runs many optimiser steps (a slice of time), so that short steps pay no framework tax.
What a step does depends on (seed, step) alone: the batch, the learning rate, the weights before it. Hence slices,
interruptions and resumes leave no trace in the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from siren_pl.derivatives import Derivatives
from siren_pl.networks.base import CoordinateNetwork
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.task import Batch, Task, placed
from siren_pl.training.compilation import Compilation
from siren_pl.training.schedules import Schedule

# A training_step returns to Lightning after this long, so that signals, checkpoints and progress are served.
SLICE_SECONDS = 0.25


class DivergenceError(Exception):
    """The loss stopped being a finite number at `step`."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss became NaN or infinite at step {step}")
        self.step = step


@dataclass(frozen=True)
class Recipe:
    """How a field is fitted.

    Attributes:
        max_steps: Optimiser steps.
        batch_size: Points per step and term; None takes all.
        optimizer: Makes the optimiser of the parameters; its own learning rate is the peak of the schedule.
        schedule: Factor of the learning rate from the progress in [0, 1).
        clip: Largest norm of the gradient over all weights; None for no limit.
        seed: Seeds the batches.
        log_rows: Rows of the loss curve.
        evaluations: How many times PSNR is measured during training.
    """

    max_steps: int
    batch_size: int | None
    optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    schedule: Schedule
    clip: float | None = None
    seed: int = 0
    log_rows: int = 200
    evaluations: int = 10

    def is_log_step(self, step: int) -> bool:
        """Whether the loss of the step before `step` is logged."""
        return step % max(1, self.max_steps // self.log_rows) == 0 or step == self.max_steps

    def is_evaluation_step(self, step: int) -> bool:
        """Whether PSNR is measured after `step` steps."""
        return step % max(1, -(-self.max_steps // max(1, self.evaluations))) == 0 or step == self.max_steps


class FieldModule(pl.LightningModule):
    """A field being fitted to a signal.

    Args:
        network: The field.
        task: Supervision and judge.
        signal: The ground truth.
        derivatives: How the jets are made.
        recipe: Steps, batches, optimiser.
        compilation: Whether the loss is compiled; settled at the first step.
    """

    def __init__(
        self,
        network: CoordinateNetwork,
        task: Task,
        signal: SampledSignal,
        derivatives: Derivatives,
        recipe: Recipe,
        compilation: Compilation,
    ) -> None:
        super().__init__()
        self.network = network
        self.task, self.signal, self.derivatives, self.recipe = task, signal, derivatives, recipe
        self.compilation = compilation
        self.automatic_optimization = False
        self.last_losses: dict[str, Tensor] = {}
        self.history: list[dict[str, float]] = []
        self.steps_done = 0
        self._tables: Batch = {}
        self._loss = self._losses

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser; remembers its learning rate as the schedule's peak."""
        optimizer = self.recipe.optimizer(self.network.parameters())
        self._peak = optimizer.param_groups[0]["lr"]
        return optimizer

    def on_fit_start(self) -> None:
        """Bring every table of points to the device once."""
        reference = next(self.network.parameters())
        self._tables = {name: placed(points, reference) for name, points in self.task.tables(self.signal).items()}
        self._loss = self.compilation.wrap(self._losses)

    def training_step(self, _batch: object, _index: int) -> None:
        """Run optimiser steps until the next row of the log, evaluation, end, or the end of the slice."""
        deadline = time.perf_counter() + SLICE_SECONDS
        optimizer = self.optimizers()
        totals: list[Tensor] = []
        first = step = self.global_step
        while step < self.recipe.max_steps:
            totals.append(self._step(optimizer, step))
            step += 1
            if self.recipe.is_log_step(step) or self.recipe.is_evaluation_step(step) or time.perf_counter() > deadline:
                break
        self.steps_done = step
        finite = torch.isfinite(torch.stack(totals))  # one look for the whole slice, so that devices are not waited for
        if not finite.all():
            raise DivergenceError(first + int((~finite).nonzero()[0]))

    def _step(self, optimizer: Any, step: int) -> Tensor:
        """One optimiser step; returns the detached total loss before it."""
        factor = self.recipe.schedule(step / self.recipe.max_steps)
        for group in optimizer.param_groups:
            group["lr"] = self._peak * factor
        batch = self.task.draw(self._tables, self.recipe.batch_size, self.recipe.seed, step)
        losses = self._loss(batch)
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(total)
        if self.recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        optimizer.step()
        self.last_losses = {name: loss.detach() for name, loss in losses.items()}
        return total.detach()

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        """The differentiable part of a step: jets at the batch, and their losses. This is what gets compiled."""
        jets = {}
        for name, term in self.task.terms.items():
            jets[name] = self.derivatives(self.network, batch[name]["coords"], term.order, term.groups)
        return self.task.losses(jets, batch)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the curve and the choices made at run time: plain containers, so that loading needs no code."""
        checkpoint["siren_pl"] = {
            "history": self.history,
            "compile": self.compilation.chosen,
            "signal": {
                "in_features": self.signal.in_features,
                "out_features": self.signal.out_features,
                "samples": float(self.signal.samples),
            },
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue the curve and keep the choices."""
        kept = checkpoint["siren_pl"]
        self.history = list(kept["history"])
        self.steps_done = checkpoint["global_step"]
        self.compilation.chosen = kept["compile"]
