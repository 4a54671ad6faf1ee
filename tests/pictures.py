"""Picture files that Pillow cannot write, encoded here from the PNG specification; and an ICC profile."""

from __future__ import annotations

import functools
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import ImageCms

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour types of the specification, by channels.
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(samples: np.ndarray, *extra: bytes) -> bytes:
    """A 16-bit PNG of samples (H, W, C); `extra` are chunks that stand before the pixels."""
    height, width, channels = samples.shape
    rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], 1)  # filter 0: none
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    pixels = zlib.compress(filtered.tobytes())
    return SIGNATURE + b"".join([chunk(b"IHDR", header), *extra, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])


def chunks(path: Path) -> dict[bytes, bytes]:
    """The chunks of a PNG file by name, each checked; pixels joined."""
    content, place, found = path.read_bytes(), len(SIGNATURE), {}
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        name, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", content, place + 8 + length) == (zlib.crc32(name + body),)
        found[name] = found.get(name, b"") + body
        place += 12 + length
    return found


@functools.cache  # it holds the time of its making
def profile() -> bytes:
    """littleCMS's sRGB profile, which is of the colour space RGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def grey_profile() -> bytes:
    """The same bytes under the name of grey: nothing here looks at more of a profile than its colour space."""
    return profile()[:16] + b"GRAY" + profile()[20:]
