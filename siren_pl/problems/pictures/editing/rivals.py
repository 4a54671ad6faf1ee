"""Methods that compose pictures without a network; they return None for other signals."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.pictures.editing.clones import CloningEdit
from siren_pl.problems.pictures.editing.edits import Edit
from siren_pl.problems.pictures.editing.guidance import strongest
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal


def direct(signal: SampledSignal) -> Tensor | None:
    """Solve the same discrete problem directly; the result is the task's truth, so its scores are the best possible."""
    edit = signal.observation
    return edit.picture(signal.measured, signal.shape) if isinstance(edit, Edit) else None


def paste(signal: SampledSignal) -> Tensor | None:
    """Copy the source into the mask; None without a mask."""
    edit = signal.observation
    return edit.material.pasted.double() if isinstance(edit, CloningEdit) else None


def seamless_clone(signal: SampledSignal) -> Tensor | None:
    """Apply OpenCV's seamlessClone to 8-bit colour; None without a mask, or if OpenCV is not installed."""
    edit = signal.observation
    if not isinstance(edit, CloningEdit) or signal.out_features != 3:  # noqa: PLR2004 - red, green and blue
        return None
    try:
        import cv2  # type: ignore[import-not-found]
    except ImportError:
        return None
    material = edit.material
    rows, columns = (np.flatnonzero(material.inside.any(axis).numpy()) for axis in (1, 0))
    # OpenCV moves the middle of the mask's bounding box to this place (column, row).
    centre = (int(columns[0] + columns[-1] + 1) // 2, int(rows[0] + rows[-1] + 1) // 2)
    source, target = (np.round(to_unit(v) * 255).astype(np.uint8) for v in (material.sources[0], material.target))
    kind = cv2.MIXED_CLONE if edit.rule is strongest else cv2.NORMAL_CLONE
    cloned = cv2.seamlessClone(source, target, material.inside.numpy().astype(np.uint8) * 255, centre, kind)
    return torch.from_numpy(cloned.astype(np.float64) / 255 * 2 - 1)
