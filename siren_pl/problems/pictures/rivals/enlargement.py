"""Enlargements of a smaller picture by interpolation and by pretrained networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.operators import Downsampling
from siren_pl.problems.pictures.images import resize_pixels
from siren_pl.problems.pictures.rivals.references.loading import Pretrained, pretrained
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal


def interpolation(signal: SampledSignal, method: str) -> Tensor | None:
    """Enlarge with Pillow (nearest, bilinear, bicubic or lanczos), aligned at pixel centres; None for other data."""
    if not isinstance(signal.observation, Downsampling) or signal.in_features != 2:  # noqa: PLR2004 - pictures
        return None
    pixels = to_unit(signal.measured)
    rows, columns = signal.shape
    return torch.from_numpy(resize_pixels(pixels, (rows, columns), method) * 2 - 1)


def usable(weights: str, observation: Downsampling) -> Pretrained:
    """Load a pretrained network that enlarges by the observation's scale.

    Raises:
        UserError: The file is not of a known network, or the network does not enlarge by this scale.
    """
    if not float(observation.scale).is_integer():
        raise UserError(f"task.reference={weights} enlarges by whole numbers, not by {observation.option}.")
    network = pretrained(Path(weights))
    network.require_scale(int(observation.scale))
    return network


def reference(signal: SampledSignal, weights: str | None) -> Tensor | None:
    """Enlarge with a pretrained network (see `references`); None without weights, or for other data.

    Raises:
        UserError: The file is not of a known network, or the network does not enlarge by this scale.
    """
    observation = signal.observation
    if weights is None or not isinstance(observation, Downsampling):
        return None
    large = usable(weights, observation).enlarge(to_unit(signal.measured), int(observation.scale))
    # If the size is not a multiple of the scale, the last coarse sample extends over the edge; cut the excess off.
    rows, columns = signal.shape
    short = [(0, max(0, n - m)) for n, m in zip(signal.shape, large.shape[:2], strict=True)]
    return torch.from_numpy(np.pad(large, [*short, (0, 0)], mode="edge")[:rows, :columns] * 2 - 1)
