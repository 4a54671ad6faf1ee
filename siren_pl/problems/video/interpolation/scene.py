"""A scene: given frames, the dense flow between them, and the kernel by which they are read.

All three are settled before anything is learned, and serve the field and every method beside it alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.video.interpolation.flows import DenseFlow, motion_by
from siren_pl.problems.video.interpolation.frames import Arrays, Frames
from siren_pl.problems.video.interpolation.rendering import Motion, Moved, better_kernel
from siren_pl.problems.video.interpolation.warping import seen


@dataclass(frozen=True)
class Scene:
    """What is known before anything is learned.

    Attributes:
        frames: The frames.
        values: The given frames in [-1, 1], (T, H, W, C).
        flow: The motion in the middle of every interval by a dense flow, in pixels, (T - 1, H, W, 2).
        method: The name of the flow's method.
        kernels: The kernel of every interval.
    """

    frames: Frames
    values: Tensor
    flow: Tensor
    method: str
    kernels: tuple[str, ...]

    def moved(self, motions: Sequence[Motion]) -> Moved:
        """Frames at any moment, by these motions."""
        return Moved(self.values, tuple(motions), self.kernels)

    def arrays(self) -> Arrays:
        """The frames and the flow as arrays, which a run keeps."""
        flow = {"flow": self.flow.numpy(), "method": np.array(self.method)}
        return self.frames.arrays() | flow


def scene_of(frames: Frames, method: DenseFlow) -> Scene:
    """Find the flow of frames, unless a run has kept it, and choose the kernels."""
    values, kept = frames.values, frames.kept
    if "flow" in kept:
        flow, name = torch.from_numpy(kept["flow"]), str(kept["method"])
    else:
        flow, name = flow_by(method, values), method.name
    kernels = tuple(
        better_kernel(before, after, each, each) for before, after, each in zip(values, values[1:], flow, strict=False)
    )
    return Scene(frames, values, flow, name, kernels)


def flow_by(method: DenseFlow, values: Tensor) -> Tensor:
    """The motion in the middle of every interval between frames (T, H, W, C), (T - 1, H, W, 2)."""
    unit = values / 2 + 0.5
    return torch.stack([motion_by(method, *pair) for pair in pairwise(unit)])


def following(flow: Tensor) -> Motion:
    """The motion (T - 1, H, W, 2) of the interval that a moment lies in, the same throughout it."""

    def motion(moment: float, places: Tensor) -> Tensor:
        return seen(flow[min(int(moment), len(flow) - 1)], places)

    return motion
