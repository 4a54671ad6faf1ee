"""What is fitted: the fields of one problem, or those of many alike problems, each its own, as one batched module.

The weights of many are stacked along a leading axis of signals, and so is what differs between their tables of points.
A step is written once, for one problem, and mapped over that axis: jets, losses, draws and clipping see no difference,
and each field ends where it would have ended alone.
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

# A prime other than that of the draws.
_SEED_STRIDE = 15_485_863

Strategies = Mapping[str, Derivatives]


class Fields(ABC):
    """Fields being fitted, with their problems.

    Attributes:
        bundle: Holds what the optimiser sees.
        problems: What is asked of them, one problem per signal.
        point_axis: Which axis of a drawn column of rows runs over the points.
        networks: Small networks that share out the points of one field (`CoordinateNetwork.networks`).
    """

    bundle: Bundle
    problems: tuple[Problem, ...]
    point_axis: int
    networks: int = 1

    @property
    def problem(self) -> Problem:
        """The first, which the others are like."""
        return self.problems[0]

    @abstractmethod
    def tables(self) -> Batch:
        """Every term's table of points, on the device and of the type of the weights."""

    @abstractmethod
    def draw(self, tables: Batch, batch_size: int | None, seed: int, step: int, progress: float) -> Batch:
        """The batch of one step: a function of (seed, step) and the tables alone."""

    @abstractmethod
    def losses(self, derivatives: Strategies, batch: Batch) -> dict[str, Tensor]:
        """Named losses, each of shape (signals,)."""

    @abstractmethod
    def clip(self, limit: float) -> None:
        """Limit the norm of every signal's gradient over its own weights, and that of the shared ones."""

    def by_signal(self, losses: Tensor, absent: float) -> Tensor:
        """Losses of the signals that a step looked at, as losses (signals,) with `absent` for the others."""
        return losses

    def average_shared(self) -> None:  # noqa: B027 - of one signal there is nothing to do
        """Make the gradient of shared weights that of the mean over the signals; that of own ones is of the sum."""

    def advance(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the optimiser's step; signals that were not in the batch rest."""
        optimizer.step()

    @abstractmethod
    def refreshed(self, derivatives: Strategies, tables: Batch, name: str, seed: int, step: int) -> Batch:
        """The tables with that of one term made anew (`Term.refresh`), one signal after the other."""

    @abstractmethod
    def finite(self) -> Tensor:
        """Whether every weight of a signal is a finite number, (signals,)."""

    @abstractmethod
    def split(self) -> list[Bundle]:
        """The signals' fields apart, as they are now; ordinary modules that share no memory with the stack."""


def ask_of(bundle: Bundle, derivatives: Strategies, apart: bool = False) -> Ask:
    """One evaluation's questions to the fields of a bundle.

    Args:
        bundle: The fields.
        derivatives: How each is differentiated.
        apart: Whether members of a mean answer in turn, each for its own points (`CoordinateNetwork.apart`).
    """
    fields = {name: network.apart if apart else network for name, network in bundle.named_fields().items()}
    return Ask(fields, derivatives, dict(bundle.numbers), next(bundle.parameters()))


def evaluated(problem: Problem, together: Ask, apart: Ask, batch: Batch) -> dict[str, Tensor]:
    """Named losses, each of shape (), of the terms in a batch.

    Terms whose points do not know of each other see members of a mean `apart`.
    """
    found: dict[str, Tensor] = {}
    for name, points in batch.items():
        term = problem.terms[name]
        found.update(term.evaluate((apart if term.pointwise else together).anew(), points))
    return found


def on_device_of(module: nn.Module, tables: Batch) -> Batch:
    """Tables on the device and of the type of a module's weights."""
    reference = next(module.parameters())
    return {name: placed(points, reference) for name, points in tables.items()}


def generator_of(seed: int, step: int, device: torch.device) -> torch.Generator:
    """A source of chance for what concerns signals or tables as wholes at a step, apart from those of the draws."""
    return seeded_quickly(seed * _SEED_STRIDE + step, device)


def merge(bundles: Sequence[Bundle], problems: Sequence[Problem], present: int | None = None) -> Fields:
    """One problem as itself, more of them together; `present` signals a step, or all."""
    from siren_pl.training.many_fields import ManyFields
    from siren_pl.training.one_field import OneField

    return OneField(bundles[0], problems[0]) if len(problems) == 1 else ManyFields(bundles, problems, present)
