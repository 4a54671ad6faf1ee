"""Video files: PyAV decodes whatever FFmpeg knows, one frame after another, upright, as RGB of 8 bits with its time.

A frame's time is read from the frame, since the average rate of a file misleads where the rate varies. Colours are
converted as the file says (BT.601, BT.709 or BT.2020, limited or full range). Animated GIFs are videos too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.sampled.places import require_readable

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".gif")
# ITU-T H.273: the codes of BT.709 and of an unspecified matrix. Players take untagged video of more than 576 rows, the
# most that standard definition has, to be BT.709, and smaller video to be BT.601, which is FFmpeg's default.
BT709, UNSPECIFIED, STANDARD_ROWS = 1, 2, 576
# swscale's flags (libswscale/swscale.h): bicubic, chroma interpolated to full width, rounded accurately. With the
# defaults a grey level is off by up to 2 of 255.
EXACT = 4 | 1 << 13 | 1 << 18
# Formats whose header states the length, by FFmpeg's names, and the unit of that length: microseconds. A last frame may
# be shown for longer than the mean, so the frames may end this many mean intervals before the stated end.
STATING_LENGTH, AV_TIME_BASE, LAST_FRAMES = ("matroska,webm", "avi"), 1_000_000, 3.0
# The last byte of a GIF, behind which some programs leave zeros; this many bytes of the end are looked at.
GIF_TRAILER, GIF_END = b";", 64


class Frame(NamedTuple):
    """A decoded frame.

    Attributes:
        pixels: RGB, shape (H, W, 3), uint8.
        seconds: When it is shown, counted from the first frame.
    """

    pixels: NDArray[np.uint8]
    seconds: float


def read_frames(path: Path, key: str = "dataset.path") -> Iterator[Frame]:
    """Decode a video file, one frame after another.

    Args:
        path: The file.
        key: The option that named it, for error messages.

    Yields:
        Its frames, in the order in which they are shown.

    Raises:
        UserError: The file is missing, empty, damaged, cut off or no video, or the size of its frames varies.
    """
    require_readable(path, key)
    if not path.stat().st_size:
        raise UserError(f"{key}={path} is empty (0 bytes): fetch or export it again.")
    _require_whole(path, key)
    import av
    from av.error import FFmpegError

    count, last = 0, 0.0
    try:
        with av.open(str(path)) as container:
            stream = _stream(container, path, key)
            first: Frame | None = None
            for count, frame in enumerate(container.decode(stream), 1):
                found = _upright(frame, count - 1, stream)
                first = first or found
                _require_size(found, first, count - 1, path, key)
                last = found.seconds
                yield found._replace(seconds=last - first.seconds)
            short = _seconds_missing(container, last, count)
    except (FFmpegError, ValueError, OSError) as error:
        said = getattr(error, "strerror", None) or str(error)
        where = f"breaks off after {count} frames" if count else "is damaged, cut off, or no video file"
        raise UserError(f"{key}={path} {where} ({said}): fetch or export it again, as mp4 or gif.") from error
    if not count:
        raise UserError(f"{key}={path} holds no frame: fetch or export it again.")
    if short:
        raise UserError(
            f"{key}={path} is cut off: its frames end {short:.2f} seconds before the end that its header states. Fetch "
            f"it again, or take what there is by dataset.frames=[0,{count}]."
        )


def _seconds_missing(container: Any, last: float, count: int) -> float:
    """How much earlier the frames end than the header of a file states, if that is exact; 0 if they do not.

    A file may state the length of a sound that is longer than its video.
    """
    if container.format.name not in STATING_LENGTH or len(container.streams) > 1 or not container.duration:
        return 0.0
    missing = container.duration / AV_TIME_BASE - last
    return missing if missing > LAST_FRAMES * last / max(count - 1, 1) else 0.0


def _stream(container: Any, path: Path, key: str) -> Any:
    """The file's video; the cover of a song is none."""
    from av.stream import Disposition

    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not streams:
        kinds = ", ".join(sorted({each.type for each in container.streams if each.type != "video"})) or "nothing"
        raise UserError(f"{key}={path} holds no video, only {kinds}: choose a video file.")
    return streams[0]


def _upright(frame: Any, number: int, stream: Any) -> Frame:
    """A frame as it is meant to be seen."""
    untagged = frame.colorspace == UNSPECIFIED and frame.height > STANDARD_ROWS
    colours = {"src_colorspace": BT709} if untagged else {}
    pixels = frame.to_ndarray(format="rgb24", interpolation=EXACT, **colours)
    # The angle is counted against the clock, as NumPy counts quarters.
    turned = np.rot90(pixels, round(frame.rotation / 90)) if frame.rotation else pixels
    seconds = number / float(stream.average_rate or 1) if frame.time is None else frame.time
    return Frame(np.ascontiguousarray(turned), seconds)


def _require_size(found: Frame, first: Frame, number: int, path: Path, key: str) -> None:
    if found.pixels.shape != first.pixels.shape:
        sizes = ["×".join(map(str, each.pixels.shape[1::-1])) for each in (first, found)]
        raise UserError(
            f"{key}={path} changes its size: frame 0 is of {sizes[0]} pixels and frame {number} of {sizes[1]}. Export "
            f"it with frames of one size, or take those before by dataset.frames=[0,{number}]."
        )


def _require_whole(path: Path, key: str) -> None:
    """Refuse a file that is shorter than it says; FFmpeg would silently return the frames that are left."""
    length = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(8)
        if begin[4:] == b"ftyp":
            whole = _end_of_boxes(file, length) <= length
        elif begin[:3] == b"GIF":
            file.seek(max(0, length - GIF_END))
            whole = file.read().rstrip(b"\0").endswith(GIF_TRAILER)
        else:
            return
    if not whole:
        raise UserError(f"{key}={path} is cut off: it is shorter than its header says. Fetch or export it again.")


def _end_of_boxes(file: Any, length: int) -> int:
    """Where the last top-level box of an MP4 (ISO 14496-12) ends: a size of 4 bytes, a name of 4, and the content."""
    place = 0
    while place < length:
        file.seek(place)
        header = file.read(16)
        size = int.from_bytes(header[:4], "big")
        size = int.from_bytes(header[8:], "big") if size == 1 else size  # 1: the size follows, in 8 bytes
        if size == 0:  # up to the end of the file
            return length
        place += max(size, 8)
    return place
