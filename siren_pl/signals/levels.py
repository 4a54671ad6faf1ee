"""Samples kept as the unsigned integers of their file, and the values in [-1, 1] that the integers stand for.

Every integer has one value, computed once in double precision: looking it up is exact whether one sample or a whole
picture is decoded, and needs no double precision where a device has none.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Wider integers would need tables too large to look values up in; no image format stores them.
INTEGERS = (torch.uint8, torch.uint16)


def levels(kind: torch.dtype) -> Tensor:
    """The value in [-1, 1] of every integer of an unsigned type, float32 (256 or 65,536)."""
    top = torch.iinfo(kind).max
    return (torch.arange(top + 1, dtype=torch.float64) / top * 2 - 1).float()


def decoded(stored: Tensor) -> Tensor:
    """Values in [-1, 1] of stored samples, same shape; samples that are floats already stay as they are."""
    if stored.is_floating_point():
        return stored
    return levels(stored.dtype)[stored.long()]
