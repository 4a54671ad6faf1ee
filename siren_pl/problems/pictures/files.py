"""Readers of image files, which return the stored samples without conversion, and with at most one additional copy.

An array (.npy) is mapped into memory: its samples are read from the file when they are first used, and the system may
drop them again. Only those that training uses stay in memory.
"""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.pictures.containers import Container
from siren_pl.problems.pictures.deep import read_deep, read_tiff
from siren_pl.problems.sampled.places import require_readable

# Rows of a decoded image to copy at a time: a few MB for large pictures.
BAND = 256
# The TIFF tag that says whether zero is black or white.
PHOTOMETRIC = 262


def read_picture(path: Path, key: str = "dataset.path") -> tuple[NDArray, Container]:
    """Read the samples (H, W, C) of an image file or array, upright, in the type that the file stores.

    Palettes become colours, alpha stays a fourth channel, one bit becomes eight, CMYK becomes RGB without its profile.
    Pillow warns of pictures above 89 million pixels, since a small file may unpack to a large picture. As the user
    named the file, it is read nevertheless. Pillow refuses pictures of twice that size, which are better mapped.

    Args:
        path: The file.
        key: The option that named it, for error messages.

    Returns:
        The samples and their container.

    Raises:
        UserError: The file is missing, truncated, not an image, too large to decode, or holds numbers out of range.
    """
    require_readable(path, key)
    samples, profile = (_map_array(path, key), None) if path.suffix == ".npy" else _decode(path, key)
    # Floats have more than 8 bits too.
    return samples, Container(8 if samples.dtype == np.uint8 else 16, profile, path)


def _decode(path: Path, key: str) -> tuple[NDArray, bytes | None]:
    """Read the samples (H, W, C) and the ICC profile of an image file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # These warnings are of damage, which also raises an error, or of metadata that is not read here.
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(path) as image:
                profile, samples = image.info.get("icc_profile"), read_deep(path, image, key)
                samples = _pillow_samples(image, key) if samples is None else samples
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{key}={path} is too large to decode ({error}): save its samples as a .npy array, which is mapped "
            "into memory instead of read."
        ) from error
    except UnidentifiedImageError as error:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise UserError(f"{key}={path} is not an image that Pillow can read: convert it to PNG.") from error
        samples, profile = read_tiff(path, key), None
    except (OSError, SyntaxError, ValueError, RuntimeError, EOFError) as error:
        raise UserError(f"{key}={path} is damaged or truncated ({error}): fetch or export it again.") from error
    return _in_range(samples, path, key), profile


def _pillow_samples(image: Any, key: str) -> NDArray:
    """Read the samples of an opened image, upright; all colours become RGB or, with transparency, RGBA."""
    from PIL import ImageOps

    if image.mode == "LAB":
        raise UserError(f"{key}={image.filename} stores Lab colours, which are not read: convert it to RGB.")
    # Pillow inverts 8-bit grey whose zero is white, but not 16-bit grey.
    inverted = image.mode.startswith("I;16") and image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == 0
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "La":  # grey times alpha
        image = image.convert("LA")
    if image.has_transparency_data and image.mode != "RGBA" and not image.mode.startswith("I"):
        image = image.convert("RGBA")
    elif image.mode in ("P", "CMYK", "RGBX", "YCbCr", "HSV"):
        image = image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    samples = _samples(image)
    return np.iinfo(np.uint16).max - samples if inverted else samples


def _in_range(samples: NDArray, path: Path, key: str) -> NDArray:
    """Convert samples to unsigned integers of 8 or 16 bits, or to floats in [0, 1]."""
    if samples.dtype.kind == "f":
        _require_unit(samples, path, key)
        return samples
    if samples.dtype.kind == "i":  # older versions of Pillow read all grey of more than 8 bits like this
        if samples.min() < 0 or samples.max() > np.iinfo(np.uint16).max:
            raise UserError(f"{key}={path} holds integers outside 0 … 65535: scale them to 16 bits.")
        return samples.astype(np.uint16)
    if samples.dtype.itemsize > np.dtype(np.uint16).itemsize:
        raise UserError(f"{key}={path} holds integers of {8 * samples.dtype.itemsize} bits: save it with 16.")
    return samples.astype(samples.dtype.newbyteorder("="), copy=False)


def _samples(image: Any) -> NDArray:
    """Copy a decoded image's samples (H, W, C) band by band, since NumPy would make two more copies in the process."""
    pixel = np.atleast_3d(np.asarray(image.crop((0, 0, 1, 1))))
    samples = np.empty((image.height, image.width, pixel.shape[2]), dtype=pixel.dtype)
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        samples[top:bottom] = np.atleast_3d(np.asarray(image.crop((0, top, image.width, bottom))))
    return samples


def _map_array(path: Path, key: str) -> NDArray:
    try:
        # The mapping is private, so that writing to the samples never changes the file.
        array = np.lib.format.open_memmap(path, mode="c")
    except Exception as error:  # a damaged header may raise any exception
        said = textwrap.shorten(str(error), 120)
        raise UserError(f"{key}={path} is not a readable .npy array ({said}): save it again.") from error
    if array.ndim not in (2, 3) or array.dtype.kind not in "uif":
        raise UserError(
            f"{key}={path} must hold numbers of shape (H, W) or (H, W, C), not {array.dtype} of shape {array.shape}."
        )
    if array.size == 0 or array.dtype.kind == "i":
        raise UserError(f"{key}={path} must hold samples, as unsigned integers or floats in [0, 1].")
    return np.atleast_3d(_in_range(array, path, key))


def _require_unit(samples: NDArray, path: Path, key: str) -> None:
    """Refuse floats outside [0, 1], except those that are not finite, which are checked later."""
    low, high = samples.min(), samples.max()
    if np.isfinite(low) and np.isfinite(high) and (low < 0 or high > 1):
        raise UserError(f"{key}={path} holds floats outside [0, 1]: scale them, or store unsigned integers.")
