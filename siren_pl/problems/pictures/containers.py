"""Containers: the depth and profile of a picture file, kept with the signal so that results are written like it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from siren_pl.problems.pictures import scores
from siren_pl.problems.sampled.kind import Kind, Pairs, View
from siren_pl.training.judge import Draw, Metrics, Result, Write
from siren_pl.training.problem import Origin

if TYPE_CHECKING:
    from siren_pl.problems.sampled.evaluation import Evaluation
    from siren_pl.problems.sampled.levels import Pixels
    from siren_pl.problems.sampled.signal import SampledSignal

# Colour space in bytes 16 to 19 of an ICC profile (ICC.1:2022, table 19), by the number of channels of a picture.
PROFILE_SPACES = {1: b"GRAY", 2: b"GRAY", 3: b"RGB ", 4: b"RGB "}
# kornia_rs's names of the 16-bit pictures that Pillow cannot write, by the number of channels.
DEEP_MODES = {3: "rgb", 4: "rgba"}
# Bytes of a PNG file's signature and first chunk, after which a profile follows (PNG specification, section 5.6).
PNG_HEAD = 8 + 25


@dataclass(frozen=True)
class Container(Kind):
    """The format in which a picture file stores its samples, and so how pictures are written, shown and asked for.

    Attributes:
        depth: Bits per sample, 8 or 16.
        profile: The ICC profile that defines the colours of the samples; None if there is none.
        path: The file; None if the samples come from elsewhere.
        place: Its path relative to the folder from which it was chosen by number; None if it was named.
    """

    depth: int = 8
    profile: bytes | None = field(default=None, repr=False)
    path: Path | None = field(default=None, compare=False)
    place: str | None = field(default=None, compare=False)

    options: ClassVar[Mapping[str, str]] = {
        "scale": "pixels along each side per pixel of the signal's own",
        "size": "height,width of the picture, or its longer side",
        "window": "top,left,height,width of a part alone, in pixels of the signal's own grid",
    }

    @property
    @override
    def origin(self) -> Origin:
        return Origin(self.path, self.place)

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        return {f"{found.signal.name}.png": lambda path: write_picture(found.pixels, path, self)}

    @override
    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        from siren_pl.problems.pictures.judging import drawings

        return drawings.figures_of(found)

    @override
    def compared(self, signal: SampledSignal, result: Pixels, target: Pixels, first: int) -> Pairs:
        return scores.compared(signal, result, target, first)

    @override
    def similarities(self, result: Pixels, target: Pixels) -> Metrics:
        return scores.similarities(result, target)

    @override
    def asked(self, signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
        from siren_pl.problems.pictures.judging import asked

        return asked.asked(signal, options)

    @override
    def sheet(self, results: Sequence[Result], path: Path) -> Any:
        from siren_pl.problems.pictures.judging.sheet import draw

        return draw(results, path)

    @property
    def levels(self) -> type[np.unsignedinteger]:
        """The type of a written sample."""
        return np.uint16 if self.depth > 8 else np.uint8  # noqa: PLR2004 - bits of a byte

    def profile_of(self, channels: int) -> bytes | None:
        """The profile, unless it is for another number of channels, as that of a colour image made grey is."""
        space = PROFILE_SPACES.get(channels)
        return self.profile if self.profile is not None and self.profile[16:20] == space else None


def container_of(samples: NDArray) -> Container:
    """The container of samples without a file: 16 bits for 16-bit integers, otherwise 8."""
    return Container(16 if samples.dtype == np.uint16 else 8)


def _quantised(pixels: NDArray, levels: type[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Convert pixels in [0, 1] to the nearest integers, whose whole range represents [0, 1]; keep such integers."""
    return pixels if pixels.dtype == levels else np.round(pixels * np.iinfo(levels).max).astype(levels)


def write_picture(pixels: NDArray, path: Path, container: Container | None = None) -> Path:
    """Write a picture as PNG, with the depth and profile of its container.

    16-bit grey with alpha, and pictures of more than four channels, are written as arrays (.npy), since no library here
    writes them as PNG.

    Args:
        pixels: Shape (H, W, C), in [0, 1] or already integers of the container's depth.
        path: The file to write, with the suffix `.png`.
        container: The format; 8 bits and no profile by default.

    Returns:
        The file that was written.
    """
    container = container or Container()
    samples, channels = _quantised(pixels, container.levels), pixels.shape[-1]
    profile = container.profile_of(channels)
    path.parent.mkdir(parents=True, exist_ok=True)
    if samples.dtype == np.uint16 and channels in DEEP_MODES:
        return _write_deep(samples, path, profile)
    if channels not in PROFILE_SPACES or (samples.dtype == np.uint16 and channels > 1):
        path = path.with_suffix(".npy")
        np.save(path, samples)
        return path
    from PIL import Image

    Image.fromarray(samples[..., 0] if channels == 1 else samples).save(path, icc_profile=profile)
    return path


def _write_deep(samples: NDArray[np.uint16], path: Path, profile: bytes | None) -> Path:
    """Write 16-bit colour with kornia_rs, then insert the profile into the file."""
    import kornia_rs
    from PIL.PngImagePlugin import putchunk

    kornia_rs.io.write_image_png_u16(str(path), np.ascontiguousarray(samples), DEEP_MODES[samples.shape[-1]])
    if profile is not None:
        content = path.read_bytes()
        with path.open("wb") as file:
            file.write(content[:PNG_HEAD])
            # The chunk is a name, the compression method 0 (deflate), and the profile (PNG specification, 11.3.2.3).
            putchunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
            file.write(content[PNG_HEAD:])
    return path
