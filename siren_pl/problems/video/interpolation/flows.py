"""Dense flows: known methods that say for each pixel of one frame where it is in the next.

A flow of a frame belongs to its pixels, not to the places half-way that a frame in between is asked at. So both frames'
flows are carried to the middle, and each place takes the one after which both frames agree best.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.video.interpolation.inverse_search import inverse_search
from siren_pl.problems.video.interpolation.warping import origins, pixel_places, seen

# Rounds in which a flow is carried along itself; each shortens the error by the flow's own slope, which is below 1/2
# wherever a scene does not tear.
ROUNDS = 8
# Side of the window in which two frames are compared: as large as the patches of DIS.
WINDOW = 7
# OpenCV refuses sides below 12 pixels, and pyramids of such pictures say nothing.
SMALLEST = 16
# ITU-R BT.601.
LUMA = torch.tensor([0.299, 0.587, 0.114])


class DenseFlow(ABC):
    """A method that finds the flow between two grey pictures."""

    name: str

    @abstractmethod
    def flow(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        """The flow (2, H, W), rows first, in pixels, from pictures (H, W) in [0, 1]."""


class InverseSearch(DenseFlow):
    """Dense inverse search (Kroeger et al. 2016), written by us."""

    name = "inverse_search"

    @override
    def flow(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        return inverse_search(before, after)


class TvL1(DenseFlow):
    """Total variation and absolute differences (Zach, Pock and Bischof 2007), as scikit-image has it."""

    name = "tv_l1"

    @override
    def flow(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        from skimage.registration import optical_flow_tvl1

        return np.asarray(optical_flow_tvl1(before, after, num_warp=10, num_iter=5, dtype=np.float32))


class Dis(DenseFlow):
    """The same method as OpenCV has it (the extra `flow`).

    Patches are searched up to full resolution, since half of it, the preset, costs a tenth of the error.
    """

    name = "dis"

    @staticmethod
    def is_installed() -> bool:
        """Whether OpenCV is."""
        return find_spec("cv2") is not None

    @override
    def flow(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.is_installed():
            raise UserError(
                "task.flow=dis needs OpenCV: pip install siren-pl[flow], or choose task.flow=inverse_search."
            )
        cv2: Any = import_module("cv2")
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        search.setFinestScale(0)
        search.setPatchStride(4)
        bytes_of = [np.round(np.clip(each, 0, 1) * 255).astype(np.uint8) for each in (before, after)]
        found = search.calc(bytes_of[0], bytes_of[1], np.zeros((*before.shape, 2), np.float32))
        return np.moveaxis(found[..., ::-1], -1, 0)


METHODS = {method.name: method for method in (InverseSearch(), TvL1(), Dis())}


def named(name: str) -> DenseFlow:
    """The method of this name.

    A run that keeps its flow never calls it, so it is only then that DIS needs OpenCV.
    """
    return METHODS[name]


def motion_by(method: DenseFlow, before: Tensor, after: Tensor) -> Tensor:
    """The motion in the middle between two frames (H, W, C) in [0, 1], (H, W, 2)."""
    there, back = (_found(method, *each) for each in ((before, after), (after, before)))
    forward, backward = carried(there, 0.5), -carried(back, 0.5)
    return agreeing([forward, backward, (forward + backward) / 2], before, after)


def _found(method: DenseFlow, before: Tensor, after: Tensor) -> Tensor:
    """The flow (H, W, 2) of a frame; smaller frames than a method takes are extended as they end."""
    height, width = before.shape[:2]
    margin = [(0, max(0, SMALLEST - side)) for side in (height, width)]
    grey = [np.pad(_luma(each).numpy(), margin, mode="edge") for each in (before, after)]
    found = method.flow(grey[0], grey[1])[:, :height, :width]
    return torch.from_numpy(np.ascontiguousarray(found, np.float32)).movedim(0, -1)


def carried(flow: Tensor, fraction: float) -> Tensor:
    """A flow (H, W, 2) of the frame before, at the places where its pixels are after a fraction of the interval.

    It solves v(x) = flow(x - fraction · v(x)) by iteration.
    """
    places, motion = pixel_places(*flow.shape[:2]), flow
    for _ in range(ROUNDS):
        motion = seen(flow, places - fraction * motion)
    return motion


def agreeing(motions: list[Tensor], before: Tensor, after: Tensor) -> Tensor:
    """At each place the motion (H, W, 2) after which both frames differ least in a window around it."""
    places = pixel_places(*before.shape[:2])
    costs = []
    for motion in motions:
        first, second = origins(motion, places, 0.5)
        difference = (seen(before, first) - seen(after, second)).abs().mean(-1)
        costs.append(avg_pool2d(difference[None, None], WINDOW, 1, WINDOW // 2, count_include_pad=False)[0, 0])
    best = torch.stack(costs).argmin(0)
    return torch.stack(motions).gather(0, best[None, ..., None].expand(1, *motions[0].shape))[0]


def _luma(frame: Tensor) -> Tensor:
    return frame[..., :3] @ LUMA if frame.shape[-1] >= len(LUMA) else frame[..., 0]
