"""How a field is fitted: steps, batches, optimiser, and when one looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from siren_pl.training.schedules import Schedule


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
