"""Windows of an image: rectangles divided into pixels of any size, and the search for windows with most detail.

Places are measured in samples from the image's upper left corner: sample (i, j) covers [i, i + 1] × [j, j + 1], so its
centre is at (i + 1/2, j + 1/2). This is the convention of aligned resizing, in Pillow as in `PixelCentres`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.pictures.images import resize_pixels
from siren_pl.problems.sampled.levels import Pixels, decoded, to_unit
from siren_pl.problems.sampled.signal import SampledSignal

# Samples that Pillow's bicubic filter reads on each side of a place; more when it is widened to shrink a picture.
BICUBIC_REACH = 2


@dataclass(frozen=True)
class Window:
    """A rectangle of an image, divided into pixels.

    Attributes:
        box: Top, left, bottom and right edge, in samples.
        size: Numbers of rows and columns of pixels.
    """

    box: tuple[float, float, float, float]
    size: tuple[int, int]

    def places(self) -> list[Tensor]:
        """The centres of its rows and of its columns, in samples."""
        return [
            low + (torch.arange(count, dtype=torch.float64) + 0.5) * ((high - low) / count)
            for low, high, count in zip(self.box[:2], self.box[2:], self.size, strict=True)
        ]


def divided(rectangle: Sequence[float], size: int | Sequence[int], signal: SampledSignal) -> Window:
    """Divide a rectangle into a given number of pixels.

    Args:
        rectangle: [top, left, height, width] in samples, within the image.
        size: [rows, columns], or the number of pixels along the longer side.
        signal: The image.

    Raises:
        UserError: The rectangle leaves the image.
    """
    top, left, bottom, right = _edges(rectangle, signal)
    height, width = bottom - top, right - left
    if isinstance(size, int):
        factor = size / max(height, width)
        size = max(1, round(height * factor)), max(1, round(width * factor))
    return Window((top, left, bottom, right), (int(size[0]), int(size[1])))


def at_scale(rectangle: Sequence[float], scale: float, signal: SampledSignal) -> Window:
    """Find the pixels of the whole image at this scale whose centres lie in a rectangle [top, left, height, width].

    The window covers exactly these pixels, so its picture is a part of the whole image's picture.

    Raises:
        UserError: The rectangle leaves the image, or no pixel's centre lies in it.
    """
    edges, spans = _edges(rectangle, signal), []
    for low, high, samples in zip(edges[:2], edges[2:], signal.shape, strict=True):
        pixels = max(1, round(samples * scale))
        first, last = (math.ceil(edge * pixels / samples - 0.5) for edge in (low, high))
        if first >= last:
            raise UserError(
                f"window={_told(rectangle)} holds the centre of no pixel at scale={scale:g}: choose a larger one."
            )
        spans.append((first * samples / pixels, last * samples / pixels, last - first))
    (top, bottom, rows), (left, right, columns) = spans
    return Window((top, left, bottom, right), (rows, columns))


def _edges(rectangle: Sequence[float], signal: SampledSignal) -> tuple[float, float, float, float]:
    if signal.in_features != 2:  # noqa: PLR2004 - an image has rows and columns
        raise UserError(f"{signal.name} has {signal.in_features} axes: a window is of an image.")
    top, left, height, width = rectangle
    rows, columns = signal.shape
    inside = min(top, left) >= 0 and top + height <= rows and left + width <= columns
    if not inside or min(height, width) <= 0:
        raise UserError(
            f"window={_told(rectangle)} ([top,left,height,width]) does not lie within {signal.name}, "
            f"which has {rows} rows and {columns} columns: choose one that does."
        )
    return top, left, top + height, left + width


def _told(rectangle: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in rectangle)


def nearest(signal: SampledSignal, window: Window) -> Pixels:
    """Take the sample at the centre of each of a window's pixels: (rows, columns, C) in [0, 1]."""
    rows, columns = (place.long() for place in window.places())
    return to_unit(decoded(signal.stored[rows[:, None], columns]))


def bicubic(signal: SampledSignal, window: Window) -> Pixels:
    """Resize the samples to a window's pixels by Pillow's bicubic filter: (rows, columns, C) in [0, 1].

    Samples around the window count as well; if pixels are larger than samples, the filter is widened.
    """
    cut, box = [], []
    for low, high, count, samples in zip(window.box[:2], window.box[2:], window.size, signal.shape, strict=True):
        reach = math.ceil(BICUBIC_REACH * max(1.0, (high - low) / count)) + 1
        first = max(0, math.floor(low) - reach)
        cut.append(slice(first, min(samples, math.ceil(high) + reach)))
        box.append((low - first, high - first))
    (top, bottom), (left, right) = box
    return resize_pixels(
        to_unit(decoded(signal.stored[tuple(cut)])), window.size, "bicubic", (left, top, right, bottom)
    )


def detail(pixels: Pixels) -> NDArray[np.float64]:
    """Norm of the gradient of pixels (H, W, C) by differences of neighbours, averaged over the channels: (H, W)."""
    slopes = [np.gradient(pixels, axis=axis) for axis in (0, 1)]
    return np.sqrt(sum(slope**2 for slope in slopes)).mean(-1)


def busiest(detail: NDArray[np.float64], size: tuple[int, int], count: int = 1) -> list[tuple[slice, slice]]:
    """Find up to `count` windows of rows × columns with most detail, the busiest first, which do not overlap."""
    from scipy import ndimage

    height, width = size
    means = ndimage.uniform_filter1d(ndimage.uniform_filter1d(detail, height, 0), width, 1)
    inside = means[height // 2 : height // 2 + detail.shape[0] - height + 1]
    # Rows and columns are those of the window's upper left corner.
    inside = inside[:, width // 2 : width // 2 + detail.shape[1] - width + 1].copy()
    found = []
    while len(found) < count and np.isfinite(inside).any():
        top, left = (int(place) for place in np.unravel_index(int(inside.argmax()), inside.shape))
        found.append((slice(top, top + height), slice(left, left + width)))
        inside[max(0, top - height + 1) : top + height, max(0, left - width + 1) : left + width] = -np.inf
    return found
