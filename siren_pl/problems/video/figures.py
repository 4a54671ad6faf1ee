"""The figures of a video: a strip of frames with the errors, the PSNR of every frame, and a slice along time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from siren_pl import plots
from siren_pl.problems.sampled.evaluation import Evaluation
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.video.kind import shown
from siren_pl.training.judge import Draw, Rival

Array = NDArray[np.float64]

# Inches of a figure's width, and frames of a strip.
WIDTH, FRAMES = 10.2, 5
# The error at the end of the scale of colours is at least one level of a byte, and else this percentile.
STEP_OF_BYTES, RANGE_PERCENTILE = 1 / 255, 99.5
# A figure of time shows at most this many frames, evenly chosen.
MOST_COLUMNS = 2000


def figures_of(found: Evaluation) -> dict[str, Draw]:
    """Every figure of an evaluated field, by file name. The strip comes first, also in the order of names."""
    draws = {"frames.png": _strip, "psnr_by_frame.png": _by_frame, "slice.png": _slice}
    seen = Seen(found)
    return {name: partial(draw, seen) for name, draw in draws.items()}


class Seen:
    """What the figures show of an evaluated field; its pixels are computed once, when they are first drawn."""

    def __init__(self, found: Evaluation) -> None:
        self._found, self.signal = found, found.signal

    @cached_property
    def pixels(self) -> NDArray:
        """The field (T, H, W, C), in [0, 1] or as bytes."""
        return self._found.pixels


def _pair(found: Seen, part: Any) -> tuple[Array, Array]:
    """The truth and the field in [0, 1], of frames, or of rows of all frames."""
    field = found.pixels[part]
    truth = to_unit(decoded(torch.from_numpy(np.ascontiguousarray(found.signal.stored.numpy()[part]))))
    return truth, field / 255 if field.dtype == np.uint8 else field


def psnr_of(found: Seen, numbers: NDArray) -> Array:
    """The PSNR of some frames of the field as it is written: as bytes, if it is held as such."""
    pairs = (_pair(found, number) for number in numbers)
    return np.array([psnr(field, truth) for truth, field in pairs])


def _chosen(found: Seen, most: int) -> NDArray:
    count = found.signal.shape[0]
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _seconds(found: Seen, numbers: NDArray) -> Array:
    return found.signal.container.start + numbers / found.signal.container.rate


def _strip(found: Seen, path: Path, _: Mapping[str, Rival]) -> Path:
    numbers = _chosen(found, FRAMES)
    pairs = [_pair(found, number) for number in numbers]
    errors = [np.abs(field - truth).mean(-1) for truth, field in pairs]
    limit = max(STEP_OF_BYTES, float(np.percentile(np.stack(errors), RANGE_PERCENTILE)))
    figure, axes = plots.subplots(3, len(numbers))
    height, width = found.signal.shape[1:]
    figure.set_size_inches(WIDTH, 3 * (WIDTH / len(numbers) * height / width + 0.2) + 0.2)
    image: Any = None
    for column, number, (truth, field), error in zip(axes.T, numbers, pairs, errors, strict=True):
        for panel, pixels in zip(column, (truth, field), strict=False):
            _show(panel, pixels)
        image = column[2].imshow(error, cmap="magma", vmin=0, vmax=limit, interpolation="nearest")
        column[0].set_title(f"frame {number}: {psnr(field, truth):.1f} dB", fontsize=9)
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
    for panel, name in zip(axes[:, 0], (found.signal.name, "field", "absolute error"), strict=True):
        panel.set_ylabel(name, fontsize=9)
    figure.colorbar(image, ax=list(axes[2]), fraction=0.02, pad=0.01, extend="max")
    return plots.save(figure, path)


def _show(panel: Any, pixels: Array, **options: Any) -> None:
    seen = shown(pixels)
    panel.imshow(seen[..., 0] if seen.shape[-1] == 1 else seen, cmap="gray", vmin=0, vmax=1, **options)


def _by_frame(found: Seen, path: Path, rivals: Mapping[str, Rival]) -> Path:
    numbers = _chosen(found, MOST_COLUMNS)
    figure, axes = plots.subplots(1, 1)
    figure.set_size_inches(WIDTH, plots.PANEL)
    panel, scores = axes[0, 0], psnr_of(found, numbers)
    seconds = _seconds(found, numbers)
    panel.plot(seconds, scores, label="field", marker=".", linewidth=1)
    unseen = _unseen(found, numbers)
    # Classical methods keep the frames that they are given, so only the others are compared.
    asked = unseen if unseen.any() else np.ones_like(unseen)
    for name, rival in rivals.items():
        values = to_unit(torch.as_tensor(rival.answer))
        compared = [psnr(values[number], _pair(found, number)[0]) for number in numbers[asked]]
        panel.plot(seconds[asked], compared, label=name.replace("_", " "), marker="x", markersize=4, linewidth=1)
    if unseen.any():
        panel.plot(seconds[unseen], scores[unseen], "o", fillstyle="none", label="field, held out")
    panel.set(xlabel="seconds", ylabel="PSNR (dB)", title=f"{found.signal.name}: {scores.mean():.1f} dB on the average")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8)
    return plots.save(figure, path)


def _unseen(found: Seen, numbers: NDArray) -> NDArray[np.bool_]:
    """Which frames were held out as a whole."""
    observed = found.signal.observed
    return np.array([not observed[int(number)].any() for number in numbers])


def _slice(found: Seen, path: Path, _: Mapping[str, Rival]) -> Path:
    """Draw the middle row of the frames over time."""
    numbers, row = _chosen(found, MOST_COLUMNS), found.signal.shape[1] // 2
    truth, field = _pair(found, (numbers, row))
    figure, axes = plots.subplots(1, 3)
    seconds = _seconds(found, numbers)
    extent = (0, found.signal.shape[2], seconds[-1], seconds[0])
    for panel, pixels, title in zip(axes[0], (truth, field), (found.signal.name, "field"), strict=False):
        _show(panel, pixels, aspect="auto", extent=extent)
        panel.set_title(f"{title}: row {row} over time")
    error = np.abs(field - truth).mean(-1)
    limit = max(STEP_OF_BYTES, float(np.percentile(error, RANGE_PERCENTILE)))
    image = axes[0, 2].imshow(error, cmap="magma", vmin=0, vmax=limit, aspect="auto", extent=extent)
    axes[0, 2].set_title("absolute error")
    for panel in axes[0]:
        panel.set_xlabel("column")
    axes[0, 0].set_ylabel("seconds")
    figure.colorbar(image, ax=axes[0, 2], extend="max")
    return plots.save(figure, path)
