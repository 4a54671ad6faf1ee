"""Hard cuts: where one frame and the next show different scenes, which no field that is smooth in time can follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# At a cut the mean absolute change of the pixels, of 1, is at least LEAST, and at least FACTOR times the median of the
# changes up to AROUND frames away. In bikes.mp4 and bigbuckbunny.mp4 cuts change 0.19 to 0.33 of the range and 3.3 to
# 22 times the median, all else at most 0.08 and 1.4 times.
LEAST, FACTOR, AROUND = 0.12, 2.2, 8


def change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """The mean absolute change from one frame to the next, of 1."""
    return float(np.abs(after.astype(np.int16) - before).mean()) / 255


def cuts_of(changes: Sequence[float]) -> list[int]:
    """The frames after which the scene changes, given the change from each frame to the next."""
    values = np.asarray(changes)
    return [
        place
        for place in np.flatnonzero(values >= LEAST).tolist()
        if values[place] >= FACTOR * np.median(values[max(0, place - AROUND) : place + AROUND + 1])
    ]
