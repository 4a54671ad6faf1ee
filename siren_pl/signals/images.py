"""Images as signals: read a file, crop it, resize it, bring its values to [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.signals.grid import Grid, PixelCentres
from siren_pl.signals.sampled import SampledSignal

Pixels = NDArray[np.float64]
Source = Callable[[], tuple[str, Pixels]]

# ITU-R BT.601 weights of red, green and blue, as PIL's mode L and the SIREN code use them.
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
) -> SampledSignal:
    """Read an image and prepare it as ground truth.

    Args:
        source: Returns a name and pixels (H, W, C) in [0, 1].
        crop: [top, left, height, width] in pixels of the file, applied first.
        size: Length of the longer side, or [height, width]; None keeps the file's.
        resize: Filter of the resize, antialiased: nearest, bilinear, bicubic or lanczos.
        grayscale: Reduce colour to luma (ITU-R BT.601).
        grid: Where pixels lie; pixel centres by default.
        heldout: Fraction of the pixels kept from training.
        seed: Seeds the choice of held-out pixels.

    Raises:
        UserError: The crop leaves the image, or a pixel is not finite.
    """
    name, pixels = source()
    if not np.isfinite(pixels).all():
        bad = int((~np.isfinite(pixels)).sum())
        raise UserError(f"{name} holds {bad} values that are NaN or infinite: repair the file or choose another.")
    if crop is not None:
        pixels = _crop(name, pixels, crop)
    if grayscale and pixels.shape[2] >= len(LUMA):
        pixels = (pixels[..., :3] @ LUMA)[..., None]
    if size is not None:
        pixels = resize_pixels(pixels, _target_size(pixels.shape, size), resize)
    values = torch.from_numpy(pixels * 2 - 1).float()
    return SampledSignal(values, name, grid or PixelCentres(), heldout, seed)


def bundled(name: str) -> Source:
    """An image that ships inside scikit-image, by name: camera, astronaut, coffee, chelsea.

    `camera` is scikit-image's own photograph since its version 0.18, not the cameraman of older papers.
    """

    def read() -> tuple[str, Pixels]:
        import skimage.data

        image = getattr(skimage.data, name, None)
        if image is None:
            raise UserError(f"dataset.source.name={name}: scikit-image bundles no image of that name; try camera.")
        return name, as_pixels(image())

    return read


def image_file(path: str | None) -> Source:
    """An image file of any format that Pillow reads, or a NumPy array (.npy) of values in [0, 1]."""

    def read() -> tuple[str, Pixels]:
        if path is None:
            raise UserError("dataset=image needs a file: add dataset.path=FILE.")
        return Path(path).stem, read_image(Path(path))

    return read


def read_image(path: Path) -> Pixels:
    """Pixels (H, W, C) in [0, 1] of a file, upright; palettes become colours, alpha stays a fourth channel.

    Raises:
        UserError: The file is missing, truncated, or not an image.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise UserError(f"dataset.path={path} does not exist (or is not a file): check the path.")
    if path.suffix == ".npy":
        return _read_array(path)
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            image.load()
    except UnidentifiedImageError as error:
        raise UserError(f"dataset.path={path} is not an image that Pillow can read: convert it to PNG.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"dataset.path={path} is damaged or truncated ({error}): fetch or export it again.") from error
    if image.mode in ("P", "PA", "LA", "RGBa", "CMYK", "YCbCr", "HSV", "LAB"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode in ("PA", "LA", "RGBa") else "RGB")
    if image.mode == "1":
        image = image.convert("L")
    return as_pixels(np.asarray(image))


def _read_array(path: Path) -> Pixels:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"dataset.path={path} is not a readable .npy array ({error}): save it again.") from error
    if values.ndim not in (2, 3) or values.dtype.kind not in "uif":
        raise UserError(f"dataset.path={path} must hold numbers of shape (H, W) or (H, W, C), not {values.shape}.")
    if values.size == 0 or values.dtype.kind == "i":
        raise UserError(f"dataset.path={path} must hold samples, as unsigned integers or floats in [0, 1].")
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values.min() < 0 or values.max() > 1):
        raise UserError(f"dataset.path={path} holds floats outside [0, 1]: scale them, or store unsigned integers.")
    return as_pixels(values)


def as_pixels(array: NDArray) -> Pixels:
    """Bring an array (H, W) or (H, W, C) to float64 (H, W, C) in [0, 1]; integers are divided by their maximum.

    Pillow reads 16-bit grey as 32-bit integers ("I"), so signed integers count as 16 bits.
    """
    array = np.atleast_3d(array)
    if array.dtype == bool or array.dtype.kind == "f":
        return array.astype(np.float64)
    return array / float(np.iinfo(array.dtype if array.dtype.kind == "u" else np.uint16).max)


def resize_pixels(pixels: Pixels, size: tuple[int, int], resize: str = "bilinear") -> Pixels:
    """Resize (H, W, C) to (height, width) with Pillow's antialiased filters, in 32-bit float per channel."""
    from PIL import Image

    if pixels.shape[:2] == size:
        return pixels
    resample = Image.Resampling[resize.upper()]
    channels = [
        Image.fromarray(channel.astype(np.float32)).resize((size[1], size[0]), resample)
        for channel in np.moveaxis(pixels, -1, 0)
    ]
    return np.stack([np.asarray(channel, dtype=np.float64) for channel in channels], axis=-1).clip(0, 1)


def to_unit(values: Tensor) -> Pixels:
    """Map field values from [-1, 1] to [0, 1] and clip what overshoots; float64."""
    return (values.detach().double().cpu().numpy() / 2 + 0.5).clip(0, 1)


def _crop(name: str, pixels: Pixels, crop: Sequence[int]) -> Pixels:
    top, left, height, width = crop
    if min(top, left) < 0 or min(height, width) < 1 or top + height > pixels.shape[0] or left + width > pixels.shape[1]:
        raise UserError(
            f"dataset.crop={list(crop)} ([top, left, height, width]) leaves {name}, "
            f"which has {pixels.shape[0]} rows and {pixels.shape[1]} columns: choose a smaller crop."
        )
    return pixels[top : top + height, left : left + width]


def _target_size(shape: tuple[int, ...], size: int | Sequence[int]) -> tuple[int, int]:
    if not isinstance(size, int):
        return int(size[0]), int(size[1])
    scale = size / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
