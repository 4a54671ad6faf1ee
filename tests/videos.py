"""Videos for tests, encoded here from planes that are computed by the standards' formulas."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siren_pl.problems.video.texture import value

# The weights of red and blue in luma: ITU-R BT.709, table 3.2, and BT.601, table 2.5.1; by their codes of ITU-T H.273.
LUMA = {1: (0.2126, 0.0722), 5: (0.299, 0.114)}
LIMITED, FULL = 1, 2


def texture(angle: float, side: int = 16, columns: int = 20) -> NDArray[np.uint8]:
    """A frame of the texture, turned by an angle."""
    rows = np.arange(side)[:, None] + 0.5 - side / 2
    return np.round(value(angle, rows, np.arange(columns)[None] + 0.5 - columns / 2) * 255).astype(np.uint8)


def turning(count: int = 8, step: float = 0.05, **size: int) -> list[NDArray[np.uint8]]:
    """Frames of the texture."""
    return [texture(step * number, **size) for number in range(count)]


def planes(pixels: NDArray, matrix: int, span: int) -> NDArray[np.uint8]:
    """Y'CbCr planes (3, H, W) of RGB (H, W, 3) of bytes, by BT.709 or BT.601, in limited or full range."""
    red, blue = LUMA[matrix]
    r, g, b = np.moveaxis(pixels / 255, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    chroma = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    if span == LIMITED:
        levels = [16 + 219 * y, *(128 + 224 * each for each in chroma)]
    else:
        levels = [255 * y, *(128 + 255 * each for each in chroma)]
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def encode(
    path: str,
    frames: Sequence[NDArray],
    matrix: int = 1,
    span: int = LIMITED,
    times: Sequence[float] | None = None,
    tagged: bool = True,
) -> Path:
    """Write frames as H.264 without loss, chroma at full size; at 25 frames a second, or at these times."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv444p", {"qp": "0", "bf": "0"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if tagged:
            stream.codec_context.colorspace, stream.codec_context.color_range = matrix, span
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(planes(pixels, matrix, span), format="yuv444p")
            frame.colorspace, frame.color_range = (matrix, span) if tagged else (2, 0)
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times[number] if times else number / 25))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Path(path)


def turned(path: Path, quarters: int) -> Path:
    """Set the flag of an MP4 that has players turn it clockwise: the matrix of its track (ISO 14496-12, 8.3.2)."""
    data, one = bytearray(path.read_bytes()), 1 << 16
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters % 4]
    start = data.index(b"tkhd") + 44
    data[start : start + 36] = struct.pack(
        ">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30
    )
    other = path.with_name("turned.mp4")
    other.write_bytes(data)
    return other


def pictures(folder: str, frames: Sequence[NDArray]) -> Path:
    """Write frames as 0.png, 1.png, …"""
    Path(folder).mkdir(parents=True)
    for number, pixels in enumerate(frames):
        Image.fromarray(pixels).save(Path(folder, f"{number}.png"))
    return Path(folder)
