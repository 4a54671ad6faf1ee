"""Whether a machine has the memory for a picture that is to be made by resizing."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from numpy.typing import NDArray

from siren_pl.errors import UserError

# The largest picture that is made by resizing, and what it takes per number: two floats of 64 bits and three of 32.
MOST_PIXELS, BYTES_TO_RESIZE = 1 << 31, 28


def require_room(target: tuple[int, int], samples: NDArray, size: int | Sequence[int]) -> None:
    """Refuse to resize to what this machine has no memory for, where the system would end the process in silence.

    Raises:
        UserError: Naming the size, what it takes and what is there.
    """
    pixels = target[0] * target[1]
    needed, there = pixels * samples.shape[2] * BYTES_TO_RESIZE, _memory()
    if target != samples.shape[:2] and (pixels > MOST_PIXELS or needed > there):
        raise UserError(
            f"dataset.size={size} asks for {target[0]} x {target[1]} pixels, which take {needed / 1e9:.0f} GB to make "
            f"where {there / 1e9:.0f} GB are there, and 2^31 pixels are the most: choose a smaller dataset.size."
        )


def _memory() -> float:
    """Bytes of memory that this machine has; without bound where it does not say."""
    names = getattr(os, "sysconf_names", {})
    known = "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else math.inf
