"""The pictures for the cases, made from scikit-image's in a temporary folder, the same for both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

# The folder of pictures, relative to the directory of a case: on both sides, cases are two folders below its parent.
PICTURES = "../../pictures"
# Above 2^20 samples, tables keep samples as they are stored; above 2^23 numbers, a field is judged by slabs. The second
# picture exceeds both limits; since it has colour, it needs fewer points.
COMPACT_SIDE, SLABS_SIDE = 1100, 1680
# The factor between a picture and its small version for enlargement.
SCALE = 2


def make(folder: Path) -> None:
    """Write all pictures into a new folder."""
    (folder / "set").mkdir(parents=True)
    cat, face, grey = data.chelsea(), data.astronaut(), data.camera()
    _write(cat[60:252:4, 100:356:4], folder / "photo.png")  # 48 x 64, colour
    _write(cat[60:252:8, 100:356:8], folder / "small.png")
    _write(_words((48, 64)), folder / "mask.png")
    # 16-bit grey, of which more than 8 bits are used.
    _write(grey[::12, ::12].astype(np.uint16) * 257 + 31, folder / "deep.png")
    # Two pictures of one shape, which are trained together, and one that differs in shape and colour.
    _write(grey[100:260:5, 160:320:5], folder / "set" / "a.png")
    _write(grey[300:460:5, 240:400:5], folder / "set" / "b.png")
    _write(face[0:200:8, 150:310:8], folder / "set" / "c.png")
    np.save(folder / "compact.npy", _spread(grey, COMPACT_SIDE))
    large = _spread(face, SLABS_SIDE)
    np.save(folder / "slabs.npy", large)
    np.save(folder / "slabs_small.npy", large[::SCALE, ::SCALE])


def _write(pixels: NDArray, path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)


def _words(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask that is white at known pixels; bars and a block are missing."""
    known = np.full(shape, 255, dtype=np.uint8)
    known[6:10, 4:-4] = known[20:24, 8:40] = known[30:42, 44:56] = 0
    return known


def _spread(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Enlarge a picture by mirroring it at its edges."""
    room = [(0, side - picture.shape[0]), (0, side - picture.shape[1]), (0, 0)][: picture.ndim]
    return np.pad(picture, room, mode="symmetric")
