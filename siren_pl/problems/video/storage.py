"""Videos are held in temporary files that are mapped into memory: the system reads what is used, and may drop it again.

The files have no name from the start, so nothing remains of them however the process ends, and no video is ever held
in the process's own memory. They lie where TMPDIR points.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError


def kept(frames: Iterable[NDArray[np.uint8]]) -> Tensor:
    """Write frames of one shape (H, W, C) to a file of bytes, and return them all, uint8 (T, H, W, C).

    Raises:
        UserError: The disk is full.
    """
    with _file() as file:
        count, shape = 0, ()
        for frame in frames:
            count, shape = count + 1, frame.shape
            _try(lambda frame=frame: file.write(np.ascontiguousarray(frame).data))
        _try(file.flush)
        return torch.from_numpy(_mapped(file, (count, *shape))) if count else torch.empty(0, dtype=torch.uint8)


def blank(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An array of bytes in a file, to be filled.

    Raises:
        UserError: The disk has no room for it.
    """
    with _file() as file:
        size = math.prod(shape)
        # Where room is not reserved, writing to a mapped file on a full disk kills the process.
        reserve = getattr(os, "posix_fallocate", None)
        _try((lambda: reserve(file.fileno(), 0, size)) if reserve else lambda: file.truncate(size))
        return _mapped(file, shape)


def _file() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="siren_pl_")


def _mapped(file: Any, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)


def _try(write: Any) -> None:
    try:
        write()
    except OSError as error:
        raise UserError(
            f"the temporary file of the video cannot be written to {tempfile.gettempdir()} ({error.strerror}): make "
            "room there, let TMPDIR name another folder, or choose a smaller dataset.size or fewer dataset.frames."
        ) from error
