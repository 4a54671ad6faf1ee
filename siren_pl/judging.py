"""Judge a fitted field and the classical methods by one rule, and draw what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from siren_pl import figures, metrics
from siren_pl.derivatives import Derivatives
from siren_pl.jet import Jet
from siren_pl.rendering import jet_on_grid, render
from siren_pl.signals.images import to_unit
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.scores import derivative_scores, derivative_targets
from siren_pl.tasks.task import Task

Baseline = Callable[[SampledSignal], Tensor | None]

# Derivatives are scored and drawn up to this many samples; a jet of a larger picture would take minutes.
MOST_DERIVATIVE_SAMPLES = 1 << 20


class Judgement:
    """A field and its baselines on the signal's own grid.

    Attributes:
        values: The field's values, aligned by nothing, in the signal's units: (n_1, …, n_D, C).
        metrics: Everything that was measured.
        baselines: Values of each classical method that had an answer.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        signal: SampledSignal,
        derivatives: Derivatives,
        baselines: Mapping[str, Baseline],
    ) -> None:
        self.task, self.signal = task, signal
        self.values = render(network, signal) / task.value_scale(signal)
        self.metrics = task.judge(self.values, signal)
        self.jet: Jet | None = None
        if signal.in_features > 1 and self.values[..., 0].numel() <= MOST_DERIVATIVE_SAMPLES:
            scale = task.value_scale(signal)
            raw = jet_on_grid(network, signal, derivatives_of_order_two(derivatives), 2)
            assert raw.gradient is not None and raw.second is not None
            self.jet = Jet(raw.value / scale, raw.gradient / scale, raw.second / scale, raw.groups)
            self.targets = derivative_targets(signal, *task.stencils)
            self.metrics |= derivative_scores(self.jet, self.targets)
        self.baselines: dict[str, Tensor] = {}
        for name, method in baselines.items():
            answer = method(signal)
            if answer is not None:
                self.baselines[name] = answer
                scores = task.judge(answer, signal)
                self.metrics |= {f"baseline/{name}/{metric}": value for metric, value in scores.items()}

    def draw(self, directory: Path, history: list[dict[str, float]]) -> list[Path]:
        """Write every figure of an image: reconstruction, derivatives, curve."""
        paths = []
        if history:
            paths.append(figures.curve(history, directory / "curve.png"))
        if self.signal.in_features != 2 or self.signal.out_features == 2:  # noqa: PLR2004 - figures are of images
            return paths
        target = to_unit(self.signal.values)
        results = [("field", self.values), *[(name.replace("_", " "), v) for name, v in self.baselines.items()]]
        panels = []
        for name, values in results:
            pixels = to_unit(self.task.align(values, self.signal))
            panels.append((f"{name}, {metrics.psnr(pixels, target):.2f} dB", pixels))
        paths.append(figures.reconstruction(target, panels, directory / "reconstruction.png"))
        if self.jet is not None and self.jet.gradient is not None:
            shape = self.signal.values.shape
            found = {
                "gradient": self.jet.gradient.double().numpy().reshape(-1, *shape),
                "laplacian": self.jet.laplacian.double().numpy().reshape(shape),
            }
            paths.append(
                figures.derivatives(dict(self.targets), found, self.task.stencils, directory / "derivatives.png")
            )
        return paths

    def save_picture(self, path: Path) -> Path:
        """The field's picture, after the task's alignment, as 8-bit PNG."""
        return save_image(to_unit(self.task.align(self.values, self.signal)), path)


def derivatives_of_order_two(derivatives: Derivatives) -> Derivatives:
    """The strategy itself if it reaches order 2, else the forward jet."""
    from siren_pl.derivatives import ForwardDerivatives, ReverseDerivatives

    return ForwardDerivatives() if isinstance(derivatives, ReverseDerivatives) else derivatives


def save_image(pixels: np.ndarray, path: Path) -> Path:
    """Write pixels (H, W, C), in [0, 1] or already 8-bit, as an image file."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    eight = pixels if pixels.dtype == np.uint8 else np.round(pixels * 255).astype(np.uint8)
    Image.fromarray(eight[..., 0] if eight.shape[-1] == 1 else eight).save(path)
    return path


def align_offset(task: Task, signal: SampledSignal, values: Tensor) -> Tensor:
    """The constant per channel that the task's alignment adds to these values."""
    return (task.align(values, signal) - values).reshape(-1, signal.out_features).mean(0)
