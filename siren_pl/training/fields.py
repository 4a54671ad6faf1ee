"""Fields: what is fitted, either the fields of one problem, or those of many like problems as one batched module.

For many problems the weights are stacked along a leading axis of signals, and so are those columns of their tables of
points that differ. A step is written once, for one problem, and mapped over that axis, so that jets, losses, draws and
clipping are the same, and each field ends where it would have ended if it had been fitted alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from siren_pl.field.derivatives import Derivatives
from siren_pl.field.networks.bundle import Bundle
from siren_pl.field.seeds import seeded_quickly
from siren_pl.training.ask import Ask
from siren_pl.training.problem import Batch, Problem
from siren_pl.training.term import placed

# A prime that differs from the one that the draws use.
_SEED_STRIDE = 15_485_863

Strategies = Mapping[str, Derivatives]


class Fields(ABC):
    """Fields that are being fitted, with their problems.

    Attributes:
        bundle: The module whose parameters the optimiser changes.
        problems: One problem per signal.
        point_axis: The axis of a drawn column of rows that runs over the points.
        networks: Number of small networks among which the points of a field are divided
            (`CoordinateNetwork.networks`).
    """

    bundle: Bundle
    problems: tuple[Problem, ...]
    point_axis: int
    networks: int = 1

    @property
    def problem(self) -> Problem:
        """The first problem, which represents the others."""
        return self.problems[0]

    @abstractmethod
    def tables(self) -> Batch:
        """Every term's table of points, on the device and in the type of the weights."""

    @abstractmethod
    def draw(self, tables: Batch, batch_size: int | None, seed: int, step: int, progress: float) -> Batch:
        """Draw the batch of one step, which depends only on (seed, step) and the tables."""

    @abstractmethod
    def losses(self, derivatives: Strategies, batch: Batch) -> dict[str, Tensor]:
        """Named losses, each of shape (signals,)."""

    @abstractmethod
    def clip(self, limit: float) -> None:
        """Limit the norm of each signal's gradient over its own weights, and the norm over the shared weights."""

    def by_signal(self, losses: Tensor, absent: float) -> Tensor:
        """Expand the losses of the signals that were in a step to (signals,), with `absent` for the others."""
        return losses

    def average_shared(self) -> None:  # noqa: B027 - one signal shares nothing
        """Divide the gradient of shared weights, so that it belongs to the mean loss of the signals, not to the sum."""

    def advance(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the optimiser's step; signals that were not in the batch keep their weights and optimiser state."""
        optimizer.step()

    def stacks(self) -> dict[Tensor, int]:
        """For each weight, how many of its leading axes count networks, or entries of a table, that are independent."""
        counts = self.bundle.stacks()
        return {weight: counts[name] for name, weight in self.bundle.named_parameters()}

    @abstractmethod
    def refreshed(self, derivatives: Strategies, tables: Batch, name: str, seed: int, step: int) -> Batch:
        """The tables after `Term.refresh` has renewed that of one term, one signal after the other."""

    @abstractmethod
    def finite(self) -> Tensor:
        """Whether all weights of a signal are finite, (signals,)."""

    @abstractmethod
    def split(self) -> list[Bundle]:
        """Copy the current fields of each signal into an ordinary module that shares no memory with the stack."""


def ask_of(bundle: Bundle, derivatives: Strategies, apart: bool = False) -> Ask:
    """Make the `Ask` for one evaluation of the fields of a bundle.

    Args:
        bundle: The fields.
        derivatives: The strategy that differentiates each field.
        apart: Whether the members of a mean take turns at the points (`CoordinateNetwork.apart`).
    """
    fields = {name: network.apart if apart else network for name, network in bundle.named_fields().items()}
    return Ask(fields, derivatives, dict(bundle.numbers), next(bundle.parameters()))


def evaluated(problem: Problem, together: Ask, apart: Ask, batch: Batch) -> dict[str, Tensor]:
    """Compute the named losses, each of shape (), of the terms in a batch.

    Terms whose points are independent of each other evaluate the members of a mean in turn (`apart`).
    """
    found: dict[str, Tensor] = {}
    for name, points in batch.items():
        term = problem.terms[name]
        found.update(term.evaluate((apart if term.pointwise else together).anew(), points))
    return found


def on_device_of(module: nn.Module, tables: Batch) -> Batch:
    """The tables, converted to the device and type of a module's weights."""
    reference = next(module.parameters())
    return {name: placed(points, reference) for name, points in tables.items()}


def generator_of(seed: int, step: int, device: torch.device) -> torch.Generator:
    """Make the generator of a step for choosing signals and refreshing tables; draws of points use other ones."""
    return seeded_quickly(seed * _SEED_STRIDE + step, device)


def merge(bundles: Sequence[Bundle], problems: Sequence[Problem]) -> Fields:
    """Make the `Fields` of one problem or of several together; a step sees `present` signals, or all if None."""
    from siren_pl.training.many_fields import ManyFields
    from siren_pl.training.one_field import OneField

    return OneField(bundles[0], problems[0]) if len(problems) == 1 else ManyFields(bundles, problems)
