"""Evaluates a field on a grid of any size in chunks, so that memory stays bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from siren_pl.field.jet import Jet
from siren_pl.problems.sampled.grid import Shape, coordinates
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.ask import Ask

# Points per chunk: a layer of width 256 in float32 then takes 32 MB, which fits beside anything.
CHUNK = 32_768


class FieldAnswer:
    """The leading field's values anywhere, in the signal's units: the answer to a sampled problem.

    Args:
        ask: Evaluates the fields.
        scale: The field is the signal times this.
    """

    def __init__(self, ask: Ask, scale: float = 1.0) -> None:
        self.ask, self._scale = ask, scale

    @torch.no_grad()
    def __call__(self, coords: Tensor) -> Tensor:
        """Values (N, C) at coords (N, D), in chunks, float32 on the CPU."""
        ask = self.ask
        parts = [ask.anew()(ask.placed(chunk)).value.float().cpu() for chunk in coords.split(CHUNK)]
        return torch.cat(parts) / self._scale

    @torch.no_grad()
    def jet(self, coords: Tensor) -> Jet:
        """The jet at N points, of the highest order that the field has but at most 2, float32 on the CPU."""
        ask, order = self.ask.reaching_order_two(), self.ask.highest_order()
        parts = [ask.anew()(ask.placed(chunk), order) for chunk in coords.split(CHUNK // 4)]

        def join(streams: list[Tensor | None], axis: int) -> Tensor | None:
            found = [stream.float().cpu() for stream in streams if stream is not None]
            return torch.cat(found, axis) / self._scale if found else None

        value = torch.cat([part.value.float().cpu() for part in parts]) / self._scale
        gradient, second = join([part.gradient for part in parts], 1), join([part.second for part in parts], 1)
        return Jet(value, gradient, second, parts[0].groups)


def rows(axes: Sequence[Tensor]) -> Iterator[tuple[slice, Tensor]]:
    """Yield slabs of the grid that the axes span: (rows of the first axis, their coords (M, D))."""
    height = _height(axes)
    for top in range(0, len(axes[0]), height):
        slab = slice(top, min(top + height, len(axes[0])))
        yield slab, coordinates([axes[0][slab], *axes[1:]])


def _height(axes: Sequence[Tensor]) -> int:
    """How many rows of the first axis make a chunk."""
    return max(1, CHUNK // math.prod(len(axis) for axis in axes[1:]))


@torch.no_grad()
def render(answer: FieldAnswer, signal: SampledSignal, size: Shape | None = None) -> Tensor:
    """Values (n_1, …, n_D, C), float32 on the CPU, on the signal's grid or on one of another size."""
    size = size or signal.shape
    values = torch.empty(*size, signal.out_features)
    for slab, coords in rows(signal.grid.axes(signal.shape, size)):
        values[slab] = answer(coords).reshape(values[slab].shape)
    return values


def render_levels(
    answer: FieldAnswer,
    axes: Sequence[Tensor],
    out_features: int,
    levels: type[np.unsignedinteger] = np.uint8,
    offset: Tensor | float = 0.0,
) -> NDArray[np.unsignedinteger]:
    """Render `values + offset` as integers (n_1, …, n_D, C) on the grid that the axes span, never all of it in float.

    The whole range of the type represents [-1, 1], to which values are clipped.
    """
    picture = np.empty((*map(len, axes), out_features), dtype=levels)
    for slab, values in slabs(answer, axes, out_features):
        picture[slab] = as_levels(values + offset, levels)
    return picture


@torch.no_grad()
def slabs(answer: FieldAnswer, axes: Sequence[Tensor], out_features: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield an answer slab by slab with a progress bar: rows of the first axis, and their values (rows, …, n_D, C).

    Values are float32 on the CPU; the fields compute them on a GPU if there is one, and are moved back afterwards.
    """
    total = -(-len(axes[0]) // _height(axes))
    bar = {"total": total, "console": Console(stderr=True), "transient": True, "disable": total == 1}
    with answer.ask.moved("cuda" if torch.cuda.is_available() else "cpu"):
        for slab, coords in track(rows(axes), "rendering", **bar):
            yield slab, answer(coords).reshape(-1, *map(len, axes[1:]), out_features)


def as_levels(values: Tensor, levels: type[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Values, clipped to [-1, 1], as integers whose whole range represents that interval."""
    half = np.iinfo(levels).max / 2
    return ((values.clamp(-1, 1) + 1) * half).round().numpy().astype(levels)
