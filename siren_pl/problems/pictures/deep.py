"""Readers for colour of more than 8 bits per sample, which Pillow would reduce to 8 bits.

kornia_rs reads PNG, tifffile reads TIFF. Other files are left to Pillow, with a warning.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError

log = logging.getLogger(__name__)

# Pillow's names for the layout of 16-bit samples in a PNG file, and kornia_rs's names for such pictures.
PNG_MODES = {"RGB;16B": "rgb", "RGBA;16B": "rgba"}
# Tags of TIFF and EXIF.
BITS, ORIENTATION = 258, 0x0112
# Steps that turn the stored rows upright, by EXIF orientation: swap the axes, then reverse rows, then reverse columns.
UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def read_deep(path: Path, image: Any, key: str) -> NDArray | None:
    """Read a picture that Pillow has opened but would reduce to 8 bits.

    Args:
        path: The file.
        image: The picture as Pillow opened it.
        key: The option that named the file, for error messages.

    Returns:
        Samples (H, W, C), upright; None if Pillow would keep the depth, or no library here can.

    Raises:
        UserError: The file is damaged, or its compression needs another package.
    """
    form = _form(image)
    if image.format == "PNG" and form in PNG_MODES:
        samples = _with_key(_read_png(path, PNG_MODES[form], key), image.info.get("transparency"))
    elif _is_deep_tiff(image) and image.mode in ("RGB", "RGBA") and not form.startswith("RGBa"):
        # A fourth sample that is not declared as alpha is left out, as Pillow does.
        samples = read_tiff(path, key)[..., : len(image.mode)]
    else:
        if image.mode in ("RGB", "RGBA", "CMYK") and (";16" in form or _is_deep_tiff(image) or _is_deep_ppm(image)):
            log.warning("%s holds 16 bits a sample, read as 8: save it as 16-bit RGB or RGBA to keep them.", path)
        return None
    swap, rows, columns = UPRIGHT.get(image.getexif().get(ORIENTATION, 1), (False, False, False))
    samples = samples.swapaxes(0, 1) if swap else samples
    return samples[:: -1 if rows else 1, :: -1 if columns else 1]


def read_tiff(path: Path, key: str) -> NDArray:
    """Read the stored samples (H, W, C) of a TIFF file's first picture; grey with alpha becomes four channels.

    Raises:
        UserError: tifffile cannot read it.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            samples, axes = page.asarray(), page.axes
    except Exception as error:  # a damaged file may raise any exception
        raise UserError(
            f"{key}={path} is a TIFF file that cannot be read ({error}): it is damaged, or its compression needs the "
            "package imagecodecs. Export it again, uncompressed or as PNG."
        ) from error
    samples = np.atleast_3d(np.moveaxis(samples, 0, -1) if axes == "SYX" else samples)
    if samples.ndim != 3 or not samples.size:  # noqa: PLR2004 - rows, columns, channels
        raise UserError(f"{key}={path} holds no picture of rows and columns: choose another file.")
    return samples[..., [0, 0, 0, 1]] if samples.shape[-1] == 2 else samples  # noqa: PLR2004 - grey and alpha


def _read_png(path: Path, mode: str, key: str) -> NDArray[np.uint16]:
    import kornia_rs

    try:
        return np.asarray(kornia_rs.io.read_image_png_u16(str(path), mode))
    except Exception as error:  # kornia_rs raises nothing more specific
        raise UserError(f"{key}={path} is damaged or truncated ({error}): fetch or export it again.") from error


def _with_key(samples: NDArray[np.uint16], key: Any) -> NDArray[np.uint16]:
    """Add an alpha channel, which is zero at the one colour that a PNG may declare as transparent."""
    if key is None:
        return samples
    alpha = (samples != np.array(key)).any(-1, keepdims=True) * np.uint16(np.iinfo(np.uint16).max)
    return np.concatenate([samples, alpha.astype(np.uint16)], -1)


def _form(image: Any) -> str:
    """Pillow's name for the layout of a picture's samples in its file."""
    arguments = image.tile[0][3] if image.tile else ""
    form = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return form if isinstance(form, str) else ""


def _is_deep_tiff(image: Any) -> bool:
    bits = image.tag_v2.get(BITS, (1,)) if image.format == "TIFF" else (1,)
    return len(bits) > 1 and max(bits) > 8  # noqa: PLR2004 - bits of a byte


def _is_deep_ppm(image: Any) -> bool:
    # Pillow passes its PPM decoders a mode and the largest value of a sample.
    own = bool(image.tile) and image.tile[0][0] in ("ppm", "ppm_plain")
    return own and image.tile[0][3][1] > 255  # noqa: PLR2004 - of a byte
