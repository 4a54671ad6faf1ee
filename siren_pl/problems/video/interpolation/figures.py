"""The figures of frames in between: the neighbours and the field with crops, and the motion as colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl import plots
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.video.interpolation.rendering import Moved
from siren_pl.problems.video.interpolation.scene import Scene
from siren_pl.problems.video.interpolation.scores import frame_scores
from siren_pl.problems.video.interpolation.warping import pixel_places
from siren_pl.problems.video.kind import shown
from siren_pl.training.judge import Rival

Array = NDArray[np.float64]

# A crop has this fraction of the shorter side.
CROP = 0.25
# The longest motion that colours show at full saturation is this percentile of all: a few outliers hide nothing.
LONGEST = 99.0
# Inches of a panel.
PANEL = 2.25


@dataclass(frozen=True)
class Seen:
    """A judged answer.

    Attributes:
        scene: The frames and what is known of them.
        answer: The answer.
        found: What it gives at the known moments, (H, W, C) each.
    """

    scene: Scene
    answer: Callable[[float, Tensor], Tensor]
    found: list[Tensor]


def triptych(seen: Seen, path: Path, rivals: Mapping[str, Rival]) -> Path:
    """Draw both neighbours, the truth if it is known, the field and the methods, and a crop of each beneath it."""
    frames = seen.scene.frames
    moment = frames.moments[0] if frames.moments else 0.5
    number = min(int(moment), frames.shape[0] - 2)
    places = pixel_places(*frames.shape[1:])
    field = seen.found[0] if seen.found else seen.answer(moment, places)
    columns = [("frame before", seen.scene.values[number]), ("field", field)]
    truth = frames.reference(0) if frames.moments else None
    if truth is not None:
        columns.insert(1, ("truth", truth))
    columns += [(name.replace("_", " "), rival.answer(moment, places)) for name, rival in rivals.items()]
    columns.append(("frame after", seen.scene.values[number + 1]))
    box = _crop(field, truth if truth is not None else seen.scene.values[number])
    figure, axes = plots.subplots(2, len(columns), PANEL)
    figure.set_size_inches(PANEL * len(columns), PANEL * 2)
    for line, (title, values) in zip(axes.T, columns, strict=True):
        pixels = to_unit(values)
        scored = truth is not None and not title.startswith(("frame", "truth"))
        told = f"\n{frame_scores(values, truth)['ie_rms']:.2f} levels" if scored and truth is not None else ""
        _show(line[0], pixels)
        _show(line[1], pixels[box])
        line[0].set_title(f"{title}{told}", fontsize=9)
    return plots.save(figure, path)


def flow_of(seen: Seen, path: Path, _: Mapping[str, Rival]) -> Path:
    """Draw the motion in the middle of the first interval as colours: the hue is its direction."""
    assert isinstance(seen.answer, Moved)
    places = pixel_places(*seen.scene.frames.shape[1:])
    motions = [motion(0.5, places) for motion in seen.answer.motions]
    longest = max(1e-6, float(np.percentile(torch.stack(motions).norm(dim=-1).numpy(), LONGEST)))
    names = ["learned", f"corrected {seen.scene.method.replace('_', '-')}"][: len(motions)]
    figure, axes = plots.subplots(1, len(motions))
    for panel, motion, name in zip(axes[0], motions, names, strict=False):
        panel.imshow(colours(motion.numpy(), longest))
        panel.set_title(f"{name}, up to {longest:.1f} pixels", fontsize=9)
        panel.set(xticks=[], yticks=[])
    return plots.save(figure, path)


def colours(motion: NDArray, longest: float) -> Array:
    """A motion (H, W, 2), rows first, as colours (H, W, 3): the hue its direction, red to the right, white at rest."""
    from matplotlib.colors import hsv_to_rgb

    rows, columns = motion[..., 0].astype(float), motion[..., 1].astype(float)
    hue = (np.arctan2(-rows, columns) / (2 * np.pi)) % 1
    length = np.clip(np.hypot(rows, columns) / longest, 0, 1)
    return hsv_to_rgb(np.stack([hue, length, np.ones_like(hue)], -1))


def _crop(field: Tensor, other: Tensor) -> tuple[slice, slice]:
    """The square where both differ most, or where the frames move most."""
    height, width = field.shape[:2]
    side = max(1, min(height, width, round(CROP * min(height, width)) or 1))
    error = (field - other).abs().mean(-1)[None, None]
    means = torch.nn.functional.avg_pool2d(error, side, 1)[0, 0]
    top, left = divmod(int(means.argmax()), means.shape[1])
    return slice(top, top + side), slice(left, left + side)


def _show(panel: Any, pixels: Array) -> None:
    seen = shown(pixels)
    panel.imshow(seen[..., 0] if seen.shape[-1] == 1 else seen, cmap="gray", vmin=0, vmax=1)
    panel.set(xticks=[], yticks=[])
