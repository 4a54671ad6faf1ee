"""Checks that the machine has the memory to make a picture by resizing."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from numpy.typing import NDArray

from siren_pl.errors import UserError

# The largest picture made by resizing, and the bytes it takes per number: two 64-bit and three 32-bit floats.
MOST_PIXELS, BYTES_TO_RESIZE = 1 << 31, 28


def require_room(target: tuple[int, int], samples: NDArray, size: int | Sequence[int]) -> None:
    """Refuse to resize to a size that this machine's memory cannot hold; the system would kill the process silently.

    Raises:
        UserError: Naming the size, the memory that it takes and the memory there is.
    """
    pixels = target[0] * target[1]
    needed, there = pixels * samples.shape[2] * BYTES_TO_RESIZE, _memory()
    if target != samples.shape[:2] and (pixels > MOST_PIXELS or needed > there):
        raise UserError(
            f"dataset.size={size} asks for {target[0]} x {target[1]} pixels, which take {needed / 1e9:.0f} GB to make "
            f"where {there / 1e9:.0f} GB are there, and 2^31 pixels are the most: choose a smaller dataset.size."
        )


def _memory() -> float:
    """This machine's memory in bytes; infinite if it cannot be found out."""
    names = getattr(os, "sysconf_names", {})
    known = "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else math.inf
