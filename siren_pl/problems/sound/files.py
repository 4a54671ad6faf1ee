"""Sound files: every format that FFmpeg knows is decoded to floats by PyAV, and results are written as WAV.

Integers of b bits are divided by 2^(b-1), so that the whole range of a file represents [-1, 1). A float file is read as
it is. MP3 and other lossy formats may overshoot by a few per cent, which is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.sampled.places import require_readable

# Largest magnitude that a sound of full scale [-1, 1] may have; more is a float file of other units, not an overshoot.
MOST_OVERSHOOT = 2.0
# What a WAV file says that was written to a pipe.
_UNKNOWN_SIZE = 0xFFFFFFFF
SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff")


class Sound(NamedTuple):
    """A decoded sound.

    Attributes:
        samples: Shape (N, C), float32, nominally in [-1, 1].
        rate: Samples per second.
    """

    samples: NDArray[np.float32]
    rate: int


def read_sound(path: Path, key: str = "dataset.path") -> Sound:
    """Read a sound file.

    Args:
        path: The file.
        key: The option that named it, for error messages.

    Raises:
        UserError: The file is missing, damaged, cut, empty, or no sound.
    """
    require_readable(path, key)
    _require_whole_wav(path, key)
    import av
    from av.error import FFmpegError

    if not path.stat().st_size:
        raise UserError(f"{key}={path} is empty (0 bytes): fetch or export it again.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise UserError(f"{key}={path} holds no sound, only {_kinds(container)}: choose a sound file.")
            stream = container.streams.audio[0]
            promised = _promised(container, stream)
            parts, rate = list(_decoded(container, stream)), stream.rate
    except (FFmpegError, ValueError, OSError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{key}={path} is damaged, cut off, or no sound file ({said}): fetch or export it again, as wav, flac, "
            "ogg or mp3."
        ) from error
    if not parts:
        raise UserError(f"{key}={path} holds no samples: fetch or export it again.")
    samples = np.concatenate(parts)
    _require_whole(samples, rate, promised, path, key)
    return Sound(samples, rate)


def write_wav(samples: NDArray[np.floating], rate: int, path: Path) -> Path:
    """Write samples (N, C) as WAV of 32-bit floats, which hold what is given without rounding or clipping."""
    from scipy.io import wavfile

    wavfile.write(path, rate, np.ascontiguousarray(samples, dtype=np.float32))
    return path


def _decoded(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    """Yield the samples (n, C) of one frame after another."""
    for frame in container.decode(stream):
        data = frame.to_ndarray()
        channels = len(frame.layout.channels)
        interleaved = data.reshape(channels, -1).T if frame.format.is_planar else data.reshape(-1, channels)
        yield _as_floats(interleaved)


def _as_floats(samples: NDArray) -> NDArray[np.float32]:
    if samples.dtype.kind == "f":
        middle, scale = 0.0, 1.0
    else:
        middle = 128.0 if samples.dtype == np.uint8 else 0.0  # where silence lies
        scale = (np.iinfo(samples.dtype).max + 1) - middle
    return ((samples - middle) / scale).astype(np.float32)


def _promised(container: Any, stream: Any) -> float | None:
    """The length in seconds that the header of a file of known size states; None if there is no such header."""
    exact = container.format.name.split(",")[0] in ("wav", "flac", "aiff")
    return float(stream.duration * stream.time_base) if exact and stream.duration else None


def _require_whole_wav(path: Path, key: str) -> None:
    """Refuse a WAV file that is shorter than it says; FFmpeg believes the file's size instead."""
    length = path.stat().st_size
    with path.open("rb") as file:
        kind = file.read(12)
        if kind[:4] != b"RIFF" or kind[8:] != b"WAVE":
            return
        while len(header := file.read(8)) == 8:  # noqa: PLR2004 - a name and a size of four bytes each
            size = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                there = length - file.tell()
                if size != _UNKNOWN_SIZE and there < size:
                    raise UserError(
                        f"{key}={path} is cut off: it has {there:,} of the {size:,} bytes of samples that its header "
                        "states. Fetch it again, or save what there is as a new file."
                    )
                return
            file.seek(size + size % 2, os.SEEK_CUR)


def _require_whole(samples: NDArray, rate: int, promised: float | None, path: Path, key: str) -> None:
    if not np.isfinite(samples).all():
        bad = int((~np.isfinite(samples)).sum())
        raise UserError(f"{key}={path} holds {bad} samples that are NaN or infinite: repair the file.")
    if promised is not None and len(samples) < promised * rate - 1:
        raise UserError(
            f"{key}={path} is cut off: it has {len(samples) / rate:.2f} of the {promised:.2f} seconds that its header "
            "states. Fetch it again, or save what there is as a new file."
        )
    if (peak := float(np.abs(samples).max())) > MOST_OVERSHOOT:
        raise UserError(f"{key}={path} has a peak of {peak:.3g}, where full scale is 1: scale the file to [-1, 1].")


def _kinds(container: Any) -> str:
    return ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
