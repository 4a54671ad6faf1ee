"""Image files as the samples that they store: no conversion, and never more copies than one beside the decoder's own.

An array (.npy) is mapped: its samples are read from the file when they are first used, and the system may drop them
again. What stays of a signal in memory is then what training looks at.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError

# Rows of a decoded image copied at a time: a few MB at the widths of large pictures.
BAND = 256


def read_samples(path: Path) -> NDArray:
    """Samples (H, W, C) of an image file or array, upright, in the type that the file stores.

    Palettes become colours, alpha stays a fourth channel, one bit becomes eight. Pillow warns of pictures above 89
    million pixels, since a small file may unpack to a large picture; the user named this one, so it is read, but
    Pillow's refusal at twice that size stands: a picture so large is better mapped than decoded.

    Raises:
        UserError: The file is missing, truncated, not an image, or too large to decode.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise UserError(f"dataset.path={path} does not exist (or is not a file): check the path.")
    if path.suffix == ".npy":
        return _map_array(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                ImageOps.exif_transpose(image, in_place=True)
    except Image.DecompressionBombError as error:
        raise UserError(
            f"dataset.path={path} is too large to decode ({error}): save its samples as a .npy array, which is mapped "
            "into memory instead of read."
        ) from error
    except UnidentifiedImageError as error:
        raise UserError(f"dataset.path={path} is not an image that Pillow can read: convert it to PNG.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"dataset.path={path} is damaged or truncated ({error}): fetch or export it again.") from error
    if image.mode in ("P", "PA", "LA", "RGBa", "CMYK", "YCbCr", "HSV", "LAB"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode in ("PA", "LA", "RGBa") else "RGB")
    if image.mode == "1":
        image = image.convert("L")
    return _samples(image)


def _samples(image: Any) -> NDArray:
    """A decoded image's samples (H, W, C), band by band: NumPy's own way makes two copies more on the way."""
    pixel = np.atleast_3d(np.asarray(image.crop((0, 0, 1, 1))))
    samples = np.empty((image.height, image.width, pixel.shape[2]), dtype=pixel.dtype)
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        samples[top:bottom] = np.atleast_3d(np.asarray(image.crop((0, top, image.width, bottom))))
    return samples


def _map_array(path: Path) -> NDArray:
    try:
        # Mapped privately: whoever writes to the samples changes memory, never the file.
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"dataset.path={path} is not a readable .npy array ({error}): save it again.") from error
    if array.ndim not in (2, 3) or array.dtype.kind not in "uif":
        raise UserError(f"dataset.path={path} must hold numbers of shape (H, W) or (H, W, C), not {array.shape}.")
    if array.size == 0 or array.dtype.kind == "i":
        raise UserError(f"dataset.path={path} must hold samples, as unsigned integers or floats in [0, 1].")
    if array.dtype.kind == "f":
        low, high = array.min(), array.max()  # not finite if any sample is not; those are counted later
        if np.isfinite(low) and np.isfinite(high) and (low < 0 or high > 1):
            raise UserError(f"dataset.path={path} holds floats outside [0, 1]: scale them, or store unsigned integers.")
    return np.atleast_3d(array)
