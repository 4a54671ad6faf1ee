"""Files that are good, and ways to spoil them; what is spoilt, and how, is drawn by a generator."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

SHAPE = (12, 16)


def _picture(mode: str, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    levels = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    Image.fromarray(levels).convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def _deep(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def _array(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, samples)
    return buffer.getvalue()


def _samples(kind: type, *channels: int) -> np.ndarray:
    unit = np.random.default_rng(1).random((*SHAPE, *channels))
    return unit.astype(kind) if np.issubdtype(kind, np.floating) else (unit * np.iinfo(kind).max).astype(kind)


def _deep_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_samples(np.uint16)).save(buffer, "png")
    return buffer.getvalue()


# Suffix and content; every mode and every depth that is read, and some that are not.
GOOD: dict[str, Callable[[], bytes]] = {
    "grey.png": lambda: _picture("L", "png"),
    "colour.png": lambda: _picture("RGB", "png"),
    "alpha.png": lambda: _picture("RGBA", "png"),
    "palette.png": lambda: _picture("P", "png"),
    "bits.png": lambda: _picture("1", "png"),
    "grey_alpha.png": lambda: _picture("LA", "png"),
    "deep.png": _deep_png,
    "grey.jpg": lambda: _picture("L", "jpeg"),
    "colour.jpg": lambda: _picture("RGB", "jpeg"),
    "ink.jpg": lambda: _picture("CMYK", "jpeg"),
    "colour.bmp": lambda: _picture("RGB", "bmp"),
    "colour.gif": lambda: _picture("P", "gif"),
    "colour.ppm": lambda: _picture("RGB", "ppm"),
    "colour.webp": lambda: _picture("RGB", "webp"),
    "lab.tif": lambda: _picture("LAB", "tiff"),
    "packed.tif": lambda: _picture("RGB", "tiff", compression="tiff_lzw"),
    "deep.tif": lambda: _deep(_samples(np.uint16, 3), photometric="rgb", compression="zlib"),
    "float.tif": lambda: _deep(_samples(np.float32)),
    "bytes.npy": lambda: _array(_samples(np.uint8)),
    "deep.npy": lambda: _array(_samples(np.uint16, 3)),
    "float.npy": lambda: _array(_samples(np.float32)),
    "wide.npy": lambda: _array(_samples(np.uint32)),
    "five.npy": lambda: _array(_samples(np.float64, 5)),
}


def truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def flipped(content: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30))):
        # Half of them near the beginning, where a header stands.
        place = rng.randrange(len(spoilt) if rng.random() < 0.5 else min(len(spoilt), 128))
        spoilt[place] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def overwritten(content: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(content)), rng.randrange(1, 65)
    return content[:start] + rng.choice((bytes(length), rng.randbytes(length))) + content[start + length :]


def lengthened(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + rng.randbytes(rng.randrange(1, 65)) + content[place:]


def cut_out(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.randrange(1, 65) :]


WAYS = (truncated, flipped, flipped, overwritten, lengthened, cut_out)


def spoil(path: Path, rng: random.Random) -> str:
    """Change a file's bytes; returns in words what was done."""
    way = rng.choice(WAYS)
    path.write_bytes(way(path.read_bytes(), rng) if path.stat().st_size else b"\0")
    return f"{path} {way.__name__}"


def good_file(rng: random.Random, stem: str = "") -> Path:
    """A sound picture or array in the working directory."""
    name = rng.choice(sorted(GOOD))
    path = Path(f"{stem}{name}")
    path.write_bytes(GOOD[name]())
    return path


def odd_file(rng: random.Random) -> tuple[Path, str]:
    """What stands where a picture should: spoilt, misnamed, empty, a folder, nothing, or of strange numbers."""
    kind = rng.choice(("spoilt",) * 8 + ("misnamed", "empty", "folder", "missing", "loop", "strange", "prose"))
    path = good_file(rng)
    if kind == "spoilt":
        return path, spoil(path, rng)
    if kind == "misnamed":
        path = path.rename(path.with_suffix(rng.choice((".png", ".npy", ".tif", ".jpg", ".txt", ""))))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "prose":
        path.write_text("no picture")
    elif kind == "strange":
        path = Path("strange.npy")
        np.save(path, _strange(rng))
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "loop":
            path.symlink_to(path)
    return path, f"{path} {kind}"


def _strange(rng: random.Random) -> np.ndarray:
    height, width = rng.choice(((0, 5), (1, 1), (1, 9), (5, 1), (4, 4), (7, 12)))
    kind = rng.choice(("nan", "inf", "negative", "large", "black", "white", "complex", "text", "bool", "int", "half"))
    unit = np.random.default_rng(rng.randrange(99)).random((height, width))
    if kind in ("nan", "inf"):
        unit[: height // 2] = float(kind)
        return unit
    return {
        "negative": -unit,
        "large": unit * 1e300,
        "black": unit * 0,
        "white": unit * 0 + 1,
        "complex": unit * 1j,
        "text": unit.astype("U4"),
        "bool": unit > 0.5,
        "int": (unit * 9).astype(int),
        "half": unit.astype(np.float16),
    }[kind]
