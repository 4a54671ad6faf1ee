"""Recipe: how fields are fitted (phases with optimisers, steps, batches) and when results are logged and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

import torch

from siren_pl.training.fields import Fields
from siren_pl.training.matrix_steps import MatrixOptimizer
from siren_pl.training.schedules import Schedule


@dataclass(frozen=True)
class Phase:
    """A part of a fit that is carried out by one optimiser.

    Attributes:
        optimizer: Makes the optimiser of weights, or of groups of them; each group's rate is the peak of the schedule.
        schedule: Maps the progress of the phase in [0, 1) to a factor of the learning rate.
        fraction: The phase's fraction of the run's steps.
        fixed_batch: Whether the whole phase uses the batch of its first step, as a line search needs.
        rates: Peak learning rates of the fields by name if they differ; each field is then a group.
    """

    optimizer: Callable[[Iterable], torch.optim.Optimizer]
    schedule: Schedule
    fraction: float = 1.0
    fixed_batch: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)

    def made_for(self, fields: Fields) -> torch.optim.Optimizer:
        """Make the optimiser of all weights and numbers."""
        groups: list = list(fields.bundle.parameters())
        if self.rates:
            by_field = fields.bundle.by_field().items()
            groups = [{"params": weights, "lr": self.rates[name]} for name, weights in by_field]
        made = self.optimizer(groups)
        if isinstance(made, MatrixOptimizer):
            made.stacks = fields.stacks()
        return made


@dataclass(frozen=True)
class Recipe:
    """How fields are fitted.

    Attributes:
        max_steps: Number of optimiser steps; a call of a closure counts as one.
        batch_size: Points per step and term; None takes all.
        phases: The phases in order; their fractions sum to 1.
        clip: Largest norm of the gradient over all weights; None for no limit.
        seed: Seeds the batches.
        log_rows: Rows of the loss curve.
        evaluations: Number of times the result is judged during training.
        rounded: Fraction of the steps, counted from the first, whose wide matrix products are rounded to bfloat16.
    """

    max_steps: int
    batch_size: int | None
    phases: tuple[Phase, ...]
    clip: float | None = None
    seed: int = 0
    log_rows: int = 200
    evaluations: int = 10
    rounded: float = 0.0

    def is_rounded(self, step: int) -> bool:
        """Whether the wide matrix products of a step are rounded to bfloat16."""
        return step < self.rounded * self.max_steps

    def ends(self) -> list[int]:
        """The step after the last step of each phase."""
        shares = accumulate(phase.fraction for phase in self.phases)
        return [*[round(share * self.max_steps) for share in shares][:-1], self.max_steps]

    def is_log_step(self, before: int, step: int) -> bool:
        """Whether the loss is logged when the number of steps goes from `before` to `step`."""
        return self._is_crossed(max(1, self.max_steps // self.log_rows), before, step)

    def is_evaluation_step(self, before: int, step: int) -> bool:
        """Whether the result is judged when the number of steps goes from `before` to `step`."""
        return self._is_crossed(max(1, -(-self.max_steps // max(1, self.evaluations))), before, step)

    def _is_crossed(self, every: int, before: int, step: int) -> bool:
        return step // every > before // every or step == self.max_steps
