"""Judge a field on a signal too large to hold as floats: one pass over slabs gives its scores and its picture.

What needs all samples at once in double precision is left out: SSIM, derivatives, classical methods. A task's alignment
is estimated on a fixed excerpt; its constant is then off by a five-hundredth of the error's spread. How near the field
comes to data that are no samples of the picture is told of its picture, as it is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.containers import Container, write_picture
from siren_pl.problems.pictures.judging.judgement import Baseline, Judgement
from siren_pl.problems.pictures.judging.restorations import Answer
from siren_pl.problems.pictures.judging.zooms import name_of_truth, thumbnail
from siren_pl.problems.sampled.grid import Shape, coordinates
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.metrics import psnr_of_error
from siren_pl.problems.sampled.rendering import as_levels, evaluate, slabs
from siren_pl.problems.sampled.scores import RunningScores, clipped
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.attempts import attempt
from siren_pl.training.problem import Problem

# Samples that an alignment is estimated on: a second of rendering.
ALIGNED_SAMPLES = 1 << 18
# Pixels along the longer side of a figure's panels, which are drawn with fewer than 400.
THUMBNAIL = 512


class JudgementBySlabs(Judgement):
    """A field on a large signal."""

    def __init__(self, network: nn.Module, problem: Problem, signal: SampledSignal) -> None:
        super().__init__(network, problem, signal)
        self._scale = problem.judge.value_scale
        excerpt = signal.excerpt(ALIGNED_SAMPLES)
        found = evaluate(network, excerpt.coords) / self._scale
        self._offset = (problem.judge.align(found, excerpt.signal) - found).mean(0)
        scores = RunningScores(signal, self._offset)
        levels = (signal.container or Container()).levels
        self._picture = np.empty((*signal.shape, signal.out_features), dtype=levels)
        outside = 0.0
        for slab, raw in slabs(network, signal.grid.axes(signal.shape, signal.shape), signal.out_features):
            values = raw / self._scale
            scores.add(slab, values)
            self._picture[slab] = as_levels(values + self._offset, levels)
            outside += clipped(values + self._offset) * values.numel()
        fidelity = {} if signal.is_plain else {"train_psnr": self._fidelity()}
        self.metrics = scores.metrics() | fidelity | {"clipped": outside / self._picture.size}

    def _fidelity(self) -> float:
        """PSNR of the observed picture against the data; a channel at a time, which bounds the memory."""
        data, errors = to_unit(self.signal.measured), []
        for channel in range(self.signal.out_features):
            values = decoded(torch.from_numpy(self._picture[..., channel, None]))
            observed = to_unit(self.signal.observation.apply(values))
            errors.append(float(np.square(observed - data[..., channel, None]).mean()))
        return psnr_of_error(sum(errors) / len(errors))

    @property
    @override
    def offset(self) -> Tensor:
        return self._offset

    @override
    def compare(self, baselines: Mapping[str, Baseline]) -> None:
        """None has a say, since all of them need the whole in double precision."""

    @override
    def picture(self, size: Shape) -> NDArray[np.unsignedinteger]:
        """At the signal's own size it is there already."""
        return self._picture if size == self.signal.shape else super().picture(size)

    @override
    def save_picture(self, path: Path) -> Path:
        return write_picture(self._picture, path, self.signal.container)

    @override
    def _answers(self) -> list[Answer]:
        """The field alone."""
        return [Answer("field", self._picture, self.metrics)]

    @override
    def _draw_image(self, directory: Path) -> list[Path]:
        """A thumbnail, every so many pixels."""
        paths, signal = [], self.signal
        with attempt("figures/reconstruction.png"):
            target, step = thumbnail(signal, THUMBNAIL)
            axes = [axis[::step] for axis in signal.grid.axes(signal.shape, signal.shape)]
            values = evaluate(self.network, coordinates(axes)) / self._scale + self._offset
            panel = (f"field, {self.metrics['psnr']:.2f} dB over all pixels", to_unit(values.reshape(target.shape)))
            truth, path = (name_of_truth(signal), target), directory / "reconstruction.png"
            paths.append(figures.reconstruction(truth, [panel], path, step))
        return paths
