"""A figure with several pictures of one thing side by side, and the same windows beneath each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from siren_pl.plots import DPI, save
from siren_pl.problems.pictures.figures import Box, draw_pixels, frame

# Inches per picture: four are as wide as a README, so titles are not shrunk.
PANEL = 2.25
# Inches that two lines of titles take.
TITLES = 0.45
# Height over width of the flattest and the tallest panel.
FLATTEST, TALLEST = 0.3, 1.2
# Colours that mark windows; neither is the colour of unknown pixels.
FRAMES = ("tab:orange", "tab:cyan")


class Column(NamedTuple):
    """A picture and its windows.

    Attributes:
        title: The title above the picture.
        whole: The picture, possibly thinned out, (h, w, C) in [0, 1].
        parts: The pixels in each window, (rows, columns, C) in [0, 1].
    """

    title: str
    whole: NDArray[np.float64]
    parts: Sequence[NDArray[np.float64]]


def draw(columns: Sequence[Column], shape: Sequence[int], boxes: Sequence[Box], path: Path) -> Path:
    """Write the figure.

    Args:
        columns: The columns from left to right.
        shape: Rows and columns of the picture.
        boxes: Top, left, bottom and right edge of each window in samples; at most two windows.
        path: The file to write.
    """
    from matplotlib.figure import Figure

    sides = [(shape[0], shape[1]), *((bottom - top, right - left) for top, left, bottom, right in boxes)]
    aspects = [min(TALLEST, max(FLATTEST, height / width)) for height, width in sides]
    size = (PANEL * len(columns), PANEL * sum(aspects) + TITLES)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(len(sides), len(columns), squeeze=False, height_ratios=aspects)
    for line, column in zip(panels.T, columns, strict=True):
        draw_pixels(line[0], column.whole, extent=(0, shape[1], shape[0], 0))
        line[0].set_title(column.title, fontsize=10)
        for box, colour in zip(boxes, FRAMES, strict=False):
            frame(line[0], box, colour, 1.5)
        for panel, part, colour in zip(line[1:], column.parts, FRAMES, strict=False):
            draw_pixels(panel, part)
            panel.spines[:].set(edgecolor=colour, linewidth=2)
        for panel in line:
            panel.set(xticks=[], yticks=[])
    return save(figure, path)
