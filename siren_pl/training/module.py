"""The one LightningModule, which steps fields through their recipe, given their problem and a way to differentiate.

One `training_step` of Lightning runs many optimiser steps (a slice of time), so that short steps carry no framework
overhead. A step depends only on (seed, step) and the weights before it, so that slices, interruptions and resumes leave
no trace in the result.

The module knows neither the names of tasks nor whether it fits the fields of one signal or of many (see `fields`).
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutogradDerivatives, RoundedDerivatives
from siren_pl.training.compilation import Compilation
from siren_pl.training.fields import Fields, Strategies
from siren_pl.training.kept import KEPT, kept_of, restore
from siren_pl.training.line_search import search, searches
from siren_pl.training.pieces import average_gradients, pieces, shares
from siren_pl.training.problem import Batch
from siren_pl.training.recipe import Recipe
from siren_pl.training.term import placed

# A training_step returns to Lightning after this time, so that signals, checkpoints and progress are handled.
SLICE_SECONDS = 0.25
# Processes that train together return after this number of steps instead.
SHARED_SLICE_STEPS = 25


class DivergenceError(Exception):
    """At `step` the loss stopped being finite, or would have, since the weights before it had."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss became NaN or infinite at step {step}")
        self.step = step


def _mean(losses: list[Tensor]) -> Tensor:
    """The mean over the pieces of a batch."""
    return losses[0] if len(losses) == 1 else torch.stack(losses).mean(0)


class FieldModule(pl.LightningModule):
    """The fields that are being fitted, and the state of the fit.

    Args:
        fields: The fields, with the problems that supervise and judge them.
        derivatives: The strategy that differentiates each named field.
        recipe: Steps, batches, optimiser.
        compilation: Whether the loss is compiled; chosen before the first step.
        origin: Builds an equal module in another process; None if that is impossible.

    Attributes:
        last_losses: Named losses of the latest step, each of shape (signals,); NaN for a signal that was not in it.
        logged: (step, losses) for each step of the latest slice at which a row of the log is due.
        is_evaluation_due: Whether the result is to be judged at the end of the latest slice.
        history: Rows of the curve: losses and quick metrics by step, averaged over the signals.
        losses_by_signal: If there are several signals, rows of the step and each signal's own total loss.
        diverged: The step at which a signal's loss stopped being finite, by the signal's number.
        steps_done: Steps since the beginning, including those before a resume.
        phase_ends: The step after the last step of each phase.
        tables: Every term's points, on the device.
        kept_tables: Refreshed tables from a checkpoint, held until the other tables are made.
    """

    def __init__(
        self,
        fields: Fields,
        derivatives: Strategies,
        recipe: Recipe,
        compilation: Compilation,
        origin: Callable[[], FieldModule] | None = None,
    ) -> None:
        super().__init__()
        nested = any(isinstance(strategy, AutogradDerivatives) for strategy in derivatives.values())
        if len(fields.problems) > 1 and nested:
            raise UserError("derivatives=autograd differentiates one field at a time: choose derivatives=auto.")
        # Register the parts one by one, so that a checkpoint of one field holds `network.*` and nothing else.
        bundle = fields.bundle
        self.network, self.others, self.numbers = bundle.network, bundle.others, bundle.numbers
        self.fields, self.derivatives, self.recipe = fields, derivatives, recipe
        self.compilation, self.origin, self._trained_by = compilation, origin, derivatives
        self._rounded = {name: RoundedDerivatives(exact) for name, exact in derivatives.items()}
        self.automatic_optimization = False
        self.last_losses: dict[str, Tensor] = {}
        self.logged: list[tuple[int, dict[str, Tensor]]] = []
        self.history: list[dict[str, float]] = []
        self.losses_by_signal: list[list[float]] = []
        self.diverged: dict[int, int] = {}
        self.steps_done = 0
        self.is_evaluation_due = False
        self.phase_ends = recipe.ends()
        self.tables: Batch = {}
        self.kept_tables: Batch = {}
        self._processes = 1
        self._objective = self._losses

    def __reduce__(self) -> tuple[Callable[[], FieldModule], tuple[()]]:
        """Pickle as `origin`, since tasks and activations hold functions, which cannot be sent to another process."""
        if self.origin is None:
            raise UserError("only a run of train.py can use several devices: set devices to 1.")
        return self.origin, ()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Make an optimiser per phase, and remember the learning rate of each group as the schedule's peak."""
        optimizers = [phase.made_for(self.fields) for phase in self.recipe.phases]
        if len(self.fields.problems) > 1 and any(map(searches, optimizers)):
            raise UserError("an optimiser that searches along a line fits one signal at a time: set dataset.index=0.")
        self._peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
        return optimizers

    def on_fit_start(self) -> None:
        """Note the number of processes, then prepare."""
        self._processes = self.trainer.world_size
        self.prepare()

    def prepare(self) -> None:
        """Move every table of points to the device once, and choose whether to compile the loss."""
        fresh = self.fields.tables()
        # Lightning has loaded the checkpoint, which holds refreshed tables, before these tables were made.
        reference = next(self.fields.bundle.parameters())
        kept = {name: placed(points, reference) for name, points in self.kept_tables.items()}
        self.tables, self.kept_tables = fresh | kept, {}
        self._objective = self.compilation.wrap(self._losses)

    @torch.no_grad()
    def _refresh(self, step: int) -> None:
        """Refresh the tables that are due before a step; the result depends only on (seed, step) and the weights."""
        for name, term in self.fields.problem.terms.items():
            if term.refresh_every and step and step % term.refresh_every == 0:
                self.tables = self.fields.refreshed(self.derivatives, self.tables, name, self.recipe.seed, step)

    def training_step(self, _batch: object, _index: int) -> None:
        """Run optimiser steps until an evaluation is due, the recipe ends, or the slice ends."""
        deadline = time.perf_counter() + SLICE_SECONDS
        totals: list[Tensor] = []
        self.logged = []
        first = step = self.global_step
        while step < self.recipe.max_steps:
            found = self._advance(step)
            before, step = step, step + len(found)
            totals += found
            if self.recipe.is_log_step(before, step):
                self.logged.append((step, self.last_losses))
            self.is_evaluation_due = self.recipe.is_evaluation_step(before, step)
            if self.is_evaluation_due or self._is_over(deadline, step - first):
                break
        self._count(step - first)
        # Check once per slice, so as not to wait for the device; the weights show whether the next loss will be finite.
        finite = torch.stack([*map(torch.isfinite, totals), self.fields.finite()])
        if not finite.all():
            self._note_divergence(first, finite)

    def _is_over(self, deadline: float, steps: int) -> bool:
        """Whether the slice ends here; processes that share batches must agree, so they count steps, not time."""
        return steps >= SHARED_SLICE_STEPS if self._processes > 1 else time.perf_counter() > deadline

    def _batch(self, step: int) -> Batch:
        """This process's share of the batch of a step."""
        size = None if self.recipe.batch_size is None else self.recipe.batch_size * self._processes
        progress = step / self.recipe.max_steps
        batch = self.fields.draw(self.tables, size, self.recipe.seed, step, progress)
        return shares(self.fields.problem, batch, self.fields.point_axis, self._processes)[self.global_rank]

    def _advance(self, step: int) -> list[Tensor]:
        """Take one optimiser step, or a chunk of a line search; return each signal's loss before each, (signals,)."""
        number = next(i for i, end in enumerate(self.phase_ends) if step < end)
        begin, end = (self.phase_ends[number - 1] if number else 0), self.phase_ends[number]
        phase = self.recipe.phases[number]
        # Lightning's wrapper of the optimiser would cost more than a short step, so steps are counted here.
        optimizers = self.optimizers(use_pl_optimizer=False)
        optimizer = cast("torch.optim.Optimizer", optimizers[number] if isinstance(optimizers, list) else optimizers)
        factor = phase.schedule((step - begin) / (end - begin))
        for group, peak in zip(optimizer.param_groups, self._peaks[number], strict=True):
            group["lr"] = peak * factor
        self._trained_by = self._rounded if self.recipe.is_rounded(step) else self.derivatives
        if searches(optimizer):
            batch = self._batch(begin)
            return search(optimizer, lambda: self._gradient(optimizer, batch), end - step)
        if not phase.fixed_batch:
            self._refresh(step)
        total = self._gradient(optimizer, self._batch(begin if phase.fixed_batch else step))
        if self.recipe.clip is not None:
            self.fields.clip(self.recipe.clip)
        self.fields.advance(optimizer)
        return [total]

    def _gradient(self, optimizer: torch.optim.Optimizer, batch: Batch) -> Tensor:
        """Fill the gradients from a batch and return each signal's total loss, shape (signals,)."""
        parts = pieces(self.fields.problem, batch, self.fields.point_axis, self.fields.networks)
        optimizer.zero_grad(set_to_none=True)
        found: dict[str, list[Tensor]] = {}
        for part in parts:
            total, losses = self._objective(part.batch)
            (total / part.among).backward()
            for name, loss in losses.items():
                found.setdefault(name, []).append(loss)
        if self._processes > 1:
            average_gradients(self.fields.bundle, self._processes)
        self.fields.average_shared()
        means = {name: _mean(losses) for name, losses in found.items()}
        self.last_losses = {name: self.fields.by_signal(loss, absent=math.nan) for name, loss in means.items()}
        return self.fields.by_signal(functools.reduce(torch.add, means.values()), absent=0.0)

    def _losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss to minimise and each signal's named losses; this function is compiled."""
        losses = self.fields.losses(self._trained_by, batch)
        total = functools.reduce(torch.add, losses.values()).sum()
        return total, {name: loss.detach() for name, loss in losses.items()}

    def _count(self, steps: int) -> None:
        """Add optimiser steps to Lightning's `global_step`, which checkpoints store."""
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        for _ in range(steps):
            progress.increment_ready()
            progress.increment_completed()
        self.steps_done = self.global_step

    def _note_divergence(self, first: int, finite: Tensor) -> None:
        """Record which signals diverged; the others continue, since their fields are independent."""
        for index in (~finite).any(0).nonzero().flatten().tolist():
            self.diverged.setdefault(index, first + int((~finite[:, index]).nonzero()[0]))
        if len(self.diverged) == len(self.fields.problems):
            raise DivergenceError(max(self.diverged.values()))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what a resumed run needs."""
        checkpoint[KEPT] = kept_of(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore that state, and convert the module to the type of the weights, which Lightning loads afterwards."""
        self.to(next(tensor.dtype for tensor in checkpoint["state_dict"].values() if tensor.is_floating_point()))
        restore(self, checkpoint)
