"""Many like problems as one batched module: weights are stacked by signal, and `vmap` maps a step over the stack.

Each weight belongs to one signal or is shared by all (`CoordinateNetwork.own`). A step may use only some of the
signals; the weights of the others, and the optimiser's state for them, then stay unchanged.

Letters: S signals, P of them present in a step.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.field.networks.base import stack
from siren_pl.field.networks.bundle import Bundle
from siren_pl.training.ask import Ask
from siren_pl.training.fields import Fields, Strategies, ask_of, evaluated, generator_of, on_device_of
from siren_pl.training.problem import Batch, Problem, drawn, tables_of


class ManyFields(Fields):
    """Bundles of one architecture, and as many like problems.

    Args:
        bundles: Initial weights, which are copied; shared weights are taken from the first bundle.
        problems: One problem per bundle; they differ only in the tables of their terms (`Problem.is_like`).
        present: Number of signals in a step, chosen by (seed, step); None for all.
    """

    point_axis = 1

    def __init__(self, bundles: Sequence[Bundle], problems: Sequence[Problem], present: int | None = None) -> None:
        if len(bundles) != len(problems) or not all(problems[0].is_like(other) for other in problems):
            raise ValueError("many fields need one network per signal, and signals of one shape")
        if not bundles[0].fixed_shapes:
            raise UserError(
                "this model sorts the points of every batch by tile, which cannot be mapped over many signals: fit "
                "them one at a time (dataset.index=0), or choose model.tiles=1 with model.members=1."
            )
        self.problems = tuple(problems)
        # Stacked parameters (S, …) replace those of one bundle, so that checkpoints use the names of one bundle.
        self.bundle = copy.deepcopy(bundles[0])
        self._one = copy.deepcopy(bundles[0])
        self._own = set(bundles[0].own())
        buffers = [dict(bundle.named_buffers()) for bundle in bundles]
        if any(not torch.equal(other[name], buffer) for other in buffers for name, buffer in buffers[0].items()):
            raise ValueError("many fields need networks whose buffers are equal: give them one seed")
        stack(self.bundle, bundles, self._own)
        self._axes: dict[str, dict[str, int | None]] = {}
        self._most_present = None if present is None or present >= len(problems) else present
        # The signals of the current step, (P,); None for all.
        self._present: Tensor | None = None

    @override
    def tables(self) -> Batch:
        """Store columns that are equal for all signals once, and stack the others.

        Tables that are refreshed will come to differ, so all their columns are stacked from the start.
        """
        each = [tables_of(problem) for problem in self.problems]
        merged = {
            name: {
                key: _stack([table[name][key] for table in each], self.problem.terms[name].refresh_every > 0)
                for key in each[0][name]
            }
            for name in each[0]
        }
        self._axes = {name: {key: axis for key, (_, axis) in columns.items()} for name, columns in merged.items()}
        tables = {name: {key: column for key, (column, _) in columns.items()} for name, columns in merged.items()}
        return on_device_of(self.bundle, tables)

    @override
    def draw(self, tables: Batch, batch_size: int | None, seed: int, step: int, progress: float) -> Batch:
        """Draw the same points for all signals of the step."""
        count = len(self.problems)
        if self._most_present is not None:
            device = next(self.bundle.parameters()).device
            order = torch.randperm(count, generator=generator_of(seed, step, device), device=device)
            self._present, count = order[: self._most_present].sort().values, self._most_present
            tables = {
                name: {
                    key: column if self._axes[name][key] is None else column[self._present] for key, column in t.items()
                }
                for name, t in tables.items()
            }
        one = functools.partial(drawn, self.problem, batch_size=batch_size, seed=seed, step=step, progress=progress)
        if all(axis is None for columns in self._axes.values() for axis in columns.values()):
            return tree_map(lambda column: column.expand(count, *column.shape), one(tables))
        return vmap(one, in_dims=(self._axes,), randomness="same")(tables)

    @override
    def losses(self, derivatives: Strategies, batch: Batch) -> dict[str, Tensor]:
        """Compute the losses of the signals in the step, (P,)."""

        def one(weights: dict[str, Tensor], points: Batch) -> dict[str, Tensor]:
            ask = self._ask(weights, derivatives)
            return evaluated(self.problem, ask, ask, points)

        shared = {name: {key: _axis(column) for key, column in points.items()} for name, points in batch.items()}
        once = {name: {key: _once(column) for key, column in points.items()} for name, points in batch.items()}
        weights: dict[str, Tensor] = dict(self.bundle.named_parameters())
        if self._present is not None:
            weights = {n: w.index_select(0, self._present) if n in self._own else w for n, w in weights.items()}
        axes = {name: 0 if name in self._own else None for name in weights}
        return vmap(one, in_dims=(axes, shared))(weights, once)

    def _ask(self, weights: dict[str, Tensor], derivatives: Strategies) -> Ask:
        """Make the `Ask` for the fields of one signal with the given weights."""
        state = weights | dict(self.bundle.named_buffers())

        def field(name: str) -> Callable[[Any], Any]:
            return lambda coords: functional_call(self._one, state, (coords, name))

        numbers = {name: weights[f"numbers.{name}"] for name in self.bundle.numbers}
        return Ask({name: field(name) for name in self._one.named_fields()}, derivatives, numbers)

    @override
    def by_signal(self, losses: Tensor, absent: float) -> Tensor:
        if self._present is None:
            return losses
        return losses.new_full((len(self.problems),), absent).index_copy(0, self._present, losses)

    @override
    def average_shared(self) -> None:
        count = len(self.problems) if self._present is None else len(self._present)
        for name, weight in self.bundle.named_parameters():
            if name not in self._own and weight.grad is not None:
                weight.grad.div_(count)

    @override
    def clip(self, limit: float) -> None:
        named = [(name, weight) for name, weight in self.bundle.named_parameters() if weight.grad is not None]
        nn.utils.clip_grad_norm_([weight for name, weight in named if name not in self._own], limit)
        gradients = [weight.grad for name, weight in named if name in self._own and weight.grad is not None]
        if not gradients:
            return
        norm = torch.stack([_rows(gradient).square().sum(1) for gradient in gradients]).sum(0).sqrt()  # (S,)
        # torch's own clipping adds the same small number.
        factor = (limit / (norm + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(factor.reshape(-1, *[1] * (gradient.dim() - 1)))

    @override
    def advance(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the step, then restore what belongs to absent signals; a step counter shared by all signals advances."""
        if self._present is None:
            optimizer.step()
            return
        absent = torch.ones(len(self.problems), dtype=torch.bool, device=self._present.device)
        absent[self._present] = False
        kept = [(tensor, tensor[absent].clone()) for tensor in self._by_signal(optimizer)]
        optimizer.step()
        with torch.no_grad():
            for tensor, rows in kept:
                tensor[absent] = rows

    @override
    def stacks(self) -> dict[Tensor, int]:
        counts = self.bundle.stacks()
        return {weight: counts[name] + (name in self._own) for name, weight in self.bundle.named_parameters()}

    def _by_signal(self, optimizer: torch.optim.Optimizer) -> Iterator[Tensor]:
        """Yield the weights that belong to one signal, and the optimiser's state, which has the same leading axis."""
        for name, weight in self.bundle.named_parameters():
            if name in self._own:
                remembered = optimizer.state.get(weight, {}).values()
                yield weight.detach()
                yield from (each for each in remembered if isinstance(each, Tensor) and each.dim())

    @override
    def refreshed(self, derivatives: Strategies, tables: Batch, name: str, seed: int, step: int) -> Batch:
        fresh = []
        for index, bundle in enumerate(self.split()):
            points = {key: column[index] for key, column in tables[name].items()}
            generator = generator_of(seed, step, next(bundle.parameters()).device)
            fresh.append(self.problem.terms[name].refresh(ask_of(bundle, derivatives), points, generator))
        return tables | {name: {key: torch.stack([points[key] for points in fresh]) for key in fresh[0]}}

    @override
    def finite(self) -> Tensor:
        """Whether all weights of a signal are finite, (signals,); a shared weight counts for every signal."""
        named = self.bundle.named_parameters()
        sound = [_rows(w).isfinite().all(1) if n in self._own else w.isfinite().all()[None] for n, w in named]
        return torch.stack([each.expand(len(self.problems)) for each in sound]).all(0)

    @override
    def split(self) -> list[Bundle]:
        bundles = []
        for index in range(len(self.problems)):
            bundle = copy.deepcopy(self._one)
            weights = self.bundle.named_parameters()
            state = {name: weight[index] if name in self._own else weight for name, weight in weights}
            bundle.load_state_dict(state, strict=False)
            bundles.append(bundle.to(next(self.bundle.parameters())))
        return bundles


def _stack(columns: Sequence[Tensor], apart: bool) -> tuple[Tensor, int | None]:
    """Return one column and None if all are equal and need not be kept apart, else the stack and its signal axis."""
    first = columns[0]
    if not apart and all(torch.equal(first, column) for column in columns[1:]):
        return first, None
    return torch.stack(list(columns)), 0


def _rows(own: Tensor) -> Tensor:
    """Reshape (S, …) to a row per signal; a fitted number, (S,), becomes one column."""
    return own.reshape(len(own), -1)


def _axis(column: Tensor) -> int | None:
    """The signal axis of a drawn column; None if vmap merely repeated what all signals share (a stride of 0)."""
    return None if column.stride(0) == 0 else 0


def _once(column: Tensor) -> Tensor:
    return column if _axis(column) == 0 else column[0]
