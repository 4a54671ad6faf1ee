"""A problem with its own LightningModule is fitted like any other, with schedule, log and checkpoints."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.training.fields import Fields
from siren_pl.training.module import FieldModule
from siren_pl.training.problem import Batch


class OwnModule(FieldModule):
    """Fields whose loss a user's own module computes; the recipe's optimiser steps the fields' weights.

    Args:
        given: The arguments of a `FieldModule`.
        own: The user's module. Its `training_step(batch, step)` returns the loss, shape (). The batch holds what the
            problem's terms drew for that step, and is empty without terms. If its random numbers depend only on the
            step, resumed runs equal uninterrupted ones. Checkpoints hold its own state beside the fields.
    """

    def __init__(self, *given: Any, own: pl.LightningModule) -> None:
        super().__init__(*given)
        self.own = own
        self._step = 0

    @override
    def _batch(self, step: int) -> Batch:
        self._step = step
        return super()._batch(step) if self.tables else {}

    @override
    def _gradient(self, optimizer: torch.optim.Optimizer, batch: Batch) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss: Any = self.own.training_step(batch, self._step)
        loss.backward()
        self.last_losses = {"loss": loss.detach()[None]}
        return loss.detach()[None]


def module_of(fields: Fields, *given: Any) -> FieldModule:
    """The module that fits these fields: through the problem's own module if it has one, else through its terms."""
    own = fields.problem.module
    if own is None:
        return FieldModule(fields, *given)
    return OwnModule(fields, *given, own=own(fields.bundle, fields.problem))
