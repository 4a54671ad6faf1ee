"""A field's answer on its signal's own grid, held as a whole, or slab by slab if it would not fit into memory.

Slab by slab, everything that needs all samples at once in double precision is left out: SSIM, derivatives, classical
methods. A task's alignment is then estimated on a fixed excerpt, which leaves its constant off by a five-hundredth of
the error's spread. If the data are not samples of the signal, the rounded result is compared with them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.field.jet import Jet
from siren_pl.problems.sampled.grid import Shape
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.metrics import psnr_of_error
from siren_pl.problems.sampled.rendering import FieldAnswer, as_levels, render, render_levels, slabs
from siren_pl.problems.sampled.scores import RunningScores, clipped, derivative_scores, derivative_targets
from siren_pl.training.judge import Metrics

if TYPE_CHECKING:
    from siren_pl.problems.sampled.judge import SampledJudge

# Derivatives are scored and drawn for up to this many samples; the jet of a larger signal would take minutes.
MOST_DERIVATIVE_SAMPLES = 1 << 20
# An alignment is estimated on this many samples, which take a second to render.
ALIGNED_SAMPLES = 1 << 18


class Evaluation(ABC):
    """A field's answer, evaluated and scored.

    Attributes:
        judge: Says how the answer is scored.
        answer: The field's answer.
        metrics: All metrics of the answer.
        offset: The constant per channel (C,) that the task's alignment adds to the answer.
    """

    metrics: Metrics
    offset: Tensor

    def __init__(self, judge: SampledJudge, answer: FieldAnswer) -> None:
        self.judge, self.answer, self.signal = judge, answer, judge.signal

    @property
    @abstractmethod
    def pixels(self) -> NDArray:
        """The aligned answer on the grid (n_1, …, n_D, C), clipped: in [0, 1], or unsigned integers."""

    def resampled(self, size: Shape) -> NDArray[np.unsignedinteger]:
        """The aligned answer on a grid of any size (n_1, …, n_D, C), as integers of the signal's kind."""
        return self.rendered(self.signal.grid.axes(self.signal.shape, size))

    def rendered(self, axes: Sequence[Tensor]) -> NDArray[np.unsignedinteger]:
        """The aligned answer on the grid that the axes span, as integers of the signal's kind."""
        levels = self.signal.container.levels
        return render_levels(self.answer, axes, self.signal.out_features, levels, self.offset)


class WholeEvaluation(Evaluation):
    """An answer that is held as a whole.

    Attributes:
        values: Values before any alignment, in the signal's units: (n_1, …, n_D, C).
        jet: The field's derivatives at every sample, if they are scored.
        targets: The signal's derivatives at every sample.
    """

    def __init__(self, judge: SampledJudge, answer: FieldAnswer) -> None:
        super().__init__(judge, answer)
        signal = self.signal
        self.values = render(answer, signal)
        self.metrics = judge.scores(self.values, signal) | {"clipped": clipped(self.aligned)}
        self.jet: Jet | None = None
        if signal.has_truth and signal.in_features > 1 and self.values[..., 0].numel() <= MOST_DERIVATIVE_SAMPLES:
            self.jet = answer.jet(signal.coords())
            self.targets = derivative_targets(signal, *judge.stencils)
            self.metrics |= derivative_scores(self.jet, self.targets)

    @property
    def aligned(self) -> Tensor:
        """The values after the task's alignment."""
        return self.judge.align(self.values, self.signal)

    @cached_property
    def offset(self) -> Tensor:  # type: ignore[override] - computed on demand
        """The constant that the alignment adds."""
        return (self.aligned - self.values).reshape(-1, self.signal.out_features).mean(0)

    @property
    @override
    def pixels(self) -> NDArray[np.float64]:
        return to_unit(self.aligned)


class SlabEvaluation(Evaluation):
    """An answer on a large signal, held only as integers."""

    def __init__(self, judge: SampledJudge, answer: FieldAnswer) -> None:
        super().__init__(judge, answer)
        signal = self.signal
        excerpt = signal.excerpt(ALIGNED_SAMPLES)
        found = answer(excerpt.coords)
        self.offset = (judge.align(found, excerpt.signal) - found).mean(0)
        scores = RunningScores(signal, self.offset)
        levels: type[np.unsignedinteger] = signal.container.levels
        self._pixels = np.empty((*signal.shape, signal.out_features), dtype=levels)
        outside = 0.0
        for slab, values in slabs(answer, signal.grid.axes(signal.shape, signal.shape), signal.out_features):
            scores.add(slab, values)
            self._pixels[slab] = as_levels(values + self.offset, levels)
            outside += clipped(values + self.offset) * values.numel()
        fidelity = {} if signal.is_plain else {"train_psnr": self._fidelity()}
        self.metrics = scores.metrics() | fidelity | {"clipped": outside / self._pixels.size}

    def _fidelity(self) -> float:
        """PSNR of the observed result against the data, one channel at a time to bound memory."""
        data, errors = to_unit(self.signal.measured), []
        for channel in range(self.signal.out_features):
            values = decoded(torch.from_numpy(self._pixels[..., channel, None]))
            observed = to_unit(self.signal.observation.apply(values))
            errors.append(float(np.square(observed - data[..., channel, None]).mean()))
        return psnr_of_error(sum(errors) / len(errors))

    @property
    @override
    def pixels(self) -> NDArray[np.unsignedinteger]:
        return self._pixels

    @override
    def resampled(self, size: Shape) -> NDArray[np.unsignedinteger]:
        """Resample the answer; at the signal's own size return the stored integers."""
        return self._pixels if size == self.signal.shape else super().resampled(size)
