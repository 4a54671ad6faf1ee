"""One problem, fitted without a mapping over signals, so that networks may sort points and strategies nest autograd."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from typing_extensions import override

from siren_pl.field.networks.bundle import Bundle
from siren_pl.training.fields import Fields, Strategies, ask_of, evaluated, generator_of, on_device_of
from siren_pl.training.problem import Batch, Problem, drawn, shuffled, tables_of


class OneField(Fields):
    """A bundle and its problem."""

    point_axis = 0

    def __init__(self, bundle: Bundle, problem: Problem) -> None:
        self.bundle, self.problems, self.networks = bundle, (problem,), bundle.network.networks

    @override
    def tables(self) -> Batch:
        return on_device_of(self.bundle, tables_of(self.problem))

    @override
    def draw(self, tables: Batch, batch_size: int | None, seed: int, step: int, progress: float) -> Batch:
        """Draw a batch. Members of a mean take turns at its points, so a full table is shuffled for them."""
        batch = drawn(self.problem, tables, batch_size, seed, step, progress)
        return batch if self.bundle.network.members == 1 else shuffled(self.problem, batch, seed, step)

    @override
    def losses(self, derivatives: Strategies, batch: Batch) -> dict[str, Tensor]:
        together, apart = ask_of(self.bundle, derivatives), ask_of(self.bundle, derivatives, apart=True)
        return {name: loss[None] for name, loss in evaluated(self.problem, together, apart, batch).items()}

    @override
    def clip(self, limit: float) -> None:
        nn.utils.clip_grad_norm_(self.bundle.parameters(), limit)

    @override
    def refreshed(self, derivatives: Strategies, tables: Batch, name: str, seed: int, step: int) -> Batch:
        generator = generator_of(seed, step, next(self.bundle.parameters()).device)
        fresh = self.problem.terms[name].refresh(ask_of(self.bundle, derivatives), tables[name], generator)
        return tables | {name: fresh}

    @override
    def finite(self) -> Tensor:
        return torch.stack([weight.isfinite().all() for weight in self.bundle.parameters()]).all(0, keepdim=True)

    @override
    def split(self) -> list[Bundle]:
        return [copy.deepcopy(self.bundle)]
