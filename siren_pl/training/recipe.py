"""How fields are fitted: phases of optimisers, steps, batches, and when one looks at the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

import torch

from siren_pl.field.networks.bundle import Bundle
from siren_pl.training.schedules import Schedule


@dataclass(frozen=True)
class Phase:
    """A part of a fit, worked through by one optimiser.

    Attributes:
        optimizer: Makes the optimiser of weights, or of groups of them; the rate of each group is the schedule's peak.
        schedule: Factor of the learning rate from the progress of the phase in [0, 1).
        fraction: Of the run's steps.
        fixed_batch: Whether the batch of the phase's first step serves all of it, as a line search needs.
        rates: Peak rates of the fields by name, where they differ; each is then a group.
    """

    optimizer: Callable[[Iterable], torch.optim.Optimizer]
    schedule: Schedule
    fraction: float = 1.0
    fixed_batch: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)

    def made_for(self, bundle: Bundle) -> torch.optim.Optimizer:
        """The optimiser of a bundle's weights and numbers."""
        if not self.rates:
            return self.optimizer(bundle.parameters())
        groups = bundle.by_field().items()
        return self.optimizer([{"params": weights, "lr": self.rates[name]} for name, weights in groups])


@dataclass(frozen=True)
class Recipe:
    """How fields are fitted.

    Attributes:
        max_steps: Optimiser steps; a call of a closure is one.
        batch_size: Points per step and term; None takes all.
        phases: What follows one another; fractions sum to 1.
        clip: Largest norm of the gradient over all weights; None for no limit.
        seed: Seeds the batches.
        log_rows: Rows of the loss curve.
        evaluations: How many times the result is judged during training.
    """

    max_steps: int
    batch_size: int | None
    phases: tuple[Phase, ...]
    clip: float | None = None
    seed: int = 0
    log_rows: int = 200
    evaluations: int = 10

    def ends(self) -> list[int]:
        """The step after the last one of each phase."""
        shares = accumulate(phase.fraction for phase in self.phases)
        return [*[round(share * self.max_steps) for share in shares][:-1], self.max_steps]

    def is_log_step(self, before: int, step: int) -> bool:
        """Whether the loss is logged when `before` steps have become `step`."""
        return self._is_crossed(max(1, self.max_steps // self.log_rows), before, step)

    def is_evaluation_step(self, before: int, step: int) -> bool:
        """Whether the result is judged when `before` steps have become `step`."""
        return self._is_crossed(max(1, -(-self.max_steps // max(1, self.evaluations))), before, step)

    def _is_crossed(self, every: int, before: int, step: int) -> bool:
        return step // every > before // every or step == self.max_steps
