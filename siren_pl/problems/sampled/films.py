"""Videos are written as MP4 that every browser plays, one frame after another, so that no video is held in memory.

H.264 of 8 bits with halved chroma (yuv420p), the index in front of the frames (faststart), sides that are even. Such a
file is for looking at: it is compressed, and limited range keeps 220 of 256 levels, so nothing is ever scored from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError

# Constant rate factor of x264: 18 is hard to tell from the original by eye, and the files stay small.
QUALITY = "18"
# ITU-T H.273: code 1 is BT.709 in the three places that describe colours, and range 1 is the limited one of broadcasts.
BT709, LIMITED = 1, 1
# Largest denominator of a rate: 30000/1001 frames a second is kept exactly.
FINEST_RATE = 1001
# H.264 with halved chroma needs sides that are multiples of this.
EVEN = 2


def write_mp4(frames: Iterable[NDArray], rate: float | Fraction, path: Path) -> Path:
    """Write frames as MP4.

    Args:
        frames: Pictures of one size, (H, W, 3) or (H, W, 1): uint8, or floats in [0, 1], which are clipped. A side of
            odd length is extended by its last pixel.
        rate: Frames per second.
        path: The file. It appears when it is complete; after an error nothing is left of it.

    Returns:
        The file.

    Raises:
        UserError: There is no frame, or their sizes differ.
    """
    import av

    partial = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream: Any = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(FINEST_RATE))
            size: tuple[int, ...] | None = None
            for pixels in frames:
                size = size or _begin(stream, pixels)
                if pixels.shape[:2] != size:
                    raise UserError(f"{path.name}: frames of {pixels.shape[:2]} and {size} rows and columns differ.")
                container.mux(stream.encode(_encoded(av, pixels)))
            if size is None:
                raise UserError(f"{path.name}: there is no frame to write.")
            container.mux(stream.encode(None))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _begin(stream: Any, pixels: NDArray) -> tuple[int, ...]:
    """Set a stream up for frames like this one; return their rows and columns."""
    size = pixels.shape[:2]
    stream.height, stream.width = (n + n % EVEN for n in size)
    stream.pix_fmt, stream.options = "yuv420p", {"crf": QUALITY}
    described = stream.codec_context
    described.colorspace = described.color_primaries = described.color_trc = BT709
    described.color_range = LIMITED
    return size


def _encoded(av: Any, pixels: NDArray) -> Any:
    """A frame in the colours of the stream."""
    levels = pixels if pixels.dtype == np.uint8 else np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    rows, columns, channels = levels.shape
    colours = np.repeat(levels, 3, axis=2) if channels == 1 else levels
    padded = np.pad(colours, ((0, rows % EVEN), (0, columns % EVEN), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED)
