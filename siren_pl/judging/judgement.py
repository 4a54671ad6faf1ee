"""What every judgement of a field offers, whatever the size of its signal: metrics, figures, a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from siren_pl import figures
from siren_pl.rendering import render_bytes
from siren_pl.signals.grid import Shape
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.task import Task


class Judgement(ABC):
    """A field on its signal's own grid.

    Attributes:
        metrics: Everything that was measured.
    """

    metrics: dict[str, float]

    def __init__(self, network: nn.Module, task: Task, signal: SampledSignal) -> None:
        self.network, self.task, self.signal = network, task, signal

    @property
    @abstractmethod
    def offset(self) -> Tensor:
        """The constant per channel (C,) that the task's alignment adds to the field."""

    @abstractmethod
    def save_picture(self, path: Path) -> Path:
        """The field's picture at the signal's size, after the task's alignment, as 8-bit PNG."""

    @abstractmethod
    def _draw_image(self, directory: Path) -> list[Path]:
        """Write the figures that show an image."""

    def picture(self, size: Shape) -> NDArray[np.uint8]:
        """The field's picture at any size (n_1, …, n_D, C), after the task's alignment."""
        return render_bytes(self.network, self.signal, size, self.task.value_scale(self.signal), self.offset)

    def draw(self, directory: Path, history: list[dict[str, float]]) -> list[Path]:
        """Write every figure: the curve, and for an image its reconstruction and derivatives."""
        paths = []
        if history:
            paths.append(figures.curve(history, directory / "curve.png"))
        if self.signal.in_features != 2 or self.signal.out_features == 2:  # noqa: PLR2004 - figures are of images
            return paths
        return paths + self._draw_image(directory)


def save_image(pixels: np.ndarray, path: Path) -> Path:
    """Write pixels (H, W, C), in [0, 1] or already 8-bit, as an image file."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    eight = pixels if pixels.dtype == np.uint8 else np.round(pixels * 255).astype(np.uint8)
    Image.fromarray(eight[..., 0] if eight.shape[-1] == 1 else eight).save(path)
    return path
