"""Enlarged windows of a field where the image has most detail, beside what it was fitted to and the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.pictures.editing.edits import Edit
from siren_pl.problems.pictures.figures import Zoom
from siren_pl.problems.pictures.images import as_pixels
from siren_pl.problems.pictures.judging.restorations import data_on_grid, is_restoration, measured
from siren_pl.problems.pictures.windows import Window, bicubic, busiest, detail, divided, nearest
from siren_pl.problems.sampled.judge import SampledJudge
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.scores import keep
from siren_pl.problems.sampled.signal import SampledSignal

# Images with fewer samples along a side have no windows; other figures show them whole.
SMALLEST = 32
# A window's sides are 1 / FRACTION of the image's, at most MOST_SAMPLES: two windows are rendered at once.
FRACTION, MOST_SAMPLES = 4, 32
WINDOWS, ENLARGED = 2, 4
# An image with more samples along a side is thinned out before detail is sought.
LOOKED_AT = 512
# The most pixels along a side of a figure's panel; a larger window is rendered again with fewer.
MOST_DRAWN = 1024


def thumbnail(signal: SampledSignal, most: int) -> tuple[NDArray[np.float64], int]:
    """An image thinned out to at most `most` pixels a side, (H, W, C) in [0, 1], and the step between them."""
    step = -(-max(signal.shape) // most)
    return to_unit(decoded(signal.stored[::step, ::step])), step


def chosen(signal: SampledSignal, most: int = MOST_SAMPLES) -> list[Window]:
    """The windows with most detail, of at most `most` samples a side, enlarged four times; none for a small image."""
    if min(signal.shape) < SMALLEST:
        return []
    pixels, step = thumbnail(signal, LOOKED_AT)
    # Drop the last pixels if fewer than `step` samples follow them.
    pixels = pixels[: signal.shape[0] // step, : signal.shape[1] // step]
    if min(pixels.shape[:2]) < 2:  # noqa: PLR2004 - neighbours that differ
        return []
    sides = [max(1, min(n // FRACTION, most) // step) for n in signal.shape]
    found = []
    for rows, columns in busiest(detail(pixels), (sides[0], sides[1]), WINDOWS):
        rectangle = [step * number for number in (rows.start, columns.start, *sides)]
        found.append(divided(rectangle, [ENLARGED * n for n in rectangle[2:]], signal))
    return found


def beside(judge: SampledJudge, window: Window, render: Callable[[Window], NDArray]) -> Zoom:
    """The same window of what the field was fitted to, of the field, and of what it is compared with.

    A restoration is shown between the measurement and the truth, if that is known; a field of samples beside their
    enlargement; and a field that was given derivatives, and so saw no samples, beside the truth.

    Args:
        judge: The image's judge, which says how the field was scored.
        window: The window; it is drawn with fewer pixels if it has more than a panel shows.
        render: Renders the field's picture in a window.
    """
    signal = judge.signal
    top, left, bottom, right = window.box
    scales = [f"{n / span:.3g}×" for n, span in zip(window.size, (bottom - top, right - left), strict=True)]
    magnification = scales[0] if scales[0] == scales[1] else f"{scales[0]} rows, {scales[1]} columns"
    factor = min(1.0, MOST_DRAWN / max(window.size))
    window = replace(window, size=tuple(max(1, round(n * factor)) for n in window.size))
    field = (f"field, {magnification}", as_pixels(render(window)))
    if not signal.has_truth or is_restoration(judge):
        truth = [(f"{name_of_truth(signal)} (nearest)", nearest(signal, window))] if signal.has_truth else []
        return Zoom(window.box, [_measured(signal, window), field, *_data_enlarged(signal, window), *truth])
    name = "samples" if judge.align is keep and signal.is_plain else name_of_truth(signal)
    enlarged = (f"bicubic of the {name}, {magnification}", bicubic(signal, window))
    return Zoom(window.box, [(f"{name} (nearest)", nearest(signal, window)), field, enlarged])


def name_of_truth(signal: SampledSignal) -> str:
    """The name in figures of what a field is scored against; a composition of pictures has no other truth."""
    return "direct solution" if isinstance(signal.observation, Edit) else "truth"


def _measured(signal: SampledSignal, window: Window) -> tuple[str, NDArray[np.float64]]:
    """A panel of the data laid out on the grid, with unmeasured places marked."""
    rows, columns = (place.long() for place in window.places())
    return "measured (nearest)", measured(signal, data_on_grid(signal), (rows[:, None], columns))


def _data_enlarged(signal: SampledSignal, window: Window) -> list[tuple[str, NDArray[np.float64]]]:
    """A panel of the data enlarged to a window, if the data are a picture of their own."""
    data = signal.measured
    if data.dim() != signal.stored.dim():
        return []
    (rows, columns), (height, width) = signal.shape, data.shape[:2]
    top, left, bottom, right = window.box
    box = (top * height / rows, left * width / columns, bottom * height / rows, right * width / columns)
    return [("bicubic of the measured", bicubic(SampledSignal(data, signal.name), replace(window, box=box)))]
