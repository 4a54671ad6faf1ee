"""What `evaluate.py` may be asked for about frames in between: one moment, or a slow motion, at any size."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from siren_pl.errors import UserError

# Frames per interval of the slow motion that a run leaves.
SLOW = 8
# More pixels than this, over all frames of a slow motion, take hours to compute.
MOST_PIXELS = 1 << 31


@dataclass(frozen=True)
class Wanted:
    """What is written.

    Attributes:
        time: The moment of a single frame, in intervals; None for the slow motion.
        slow: Frames of the slow motion per interval.
        size: Rows and columns; None for the given frames' own.
    """

    time: float | None = None
    slow: int = SLOW
    size: tuple[int, int] | None = None


def wanted(options: Mapping[str, str], shape: Sequence[int]) -> tuple[str, Wanted]:
    """Interpret `time`, `slow` and `size` for frames of a shape (T, H, W); return a directory's name as well.

    Raises:
        UserError: An option has a bad value, two contradict each other, or there are too many pixels.
    """
    if "time" in options and "slow" in options:
        raise UserError("give time= for a single frame or slow= for a slow motion, not both.")
    size = _size(options.get("size"), shape)
    slow, moment = _slow(options.get("slow")), _moment(options.get("time"), shape[0] - 1)
    pixels = math.prod(size or shape[1:]) * (1 if moment is not None else slow * (shape[0] - 1) + 1)
    if pixels > MOST_PIXELS:
        raise UserError(f"{pixels:,} pixels are more than 2^31: choose a smaller size= or slow=.")
    told = f"time_{moment:.12g}" if moment is not None else f"slow_{slow}" if "slow" in options else ""
    sides = "x".join(map(str, size or shape[1:]))
    return f"{sides}_{told}" if told else sides, Wanted(moment, slow, size)


def _slow(text: str | None) -> int:
    if text is None:
        return SLOW
    if not (text.isdecimal() and int(text) > 0):
        raise UserError(f"slow={text} must be a whole number of frames per interval from 1, such as 8.")
    return int(text)


def _moment(text: str | None, last: int) -> float | None:
    if text is None:
        return None
    try:
        moment = float(text)
    except ValueError:
        moment = math.nan
    if not 0 <= moment <= last:
        raise UserError(f"time={text} must be a number of intervals from 0, the first frame, to {last}, the last.")
    return moment


def _size(text: str | None, shape: Sequence[int]) -> tuple[int, int] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\[?\s*[1-9]\d*\s*(,\s*[1-9]\d*\s*)?\]?", text):
        raise UserError(f"size={text} must be rows,columns or the length of the longer side, in pixels from 1.")
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) > 1:
        return numbers[0], numbers[1]
    rows, columns = (max(1, round(n * numbers[0] / max(shape[1:]))) for n in shape[1:])
    return rows, columns
