"""A field seen closely: windows of the image where most is to be seen, beside the samples and their enlargement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from siren_pl.figures import Zoom, marked
from siren_pl.signals.images import as_pixels, to_unit
from siren_pl.signals.levels import decoded
from siren_pl.signals.sampled import SampledSignal
from siren_pl.signals.windows import Window, bicubic, busiest, detail, divided, nearest

# Images of fewer samples along a side are shown whole elsewhere.
SMALLEST = 32
# A window is this fraction of the image's sides, and at most so many samples: two of them are rendered at once.
FRACTION, MOST_SAMPLES = 4, 32
WINDOWS, ENLARGED = 2, 4
# Detail is looked for among every so many samples of an image with more along a side.
LOOKED_AT = 512
# Pixels along a side that a panel of a figure is drawn with at most; a larger window is rendered anew for it.
MOST_DRAWN = 1024


def thumbnail(signal: SampledSignal, most: int) -> tuple[NDArray[np.float64], int]:
    """Every so many samples of an image, pixels (H, W, C) in [0, 1] with at most `most` a side; and how many."""
    step = -(-max(signal.shape) // most)
    return to_unit(decoded(signal.stored[::step, ::step])), step


def chosen(signal: SampledSignal, most: int = MOST_SAMPLES) -> list[Window]:
    """The windows with most detail, of at most so many samples a side, enlarged four times; none of a small image."""
    if min(signal.shape) < SMALLEST:
        return []
    pixels, step = thumbnail(signal, LOOKED_AT)
    # Without the last ones, beyond which there are fewer than `step` samples.
    pixels = pixels[: signal.shape[0] // step, : signal.shape[1] // step]
    if min(pixels.shape[:2]) < 2:  # noqa: PLR2004 - neighbours that differ
        return []
    sides = [max(1, min(n // FRACTION, most) // step) for n in signal.shape]
    found = []
    for rows, columns in busiest(detail(pixels), (sides[0], sides[1]), WINDOWS):
        rectangle = [step * number for number in (rows.start, columns.start, *sides)]
        found.append(divided(rectangle, [ENLARGED * n for n in rectangle[2:]], signal))
    return found


def beside(signal: SampledSignal, window: Window, render: Callable[[Window], NDArray]) -> Zoom:
    """A window of the samples, of the field and of the samples enlarged; of the data where the truth is not known.

    Args:
        signal: The image.
        window: Drawn with fewer pixels where it has more than a panel shows.
        render: The field's picture in a window.
    """
    top, left, bottom, right = window.box
    scales = [f"{n / span:.3g}×" for n, span in zip(window.size, (bottom - top, right - left), strict=True)]
    magnification = scales[0] if scales[0] == scales[1] else f"{scales[0]} rows, {scales[1]} columns"
    factor = min(1.0, MOST_DRAWN / max(window.size))
    window = replace(window, size=tuple(max(1, round(n * factor)) for n in window.size))
    field = (f"field, {magnification}", as_pixels(render(window)))
    if not signal.known:
        enlarged = _data_enlarged(signal, window)
        return Zoom(window.box, [("data (nearest)", _data(signal, window)), field, *enlarged])
    enlarged = (f"bicubic of the samples, {magnification}", bicubic(signal, window))
    return Zoom(window.box, [("samples (nearest)", nearest(signal, window)), field, enlarged])


def _data(signal: SampledSignal, window: Window) -> NDArray[np.float64]:
    """The data in a window, where the truth is not known; what was not measured is marked."""
    pixels = nearest(signal, window)
    if not signal.has_gaps:
        return pixels
    rows, columns = (place.long() for place in window.places())
    return marked(pixels, signal.observed[rows[:, None], columns].numpy())


def _data_enlarged(signal: SampledSignal, window: Window) -> list[tuple[str, NDArray[np.float64]]]:
    """A panel of the data enlarged to a window, where they are a picture by themselves."""
    data = signal.data
    if data is None or data.dim() != signal.stored.dim():
        return []
    (rows, columns), (height, width) = signal.shape, data.shape[:2]
    top, left, bottom, right = window.box
    box = (top * height / rows, left * width / columns, bottom * height / rows, right * width / columns)
    return [("bicubic of the data", bicubic(SampledSignal(data, signal.name), replace(window, box=box)))]
