"""Judge a field on a signal too large to hold as floats: one pass over slabs gives its scores and its picture.

What needs all samples at once in double precision is left out: SSIM, derivatives, classical methods. A task's alignment
is estimated on a fixed excerpt; its constant is then off by a five-hundredth of the error's spread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from siren_pl import figures
from siren_pl.judging.judgement import Judgement, save_image
from siren_pl.rendering import as_bytes, evaluate, slabs
from siren_pl.signals.grid import Shape, coordinates
from siren_pl.signals.images import to_unit
from siren_pl.signals.levels import decoded
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.scores import RunningScores
from siren_pl.tasks.task import Task

# Samples that an alignment is estimated on: a second of rendering.
ALIGNED_SAMPLES = 1 << 18
# Pixels along the longer side of a figure's panels, which are drawn with fewer than 400.
THUMBNAIL = 512


class JudgementBySlabs(Judgement):
    """A field on a large signal. See `Judgement`."""

    def __init__(self, network: nn.Module, task: Task, signal: SampledSignal) -> None:
        super().__init__(network, task, signal)
        self._scale = task.value_scale(signal)
        excerpt = signal.excerpt(ALIGNED_SAMPLES)
        found = evaluate(network, excerpt.coords) / self._scale
        self._offset = (task.align(found, excerpt.signal) - found).mean(0)
        scores = RunningScores(signal)
        self._picture = np.empty((*signal.shape, signal.out_features), dtype=np.uint8)
        for slab, raw in slabs(network, signal, signal.shape):
            values = raw / self._scale
            scores.add(slab, values)
            self._picture[slab] = as_bytes(values + self._offset)
        self.metrics = scores.metrics()

    @property
    def offset(self) -> Tensor:
        """See `Judgement`."""
        return self._offset

    def picture(self, size: Shape) -> NDArray[np.uint8]:
        """See `Judgement`; at the signal's own size it is there already."""
        return self._picture if size == self.signal.shape else super().picture(size)

    def save_picture(self, path: Path) -> Path:
        """See `Judgement`."""
        return save_image(self._picture, path)

    def _draw_image(self, directory: Path) -> list[Path]:
        """See `Judgement`: a thumbnail, every so many pixels."""
        signal = self.signal
        step = -(-max(signal.shape) // THUMBNAIL)
        axes = [axis[::step] for axis in signal.grid.axes(signal.shape, signal.shape)]
        values = evaluate(self.network, coordinates(axes)) / self._scale + self._offset
        target = to_unit(decoded(signal.stored[(slice(None, None, step),) * len(axes)]))
        panel = (f"field, {self.metrics['psnr']:.2f} dB over all pixels", to_unit(values.reshape(target.shape)))
        return [figures.reconstruction(target, [panel], directory / "reconstruction.png", step)]
