"""A field seen closely: windows of the image where most is to be seen, beside the samples and their enlargement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from siren_pl.figures import Zoom
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


def chosen(signal: SampledSignal) -> list[Window]:
    """The windows with most detail, enlarged four times; none of a small image."""
    if min(signal.shape) < SMALLEST:
        return []
    pixels, step = thumbnail(signal, LOOKED_AT)
    # Without the last ones, beyond which there are fewer than `step` samples.
    pixels = pixels[: signal.shape[0] // step, : signal.shape[1] // step]
    if min(pixels.shape[:2]) < 2:  # noqa: PLR2004 - neighbours that differ
        return []
    sides = [max(1, min(n // FRACTION, MOST_SAMPLES) // step) for n in signal.shape]
    found = []
    for rows, columns in busiest(detail(pixels), (sides[0], sides[1]), WINDOWS):
        rectangle = [step * number for number in (rows.start, columns.start, *sides)]
        found.append(divided(rectangle, [ENLARGED * n for n in rectangle[2:]], signal))
    return found


def beside(signal: SampledSignal, window: Window, render: Callable[[Window], NDArray]) -> Zoom:
    """A window of the samples, of the field and of the samples enlarged.

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
    panels = (
        ("samples (nearest)", nearest(signal, window)),
        (f"field, {magnification}", as_pixels(render(window))),
        (f"bicubic of the samples, {magnification}", bicubic(signal, window)),
    )
    return Zoom(window.box, panels)
