"""Enlargements of a smaller picture: by interpolation, by pretrained networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.pictures.images import resize_pixels
from siren_pl.problems.pictures.rivals.references import Pretrained, pretrained
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.observations import Downsampling
from siren_pl.problems.sampled.signal import SampledSignal


def interpolation(signal: SampledSignal, method: str) -> Tensor | None:
    """Pillow's enlargement, aligned at pixel centres: nearest, bilinear, bicubic or lanczos; None of other data."""
    if not isinstance(signal.observation.linear, Downsampling) or signal.in_features != 2:  # noqa: PLR2004 - pictures
        return None
    pixels = to_unit(signal.measured)
    rows, columns = signal.shape
    return torch.from_numpy(resize_pixels(pixels, (rows, columns), method) * 2 - 1)


def usable(weights: str, observation: Downsampling) -> Pretrained:
    """A pretrained network that enlarges by the observation's scale.

    Raises:
        UserError: The file is of no known network, or the network does not enlarge by this scale.
    """
    if not float(observation.scale).is_integer():
        raise UserError(f"task.reference={weights} enlarges by whole numbers, not by {observation.option}.")
    network = pretrained(Path(weights))
    network.require_scale(int(observation.scale))
    return network


def reference(signal: SampledSignal, weights: str | None) -> Tensor | None:
    """A pretrained network's enlargement (see `references`); None without weights, or of other data.

    Raises:
        UserError: The file is of no known network, or the network does not enlarge by this scale.
    """
    observation = signal.observation.linear
    if weights is None or not isinstance(observation, Downsampling):
        return None
    large = usable(weights, observation).enlarge(to_unit(signal.measured), int(observation.scale))
    # A picture whose size is no multiple of the scale was measured as if it went on: what is too much is cut off.
    rows, columns = signal.shape
    short = [(0, max(0, n - m)) for n, m in zip(signal.shape, large.shape[:2], strict=True)]
    return torch.from_numpy(np.pad(large, [*short, (0, 0)], mode="edge")[:rows, :columns] * 2 - 1)
