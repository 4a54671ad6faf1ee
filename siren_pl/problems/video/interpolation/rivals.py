"""What the field is compared with: frames in between by other motions, through the same renderer, or by a network."""

from __future__ import annotations

from typing import Any

import torch

from siren_pl.problems.video.interpolation.flows import DenseFlow, Dis
from siren_pl.problems.video.interpolation.references.rife import Interpolated, rife_of
from siren_pl.problems.video.interpolation.rendering import Moved
from siren_pl.problems.video.interpolation.scene import Scene, flow_by, following


def average(scene: Scene) -> Moved:
    """Both frames averaged, as if nothing moved."""
    return scene.moved([following(torch.zeros_like(scene.flow))])


def by_flow(scene: Scene, flow: DenseFlow) -> Moved | None:
    """Frames moved by a dense flow alone; None if what computes it is not installed."""
    if isinstance(flow, Dis) and not flow.is_installed():
        return None
    known = flow.name == scene.method
    return scene.moved([following(scene.flow if known else flow_by(flow, scene.values))])


def rife(scene: Scene, weights: Any) -> Interpolated | None:
    """RIFE HDv3 with weights from a file; None without one."""
    return None if weights is None else Interpolated(scene.values, rife_of(weights))
