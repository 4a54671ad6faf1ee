"""Videos as signals: three axes, time first, of bytes that lie in a mapped temporary file."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.sampled.observations.withheld import withheld
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.video.cuts import change, cuts_of
from siren_pl.problems.video.files import Frame
from siren_pl.problems.video.footage import Footage, Source
from siren_pl.problems.video.kind import Clip
from siren_pl.problems.video.storage import kept
from siren_pl.problems.video.times import clock_of, grid_of

log = logging.getLogger(__name__)

VIDEO_AXES = 3
# A part [from, to) of a video begins with a frame that is shown this many seconds before `from`: half of a millisecond,
# to which containers round times.
ROUNDING = 5e-4


def video_signal(
    source: Source,
    seconds: Sequence[float | None] | None = None,
    frames: Sequence[int] | None = None,
    size: int | Sequence[int] | None = None,
    resize: str = "bilinear",
    grayscale: bool = False,
    time_extent: float | None = None,
    cache_gb: float = 4.0,
    heldout: float = 0.0,
    stride: int | Sequence[int] = 1,
    seed: int = 0,
) -> SampledSignal:
    """Decode a video once and prepare it as ground truth.

    Args:
        source: Returns the video.
        seconds: The part to take, [from, to); None for the start or the end.
        frames: The frames to take, [first, end) or [first, end, step), counted from 0.
        size: Length of a frame's longer side, or [height, width]; None keeps the file's size.
        resize: Filter for resizing, antialiased: nearest, bilinear, bicubic or lanczos.
        grayscale: Whether to reduce colour to luma (ITU-R BT.601).
        time_extent: Half the length of time in coordinate units, where the longer side of a frame spans [-1, 1]; None
            for voxels that are cubes.
        cache_gb: The most that the temporary file may take, in 10^9 bytes.
        heldout: Fraction of the voxels to withhold from training.
        stride: Keep only every `stride`-th sample along each axis for training, and hold the others out; [2, 1, 1]
            keeps every other frame.
        seed: Seeds the choice of held-out voxels.

    Raises:
        UserError: The part leaves the video or has a single frame, or the file is damaged or would be too large.
    """
    observation = withheld(heldout, seed, stride, VIDEO_AXES)
    footage = source()
    taken: list[int] = []
    times: list[float] = []
    changes: list[float] = []
    with closing(_part(footage, seconds, frames, taken)) as part:
        resized = _resized(part, size, resize, grayscale, times)
        data = kept(_within(_compared(resized, changes), cache_gb, footage.name))
    if len(times) < 2:  # noqa: PLR2004 - as the message says
        raise UserError(
            f"{footage.name} has {len(times) or 'no'} frame here, and a video has at least two: choose another part "
            "by dataset.frames=[first,end] or dataset.seconds=[from,to]; for a picture, task=image_fit dataset=image."
        )
    _tell_cuts(footage.name, [taken[cut] for cut in cuts_of(changes)])
    clock = clock_of(footage.name, times)
    grid = grid_of(clock, tuple(data.shape[:-1]), time_extent)
    clip = Clip(clock.rate, times[0], footage.origin.path, footage.origin.place)
    return SampledSignal(data, footage.name, grid, observation, container=clip)


def _part(
    footage: Footage, seconds: Sequence[float | None] | None, numbers: Sequence[int] | None, taken: list[int]
) -> Generator[Frame]:
    """Yield the frames that were asked for, and note their numbers in the file. Beyond their end nothing is decoded."""
    if seconds is not None and numbers is not None:
        raise UserError("dataset.seconds and dataset.frames both choose a part of the video: give one of them.")
    count, last = 0, 0.0
    first, end, step = _numbers(numbers)
    begin, stop = seconds or (None, None)
    for count, frame in enumerate(footage.frames, 1):
        last = frame.seconds
        if stop is not None and last >= stop - ROUNDING:
            return
        number = count - 1
        if number >= first and (number - first) % step == 0 and (begin is None or last >= begin - ROUNDING):
            taken.append(number)
            yield frame
        if count == end:
            return
    if end is not None and count < end:
        raise UserError(
            f"dataset.frames=[{','.join(map(str, numbers or ()))}] is no part of {footage.name}, which has {count} "
            f"frames: the end, which is not included, may be at most {count}."
        )
    if begin is not None and last < begin:
        raise UserError(
            f"dataset.seconds starts at {begin:g}, and the last frame of {footage.name} is shown at {last:.3f} "
            "seconds: give [from,to] within it."
        )


def _numbers(frames: Sequence[int] | None) -> tuple[int, int | None, int]:
    """The first frame, the one after the last (None: to the end) and the step."""
    if frames is None:
        return 0, None, 1
    first, end, *step = frames
    if first >= end:
        raise UserError(f"dataset.frames=[{','.join(map(str, frames))}] holds no frame: give [first,end], first < end.")
    return first, end, step[0] if step else 1


def _resized(
    frames: Iterator[Frame], size: int | Sequence[int] | None, resize: str, grayscale: bool, times: list[float]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pixels (h, w, c) as they are fitted, and note the time of each frame."""
    from PIL import Image

    for frame in frames:
        times.append(frame.seconds)
        image = Image.fromarray(frame.pixels)
        image = image.convert("L") if grayscale else image
        target = _target(image.size, size)
        # Pillow returns a copy where the size stays.
        yield np.atleast_3d(np.asarray(image.resize(target, Image.Resampling[resize.upper()])))


def _target(now: tuple[int, int], size: int | Sequence[int] | None) -> tuple[int, int]:
    """The width and height to which frames of this width and height are resized."""
    if size is None:
        return now
    if not isinstance(size, int):
        return int(size[1]), int(size[0])
    width, height = (max(1, round(n * size / max(now))) for n in now)
    return width, height


def _within(frames: Iterator[NDArray[np.uint8]], cache_gb: float, name: str) -> Iterator[NDArray[np.uint8]]:
    """Pass frames on until they take more than they may; the rest is counted for the message alone."""
    most = cache_gb * 1e9
    for number, frame in enumerate(frames, 1):
        if number * frame.nbytes > most:
            count = number + sum(1 for _ in frames)
            height, width = frame.shape[:2]
            longest = int(max(height, width) * (most / (count * frame.nbytes)) ** 0.5)
            raise UserError(
                f"{name} takes {count * frame.nbytes / 1e9:.3g} GB as {count} frames of {width}×{height} pixels, and "
                f"dataset.cache_gb={cache_gb:g} is the most: choose dataset.size={longest} or less, a part by "
                "dataset.frames=[first,end] or dataset.seconds=[from,to], or raise dataset.cache_gb."
            )
        yield frame


def _compared(frames: Iterator[NDArray[np.uint8]], changes: list[float]) -> Iterator[NDArray[np.uint8]]:
    """Pass frames on, and note the change from each to the next."""
    first = next(frames, None)
    if first is None:
        return
    yield first
    for before, after in itertools.pairwise(itertools.chain([first], frames)):
        changes.append(change(before, after))
        yield after


def _tell_cuts(name: str, cuts: Sequence[int]) -> None:
    """Name the frames, as the file counts them, after which the scene changes."""
    if cuts:
        log.warning(
            "%s has a hard cut after frame %s: a field is smooth in time, so fit the scenes apart by "
            "dataset.frames=[first,end], where the end is not included",
            name,
            ", ".join(map(str, cuts)),
        )
