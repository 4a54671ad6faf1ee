"""The given frames and what is known between them, as samples of their files; and where both come from.

A run keeps them in its directory, with the flow that was found, so that evaluating it needs no other file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from siren_pl.errors import UserError
from siren_pl.problems.video.texture import rotating

Arrays = Mapping[str, NDArray]

# The turning texture's frames that are given, and the one between them, by default: 7.5 degrees apart.
FIRST, MIDDLE, LAST = 0, 1, 2


class Pictures(Protocol):
    """Reads and writes files of pictures."""

    def read(self, path: Path, key: str) -> tuple[NDArray, Any]:
        """The samples (H, W, C) of a file, and how it stores them; `key` names it in messages."""
        ...

    def write(self, pixels: NDArray, path: Path, container: Any) -> Path:
        """Write pixels (H, W, C) in [0, 1] as the container says; return the file."""
        ...

    def described(self, container: Any) -> Arrays:
        """A container as arrays."""
        ...

    def container(self, arrays: Arrays) -> Any:
        """The container that arrays describe."""
        ...


@dataclass(frozen=True)
class Frames:
    """Frames of one size, one interval apart.

    Attributes:
        name: What they are called.
        stored: The given frames as their files store them, (T, H, W, C): bytes, 16 bits, or floats in [0, 1].
        references: What is known between them, (R, H, W, C).
        moments: The moments of these, in intervals from the first frame, (R,).
        pictures: Reads and writes their files.
        container: How the files store them.
        kept: What a run has computed of them before, by name.
    """

    name: str
    stored: NDArray
    references: NDArray
    moments: tuple[float, ...]
    pictures: Pictures = field(compare=False)
    container: Any = field(compare=False)
    kept: Arrays = field(default_factory=dict, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, rows and columns."""
        return self.stored.shape[:3]

    @property
    def out_features(self) -> int:
        """Channels."""
        return self.stored.shape[3]

    @property
    def values(self) -> Tensor:
        """The given frames in [-1, 1], float32."""
        return _values(self.stored)

    def reference(self, number: int) -> Tensor:
        """What is known, in [-1, 1], (H, W, C)."""
        return _values(self.references[number])

    def arrays(self) -> dict[str, NDArray]:
        """Everything as arrays, which `restored` takes."""
        own = {"stored": self.stored, "references": self.references, "moments": np.array(self.moments)}
        return own | {"name": np.array(self.name), **self.pictures.described(self.container), **self.kept}


def restored(arrays: Arrays, pictures: Pictures) -> Frames:
    """The frames that a run keeps (`Frames.arrays`)."""
    moments = tuple(float(moment) for moment in arrays["moments"])
    stored, references = arrays["stored"], arrays["references"]
    kept = {name: array for name, array in arrays.items() if name not in ("stored", "references")}
    return Frames(str(arrays["name"]), stored, references, moments, pictures, pictures.container(arrays), kept)


def frame_files(
    path: str | Sequence[str] | None,
    pictures: Pictures,
    reference: str | Sequence[str] | None = None,
    stride: int = 1,
    size: int | None = None,
) -> Frames:
    """Read frames from files.

    Args:
        path: The files in the order of time, at least two; None for a texture that turns.
        pictures: Reads them.
        reference: The file of what is half-way, or one for each interval.
        stride: Give every `stride`-th frame; those between are the reference.
        size: The longer side in pixels; None keeps the files' own.

    Raises:
        UserError: There are too few files, one cannot be read, their sizes or channels differ, or what is between them
            is said twice.
    """
    if path is None:
        return _resized(_turning(pictures), size)
    if reference is not None and stride > 1:
        raise UserError(
            "dataset.reference and dataset.stride both say what is known between the frames: give one of them."
        )
    paths = _named(path)
    if len(paths) <= stride:
        raise UserError(
            f"dataset.path={_typed(paths)} names {len(paths)} frame{'s' * (len(paths) != 1)}, and there is nothing in "
            f"between: name at least {stride + 1}, as in dataset.path=[a.png,b.png]."
        )
    read = [pictures.read(Path(each), "dataset.path") for each in paths]
    frames = _alike([samples for samples, _ in read], paths, "dataset.path")
    chosen = frames[::stride][: (len(frames) - 1) // stride + 1]
    between = [number for number in range((len(chosen) - 1) * stride) if number % stride]
    known, moments = frames[between], [number / stride for number in between]
    if reference is not None:
        references = _named(reference)
        if len(references) != len(chosen) - 1:
            raise UserError(
                f"dataset.reference={_typed(references)} names {len(references)} files for {len(chosen) - 1} "
                "intervals between frames: name one for each, what is half-way in it."
            )
        samples = [pictures.read(Path(each), "dataset.reference")[0] for each in references]
        _alike([frames[0], *samples], [paths[0], *references], "dataset.reference")
        known, moments = np.stack(samples), [number + 0.5 for number in range(len(samples))]
    name = f"{Path(paths[0]).stem}_{Path(paths[-1]).stem}"
    return _resized(Frames(name, chosen, known, tuple(moments), pictures, read[0][1]), size)


def _turning(pictures: Pictures) -> Frames:
    frames = [frame.pixels for frame in rotating()]
    ends, middle = np.stack([frames[FIRST], frames[LAST]]), frames[MIDDLE][None]
    return Frames("turning_texture", ends, middle, (0.5,), pictures, pictures.container({}))


def _alike(frames: list[NDArray], names: Sequence[str], key: str) -> NDArray:
    """Stack frames of one size, channels and type.

    Raises:
        UserError: One is different from the first.
    """
    first = frames[0]
    for frame, name in zip(frames, names, strict=True):
        if frame.shape != first.shape or frame.dtype != first.dtype:
            raise UserError(
                f"{key}={name} is of {_told(frame)}, and {names[0]} of {_told(first)}: frames must be alike, so "
                "crop, scale or convert the files."
            )
        if frame.dtype.kind == "f" and not np.isfinite(frame).all():
            raise UserError(f"{key}={name} holds samples that are not finite: replace them.")
    return np.stack(frames)


def _told(frame: NDArray) -> str:
    kind = "floats" if frame.dtype.kind == "f" else f"{8 * frame.dtype.itemsize} bits"
    return f"{frame.shape[0]}×{frame.shape[1]} pixels with {frame.shape[2]} channels of {kind}"


def _named(paths: Any) -> list[str]:
    """The names of one file or several; one that looks like a number is read as one from the command line."""
    return list(map(str, paths)) if isinstance(paths, list | tuple) else [str(paths)]


def _typed(paths: Sequence[str]) -> str:
    return f"[{','.join(paths)}]"


def _resized(frames: Frames, size: int | None) -> Frames:
    """Frames whose longer side is `size`, bilinear with antialiasing, as floats."""
    if size is None or size == max(frames.shape[1:]):
        return frames
    target = [max(1, round(n * size / max(frames.shape[1:]))) for n in frames.shape[1:]]

    def small(samples: NDArray) -> NDArray:
        unit = (_values(samples) / 2 + 0.5).movedim(-1, 1)
        if not len(unit):
            return np.empty((0, *target, unit.shape[1]), np.float32)
        return interpolate(unit, target, mode="bilinear", antialias=True).movedim(1, -1).contiguous().numpy()

    return replace(frames, stored=small(frames.stored), references=small(frames.references))


def _values(samples: NDArray) -> Tensor:
    top = np.iinfo(samples.dtype).max if samples.dtype.kind == "u" else 1
    return torch.from_numpy(samples.astype(np.float32) / top * 2 - 1)
