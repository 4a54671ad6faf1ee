"""What is fitted: one field to its signal, or many fields of one architecture, each to its own, as one batched network.

The parameters of many fields are stacked along a leading signal axis, and so is what differs between their tables of
points. A step is written once, for one field, and mapped over that axis: jets, losses, draws and clipping see no
difference, and each field ends where it would have ended alone.
"""

from __future__ import annotations

import copy
import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from siren_pl.derivatives import Derivatives, Field
from siren_pl.errors import UserError
from siren_pl.networks.base import CoordinateNetwork
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.task import Batch, Task, placed


class Fields(ABC):
    """Fields being fitted, with their signals.

    Attributes:
        network: Holds what the optimiser sees.
        signals: The ground truths, one per field.
        point_axis: Which axis of a drawn column runs over the points.
        parts: Smaller networks that share out the points of one field among them (`CoordinateNetwork.networks`).
    """

    network: nn.Module
    signals: tuple[SampledSignal, ...]
    point_axis: int
    parts: int = 1

    @abstractmethod
    def tables(self, task: Task) -> Batch:
        """Every term's table of points, on the device and of the type of the parameters."""

    @abstractmethod
    def draw(self, task: Task, tables: Batch, batch_size: int | None, seed: int, step: int) -> Batch:
        """The batch of one step: a function of (seed, step) alone."""

    @abstractmethod
    def losses(self, task: Task, derivatives: Derivatives, batch: Batch) -> dict[str, Tensor]:
        """Named losses, each of shape (fields,)."""

    @abstractmethod
    def clip(self, limit: float) -> None:
        """Limit the norm of every field's gradient over its own weights."""

    @abstractmethod
    def finite(self) -> Tensor:
        """Whether every weight of a field is a finite number, (fields,)."""

    @abstractmethod
    def split(self) -> list[CoordinateNetwork]:
        """The fields apart, as they are now; ordinary networks that share no memory with the stack."""


def losses_of(
    field: Field, task: Task, derivatives: Derivatives, batch: Batch, apart: Field | None = None
) -> dict[str, Tensor]:
    """One field's named losses, each of shape (): its jets at the batch's points, handed to the task.

    Terms whose points do not know of each other see `apart` in place of the field, where that is given.
    """
    jets = {}
    for name, term in task.terms.items():
        seen = apart if apart is not None and term.pointwise else field
        jets[name] = derivatives(seen, batch[name]["coords"], term.order, term.groups)
    return task.losses(jets, batch)


def _on(reference: Tensor, tables: Batch) -> Batch:
    return {name: placed(points, reference) for name, points in tables.items()}


class OneField(Fields):
    """A network and its signal."""

    point_axis = 0

    network: CoordinateNetwork

    def __init__(self, network: CoordinateNetwork, signal: SampledSignal) -> None:
        self.network, self.signals, self.parts = network, (signal,), network.networks

    def tables(self, task: Task) -> Batch:
        """See `Fields`."""
        return _on(next(self.network.parameters()), task.tables(self.signals[0]))

    def draw(self, task: Task, tables: Batch, batch_size: int | None, seed: int, step: int) -> Batch:
        """See `Fields`; members of one field take the points in turn, so none may stand at the same place always."""
        batch = task.draw(tables, batch_size, seed, step)
        return batch if self.network.members == 1 else task.shuffled(batch, seed, step)

    def losses(self, task: Task, derivatives: Derivatives, batch: Batch) -> dict[str, Tensor]:
        """See `Fields`."""
        found = losses_of(self.network, task, derivatives, batch, self.network.apart)
        return {name: loss[None] for name, loss in found.items()}

    def clip(self, limit: float) -> None:
        """See `Fields`."""
        nn.utils.clip_grad_norm_(self.network.parameters(), limit)

    def finite(self) -> Tensor:
        """See `Fields`."""
        return torch.stack([weight.isfinite().all() for weight in self.network.parameters()]).all(0, keepdim=True)

    def split(self) -> list[CoordinateNetwork]:
        """See `Fields`."""
        return [copy.deepcopy(self.network)]


class ManyFields(Fields):
    """Networks of one architecture and as many signals of one shape.

    Args:
        networks: What to start from; their weights are copied.
        signals: As many, of one shape.
    """

    point_axis = 1

    def __init__(self, networks: Sequence[CoordinateNetwork], signals: Sequence[SampledSignal]) -> None:
        if (
            len(networks) != len(signals)
            or len({(signal.shape, signal.out_features, signal.observed_count) for signal in signals}) != 1
        ):
            raise ValueError("many fields need one network per signal, and signals of one shape")
        if not networks[0].fixed_shapes:
            raise UserError(
                "this model sorts the points of every batch by tile, which cannot be mapped over many signals: fit "
                "them one at a time (dataset.index=0), or choose model.tiles=1 with model.members=1."
            )
        self.signals = tuple(signals)
        # Parameters (S, …) in place of one network's own, so that names in a checkpoint stay those of one network.
        self.network = copy.deepcopy(networks[0])
        self._one = copy.deepcopy(networks[0])
        parts = [dict(network.named_parameters()) for network in networks]
        buffers = [dict(network.named_buffers()) for network in networks]
        if any(not torch.equal(other[name], buffer) for other in buffers for name, buffer in buffers[0].items()):
            raise ValueError("many fields need networks whose buffers are equal: give them one seed")
        for name in parts[0]:
            owner, _, leaf = name.rpartition(".")
            stacked = torch.stack([part[name].detach() for part in parts])
            setattr(self.network.get_submodule(owner), leaf, nn.Parameter(stacked))
        self._axes: dict[str, dict[str, int | None]] = {}

    def tables(self, task: Task) -> Batch:
        """See `Fields`: columns that are equal for all signals stand once, the others are stacked."""
        each = [task.tables(signal) for signal in self.signals]
        merged = {
            name: {key: _stack([table[name][key] for table in each]) for key in each[0][name]} for name in each[0]
        }
        self._axes = {name: {key: axis for key, (_, axis) in columns.items()} for name, columns in merged.items()}
        tables = {name: {key: column for key, (column, _) in columns.items()} for name, columns in merged.items()}
        return _on(next(self.network.parameters()), tables)

    def draw(self, task: Task, tables: Batch, batch_size: int | None, seed: int, step: int) -> Batch:
        """See `Fields`: all signals are seen at the same points."""
        one = functools.partial(task.draw, batch_size=batch_size, seed=seed, step=step)
        if all(axis is None for columns in self._axes.values() for axis in columns.values()):
            return tree_map(lambda column: column.expand(len(self.signals), *column.shape), one(tables))
        return vmap(one, in_dims=(self._axes,), randomness="same")(tables)

    def losses(self, task: Task, derivatives: Derivatives, batch: Batch) -> dict[str, Tensor]:
        """See `Fields`."""
        buffers = dict(self.network.named_buffers())

        def one(parameters: dict[str, Tensor], points: Batch) -> dict[str, Tensor]:
            def field(coords: Any) -> Any:
                return functional_call(self._one, {**parameters, **buffers}, (coords,))

            return losses_of(field, task, derivatives, points)

        shared = {name: {key: _axis(column) for key, column in points.items()} for name, points in batch.items()}
        once = {name: {key: _once(column) for key, column in points.items()} for name, points in batch.items()}
        return vmap(one, in_dims=(0, shared))(dict(self.network.named_parameters()), once)

    def clip(self, limit: float) -> None:
        """See `Fields`."""
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0).sqrt()  # (S,)
        # The small number is the one that torch's own clipping adds.
        factor = (limit / (norm + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(factor.reshape(-1, *[1] * (gradient.dim() - 1)))

    def finite(self) -> Tensor:
        """See `Fields`."""
        return torch.stack([weight.isfinite().flatten(1).all(1) for weight in self.network.parameters()]).all(0)

    def split(self) -> list[CoordinateNetwork]:
        """See `Fields`."""
        fields = []
        for index in range(len(self.signals)):
            field = copy.deepcopy(self._one)
            field.load_state_dict(
                {name: tensor[index] for name, tensor in self.network.named_parameters()}, strict=False
            )
            fields.append(field.to(next(self.network.parameters())))
        return fields


def _stack(columns: Sequence[Tensor]) -> tuple[Tensor, int | None]:
    """One column and None if all are equal, else all stacked and the axis of the signals."""
    first = columns[0]
    if all(torch.equal(first, column) for column in columns[1:]):
        return first, None
    return torch.stack(list(columns)), 0


def _axis(column: Tensor) -> int | None:
    """The signal axis of a drawn column; None where vmap merely repeated what all signals share (a stride of 0)."""
    return None if column.stride(0) == 0 else 0


def _once(column: Tensor) -> Tensor:
    return column if _axis(column) == 0 else column[0]


def merge(networks: Sequence[CoordinateNetwork], signals: Sequence[SampledSignal]) -> Fields:
    """One field as itself, more of them together."""
    return OneField(networks[0], signals[0]) if len(signals) == 1 else ManyFields(networks, signals)
