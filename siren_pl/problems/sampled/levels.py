"""Samples stored as the unsigned integers of their file, and the values in [-1, 1] that the integers represent.

The value of every integer is computed once in double precision. Looking it up gives the same value for one sample as
for a whole picture, and works on devices without double precision.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.float64]

# Wider integers would need tables too large to look values up in; no image format stores them.
INTEGERS = (torch.uint8, torch.uint16)


def levels(kind: torch.dtype) -> Tensor:
    """The value in [-1, 1] of every integer of an unsigned type, float32 (256 or 65,536).

    >>> levels(torch.uint8)[[0, 51, 255]].tolist()  # 51 is a fifth of 255
    [-1.0, -0.6000000238418579, 1.0]
    """
    top = torch.iinfo(kind).max
    return (torch.arange(top + 1, dtype=torch.float64) / top * 2 - 1).float()


def decoded(stored: Tensor) -> Tensor:
    """Values in [-1, 1] of stored samples, in the same shape; samples that are floats are returned unchanged."""
    if stored.is_floating_point():
        return stored
    return levels(stored.dtype)[stored.long()]


def to_unit(values: Tensor) -> Pixels:
    """Map field values from [-1, 1] to [0, 1], clipped, in float64.

    >>> to_unit(torch.tensor([-1.0, 0.0, 1.5])).tolist()
    [0.0, 0.5, 1.0]
    """
    return (values.detach().double().cpu().numpy() / 2 + 0.5).clip(0, 1)
