"""What every judgement of a field offers, whatever the size of its signal: metrics, figures, a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siren_pl import plots
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.containers import Container
from siren_pl.problems.pictures.judging import restorations
from siren_pl.problems.pictures.judging.restorations import Answer
from siren_pl.problems.pictures.judging.zooms import beside, chosen
from siren_pl.problems.pictures.windows import Window
from siren_pl.problems.sampled.grid import Shape
from siren_pl.problems.sampled.rendering import render_levels
from siren_pl.problems.sampled.scores import IMAGE_AXES
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.attempts import attempt
from siren_pl.training.problem import Problem

Baseline = Callable[[SampledSignal], Tensor | None]


class Judgement(ABC):
    """A field on its signal's own grid.

    Attributes:
        metrics: Everything that was measured.
    """

    metrics: dict[str, float]

    def __init__(self, network: nn.Module, problem: Problem, signal: SampledSignal) -> None:
        self.network, self.problem, self.signal = network, problem, signal

    @property
    @abstractmethod
    def offset(self) -> Tensor:
        """The constant per channel (C,) that the task's alignment adds to the field."""

    @abstractmethod
    def compare(self, baselines: Mapping[str, Baseline]) -> None:
        """Judge classical methods by the same rule, and add to `metrics`; one that fails is left out with a warning."""

    @abstractmethod
    def save_picture(self, path: Path) -> Path:
        """The field's picture at the signal's size, after the task's alignment, as PNG in the source's depth."""

    @abstractmethod
    def _draw_image(self, directory: Path) -> list[Path]:
        """Write the figures that compare an image with the truth, which is known."""

    @abstractmethod
    def _answers(self) -> list[Answer]:
        """What is shown of a restoration: a rival's picture if there is one, and the field's."""

    def _looked_at(self) -> SampledSignal:
        """Where detail is looked for: in the truth, or in the field's picture where that is not known."""
        if self.signal.known:
            return self.signal
        return SampledSignal(torch.from_numpy(self._answers()[-1].picture), self.signal.name)

    def picture(self, size: Shape) -> NDArray[np.unsignedinteger]:
        """The field's picture at any size (n_1, …, n_D, C), after the task's alignment, in the signal's own depth."""
        return self._rendered(self.signal.grid.axes(self.signal.shape, size))

    def window(self, window: Window) -> NDArray[np.unsignedinteger]:
        """The field's picture in a window (rows, columns, C), as `picture` has it."""
        return self._rendered(self.signal.grid.at(self.signal.shape, window.places()))

    def _rendered(self, axes: Sequence[Tensor]) -> NDArray[np.unsignedinteger]:
        signal, scale = self.signal, self.problem.judge.value_scale
        levels = (signal.container or Container()).levels
        return render_levels(self.network, axes, signal.out_features, levels, scale, self.offset)

    def draw_windows(self, windows: Sequence[Window], path: Path) -> Path:
        """Write a figure of windows of an image: what the field knew, the field, and what it is compared with."""
        return figures.zooms([beside(self.signal, self.problem, window, self.window) for window in windows], path)

    def draw(self, directory: Path, history: list[dict[str, float]]) -> list[Path]:
        """Write every figure: the curve; of an image its reconstruction, derivatives, restoration, zoomed windows.

        One that fails is left out with a warning.
        """
        paths = []
        if history:
            with attempt("figures/curve.png"):
                paths.append(plots.curve(history, directory / "curve.png"))
        if self.signal.in_features != IMAGE_AXES:
            return paths
        if self.signal.known:
            paths += self._draw_image(directory)
        if restorations.is_restoration(self.problem, self.signal):
            with attempt("figures/restoration.png"):
                windows = [window.box for window in chosen(self._looked_at(), restorations.MOST_SAMPLES)]
                paths.append(restorations.draw(self.signal, self._answers(), windows, directory / "restoration.png"))
        with attempt("figures/zoom.png"):
            if windows := chosen(self._looked_at()):
                paths.append(self.draw_windows(windows, directory / "zoom.png"))
        return paths
