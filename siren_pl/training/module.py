"""The one LightningModule: a network, a task and a way to differentiate, stepped to the end.

One `training_step` of Lightning runs many optimiser steps (a slice of time), so that short steps pay no framework tax.
What a step does depends on (seed, step) alone: the batch, the learning rate, the weights before it. Hence slices,
interruptions and resumes leave no trace in the result.

It knows neither a task by name nor whether it fits one field or many (see `fields`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor

from siren_pl.derivatives import AutogradDerivatives, Derivatives, RoundedDerivatives
from siren_pl.errors import UserError
from siren_pl.products import in_full
from siren_pl.tasks.task import Batch, Task
from siren_pl.training.compilation import Compilation
from siren_pl.training.fields import Fields
from siren_pl.training.pieces import average_gradients, cut, pieces
from siren_pl.training.recipe import Recipe

# A training_step returns to Lightning after this long, so that signals, checkpoints and progress are served.
SLICE_SECONDS = 0.25
# The same for processes that train together: they return after as many steps.
SHARED_SLICE_STEPS = 25


# Lightning's name for the precision in which wide products are rounded to bfloat16.
HALF = "bf16-mixed"


class DivergenceError(Exception):
    """The loss stopped being a finite number at `step`, or would have: the weights before it did."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss became NaN or infinite at step {step}")
        self.step = step


def _mean(losses: list[Tensor]) -> Tensor:
    """Mean over the pieces of a batch."""
    return losses[0] if len(losses) == 1 else torch.stack(losses).mean(0)


class FieldModule(pl.LightningModule):
    """Fields being fitted to their signals.

    Args:
        fields: What is fitted: one network and its signal, or many.
        task: Supervision and judge.
        derivatives: How the jets are made.
        recipe: Steps, batches, optimiser.
        compilation: Whether the loss is compiled; settled at the first step.
        origin: Makes the same module anew, in another process; None where nothing can.

    Attributes:
        last_losses: Named losses of the latest step, each of shape (fields,).
        logged: (step, losses) of the slice just run, where a row of the log is due.
        history: Rows of the curve: losses and PSNR by step, means over the fields.
        each: Where there are several fields, rows of the step and every field's own total loss.
        diverged: The step at which a field's loss stopped being finite, by the field's number.
    """

    def __init__(
        self,
        fields: Fields,
        task: Task,
        derivatives: Derivatives,
        recipe: Recipe,
        compilation: Compilation,
        origin: Callable[[], FieldModule] | None = None,
    ) -> None:
        super().__init__()
        if len(fields.signals) > 1 and isinstance(derivatives, AutogradDerivatives):
            raise UserError("derivatives=autograd differentiates one field at a time: choose derivatives=auto.")
        self.network = fields.network  # registered under this name: checkpoints hold `network.*`
        self.fields, self.task, self.derivatives, self.recipe = fields, task, derivatives, recipe
        self.compilation, self.origin, self._trained_by = compilation, origin, derivatives
        self.automatic_optimization = False
        self.last_losses: dict[str, Tensor] = {}
        self.logged: list[tuple[int, dict[str, Tensor]]] = []
        self.history: list[dict[str, float]] = []
        self.each: list[list[float]] = []
        self.diverged: dict[int, int] = {}
        self.steps_done = 0
        self._tables: Batch = {}
        self._processes = 1
        self._objective = self._losses

    def __reduce__(self) -> tuple[Callable[[], FieldModule], tuple[()]]:
        """Travel to another process as a recipe; tasks and activations hold functions, which cannot be sent."""
        if self.origin is None:
            raise UserError("only a run of train.py can use several devices: set devices to 1.")
        return self.origin, ()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser; remembers its learning rate as the schedule's peak."""
        optimizer = self.recipe.optimizer(self.network.parameters())
        self._peak = optimizer.param_groups[0]["lr"]
        return optimizer

    def on_fit_start(self) -> None:
        """Learn how many processes there are and how they round, and prepare."""
        self._processes = self.trainer.world_size
        if self.trainer.precision == HALF:
            self._trained_by = RoundedDerivatives(self.derivatives)
        self.prepare()

    def prepare(self) -> None:
        """Bring every table of points to the device once, and settle whether the loss is compiled."""
        self._tables = self.fields.tables(self.task)
        self._objective = self.compilation.wrap(self._losses)

    def training_step(self, _batch: object, _index: int) -> None:
        """Run optimiser steps until an evaluation, the end, or the end of the slice."""
        deadline = time.perf_counter() + SLICE_SECONDS
        # Steps are counted below: Lightning's wrapper of the optimiser would cost more than a short step.
        optimizer = cast("torch.optim.Optimizer", self.optimizers(use_pl_optimizer=False))
        totals: list[Tensor] = []
        self.logged = []
        first = step = self.global_step
        while step < self.recipe.max_steps:
            with in_full(self.device):  # Lightning's autocast would round targets, losses and their gradients too
                totals.append(self._step(optimizer, step))
            step += 1
            if self.recipe.is_log_step(step):
                self.logged.append((step, self.last_losses))
            if self.recipe.is_evaluation_step(step) or self._is_over(deadline, step - first):
                break
        self._count(step - first)
        # One look for the whole slice, so that devices are not waited for; and one at what the next loss would be of.
        finite = torch.stack([*map(torch.isfinite, totals), self.fields.finite()])
        if not finite.all():
            self._note_divergence(first, finite)

    def _is_over(self, deadline: float, steps: int) -> bool:
        """Whether the slice ends here; processes that share batches must agree, so they count steps, not seconds."""
        return steps >= SHARED_SLICE_STEPS if self._processes > 1 else time.perf_counter() > deadline

    def _batch(self, step: int) -> Batch:
        """This process' share of the batch of a step."""
        size = None if self.recipe.batch_size is None else self.recipe.batch_size * self._processes
        batch = self.fields.draw(self.task, self._tables, size, self.recipe.seed, step)
        shares = cut(self.task, batch, self.fields.point_axis, self._processes)
        return shares[self.global_rank if len(shares) > 1 else 0]

    def _step(self, optimizer: torch.optim.Optimizer, step: int) -> Tensor:
        """One optimiser step; returns every field's total loss before it, shape (fields,)."""
        rate = self._peak * self.recipe.schedule(step / self.recipe.max_steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        parts = pieces(self.task, self._batch(step), self.fields.point_axis, self.fields.parts)
        optimizer.zero_grad(set_to_none=True)
        found = []
        for part in parts:
            total, losses = self._objective(part)
            (total / len(parts)).backward()
            found.append(losses)
        if self._processes > 1:
            average_gradients(self.network, self._processes)
        self.last_losses = {name: _mean([losses[name] for losses in found]) for name in found[0]}
        if self.recipe.clip is not None:
            self.fields.clip(self.recipe.clip)
        optimizer.step()
        return functools.reduce(torch.add, self.last_losses.values())

    def _losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """What is minimised, and every field's named losses. This is what gets compiled."""
        losses = self.fields.losses(self.task, self._trained_by, batch)
        total = functools.reduce(torch.add, losses.values()).sum()
        return total, {name: loss.detach() for name, loss in losses.items()}

    def _count(self, steps: int) -> None:
        """Tell Lightning how many optimiser steps were made: its `global_step`, which checkpoints keep."""
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        for _ in range(steps):
            progress.increment_ready()
            progress.increment_completed()
        self.steps_done = self.global_step

    def _note_divergence(self, first: int, finite: Tensor) -> None:
        """Remember which fields were lost; the others go on, since none sees another."""
        for index in (~finite).any(0).nonzero().flatten().tolist():
            self.diverged.setdefault(index, first + int((~finite[:, index]).nonzero()[0]))
        if len(self.diverged) == len(self.fields.signals):
            raise DivergenceError(max(self.diverged.values()))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the curve and the choices made at run time: plain containers, so that loading needs no code."""
        signal = self.fields.signals[0]
        checkpoint["siren_pl"] = {
            "history": self.history,
            "each": self.each,
            "diverged": self.diverged,
            "names": [each.name for each in self.fields.signals],
            "compile": self.compilation.chosen,
            "signal": {
                "in_features": signal.in_features,
                "out_features": signal.out_features,
                "samples": float(signal.samples),
                "density": float(signal.density),
            },
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue the curve and keep the choices; take the type of the weights, which are loaded after this."""
        self.to(next(tensor.dtype for tensor in checkpoint["state_dict"].values() if tensor.is_floating_point()))
        kept = checkpoint["siren_pl"]
        names = [signal.name for signal in self.fields.signals]
        if len(names) > 1 and names != kept["names"]:
            raise UserError(
                f"the checkpoint holds fields of {', '.join(kept['names'])}, now there are {', '.join(names)}: "
                "restore its files, or start a new run."
            )
        self.history, self.diverged = list(kept["history"]), dict(kept["diverged"])
        self.each = list(kept.get("each", []))  # older checkpoints have none
        self.steps_done = checkpoint["global_step"]
        self.compilation.chosen = kept["compile"]
