"""Images as signals: take a source's samples, crop and resize them, and define the values in [-1, 1] that they mean.

Samples of 8 or 16 bits are stored unchanged unless something is computed from them; floats are made band by band.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.pictures.containers import Container, container_of
from siren_pl.problems.pictures.files import BAND, read_picture
from siren_pl.problems.pictures.room import require_room
from siren_pl.problems.pictures.scores import IMAGE_AXES
from siren_pl.problems.sampled.grid import Grid, PixelCentres
from siren_pl.problems.sampled.levels import Pixels
from siren_pl.problems.sampled.measuring import measured_by
from siren_pl.problems.sampled.observations import Everything
from siren_pl.problems.sampled.observations.withheld import withheld
from siren_pl.problems.sampled.signal import SampledSignal

# A source returns a name and samples (H, W, C): unsigned integers, whose whole range represents [0, 1], or floats in
# [0, 1]. It may also return the container of the samples, so that results are written in the same format.
Source = Callable[[], tuple[str, NDArray] | tuple[str, NDArray, Container]]

# The images in scikit-image's own package. Its other names need a download, or are not images.
BUNDLED = ("astronaut", "brick", "camera", "cat", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass")
BUNDLED += ("gravel", "horse", "hubble_deep_field", "immunohistochemistry", "logo", "microaneurysms", "moon", "page")
BUNDLED += ("retina", "rocket", "shepp_logan_phantom", "text")

# ITU-R BT.601 weights of red, green and blue, as in PIL's mode L and in the SIREN code.
LUMA = np.array([0.299, 0.587, 0.114])


def image_signal(
    source: Source,
    crop: Sequence[int] | None = None,
    size: int | Sequence[int] | None = None,
    resize: str = "bilinear",
    grayscale: bool = False,
    grid: Grid | None = None,
    heldout: float = 0.0,
    seed: int = 0,
    stride: int | Sequence[int] = 1,
    degrade: bool = True,
    reference: str | None = None,
) -> SampledSignal:
    """Read an image and prepare it as ground truth, or as a measurement of an unknown image.

    Args:
        source: Returns a name, samples (H, W, C), which are unsigned integers or floats in [0, 1], and a container.
        crop: [top, left, height, width] in pixels of the file, applied first.
        size: Length of the longer side, or [height, width]; None keeps the file's size.
        resize: Filter for resizing, antialiased: nearest, bilinear, bicubic or lanczos.
        grayscale: Whether to reduce colour to luma (ITU-R BT.601).
        grid: The places of pixels; pixel centres by default.
        heldout: Fraction of the pixels to withhold from training.
        seed: Seeds the choice of held-out pixels.
        stride: Keep only every `stride`-th pixel along each axis for training, and hold the others out; [2, 1] keeps
            every other row.
        degrade: Whether to measure the picture; False if the picture is already a measurement.
        reference: File of the truth, if the picture is a measurement.

    Raises:
        UserError: The crop leaves the image, a pixel is not finite, or two options contradict each other.
    """
    kept, place = withheld(heldout, seed, stride, IMAGE_AXES), grid or PixelCentres()
    name, samples, *said = source()
    container = said[0] if said else container_of(samples)
    samples = _prepared(name, samples, crop, size, resize, grayscale)
    data = stored(samples)
    if degrade and reference is None:
        return SampledSignal(data, name, place, kept, container=container)
    truth = data
    if reference is not None:
        wanted = read_picture(Path(reference), "dataset.reference")[0]
        truth = stored(_prepared(reference, wanted, None, None, resize, grayscale))
    if samples.shape[2] != truth.shape[2]:
        raise UserError(
            f"dataset.reference={reference} has {truth.shape[2]} channels and the measured picture "
            f"{samples.shape[2]}: save both alike, or set dataset.grayscale=true."
        )
    given = SampledSignal(truth, name, place, data=data, has_truth=reference is not None, container=container)
    return given if isinstance(kept, Everything) else measured_by(given, kept)


def _prepared(
    name: str,
    samples: NDArray,
    crop: Sequence[int] | None,
    size: int | Sequence[int] | None,
    resize: str,
    grayscale: bool,
) -> NDArray:
    """Crop the samples of a picture, reduce them to grey and resize them as asked, to (h, w, c)."""
    _require_finite(name, samples)
    if crop is not None:
        samples = _crop(name, samples, crop)
    if grayscale and samples.shape[2] >= len(LUMA):
        samples = luma(samples)
    if size is not None:
        target = _target_size(samples.shape, size)
        require_room(target, samples, size)
        samples = resize_pixels(samples, target, resize)
    return samples


def stored(samples: NDArray) -> Tensor:
    """Convert samples (H, W, C) to what signals store: 8 and 16 bits without copying, others as float32 in [-1, 1]."""
    if samples.dtype in (np.uint8, np.uint16):
        # Tensors need contiguous, writable memory; arrays that have it are not copied.
        return torch.from_numpy(np.require(samples, requirements=["C", "W"]))
    values = torch.empty(samples.shape)
    for band in _bands(samples):
        values[band] = torch.from_numpy(as_pixels(samples[band]) * 2 - 1).float()
    return values


def luma(samples: NDArray) -> Pixels:
    """The luma (H, W, 1), in [0, 1], of colour samples."""
    grey = np.empty((*samples.shape[:2], 1))
    for band in _bands(samples):
        grey[band] = (as_pixels(samples[band])[..., :3] @ LUMA)[..., None]
    return grey


def _bands(samples: NDArray) -> Iterator[slice]:
    return (slice(top, top + BAND) for top in range(0, len(samples), BAND))


def _require_finite(name: str, samples: NDArray) -> None:
    if samples.dtype.kind != "f":
        return
    bad = sum(int((~np.isfinite(samples[band])).sum()) for band in _bands(samples))
    if bad:
        raise UserError(f"{name} holds {bad} values that are NaN or infinite: repair the file or choose another.")


def bundled(name: str) -> Source:
    """An image that ships with scikit-image, by its name in `BUNDLED`.

    Since scikit-image 0.18, `camera` is a photograph of its own, not the cameraman of older papers.

    Raises:
        UserError: There is no such image.
    """
    if name not in BUNDLED:
        raise UserError(
            f"dataset.signal.source.name={name}: scikit-image ships none of that name, but {', '.join(BUNDLED)}."
        )
    import skimage.data

    return lambda: (name, as_pixels(getattr(skimage.data, name)()))


def image_file(path: str | None) -> Source:
    """An image file of any format that Pillow reads, or a NumPy array (.npy) of integers or of floats in [0, 1]."""

    def read() -> tuple[str, NDArray, Container]:
        if path is None:
            raise UserError("dataset=image needs a file: add dataset.path=FILE.")
        return Path(path).stem, *read_picture(Path(path))

    return read


def read_image(path: Path) -> Pixels:
    """Read the pixels (H, W, C) of a file, in [0, 1] and upright; palettes become colours, alpha is a fourth channel.

    Raises:
        UserError: The file is missing, truncated, or not an image.
    """
    return as_pixels(read_picture(path)[0])


def as_pixels(array: NDArray) -> Pixels:
    """Convert an array (H, W) or (H, W, C) to float64 (H, W, C) in [0, 1]; integers are divided by their maximum.

    Pillow reads 16-bit grey as 32-bit integers ("I"), so signed integers are taken to have 16 bits.
    """
    array = np.atleast_3d(array)
    if array.dtype == bool or array.dtype.kind == "f":
        return array.astype(np.float64)
    return array / float(np.iinfo(array.dtype if array.dtype.kind == "u" else np.uint16).max)


def resize_pixels(
    samples: NDArray,
    size: tuple[int, int],
    resize: str = "bilinear",
    box: tuple[float, float, float, float] | None = None,
) -> NDArray:
    """Resize samples (H, W, C) to (height, width) with Pillow's antialiased filters, in 32-bit float per channel.

    Samples that already have this size are returned unchanged, others as float64 in [0, 1]. With a box (left, top,
    right, bottom), a part of them is resized, of which the edges may lie anywhere.
    """
    from PIL import Image

    if samples.shape[:2] == size and box is None:
        return samples
    resample = Image.Resampling[resize.upper()]
    channels = [
        Image.fromarray(as_pixels(channel)[..., 0].astype(np.float32)).resize((size[1], size[0]), resample, box)
        for channel in np.moveaxis(samples, -1, 0)
    ]
    return np.stack([np.asarray(channel, dtype=np.float64) for channel in channels], axis=-1).clip(0, 1)


def _crop(name: str, samples: NDArray, crop: Sequence[int]) -> NDArray:
    top, left, height, width = crop
    if (
        min(top, left) < 0
        or min(height, width) < 1
        or top + height > samples.shape[0]
        or left + width > samples.shape[1]
    ):
        raise UserError(
            f"dataset.crop={list(crop)} ([top, left, height, width]) leaves {name}, "
            f"which has {samples.shape[0]} rows and {samples.shape[1]} columns: choose a smaller crop."
        )
    return samples[top : top + height, left : left + width]


def _target_size(shape: tuple[int, ...], size: int | Sequence[int]) -> tuple[int, int]:
    if not isinstance(size, int):
        return int(size[0]), int(size[1])
    scale = size / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
