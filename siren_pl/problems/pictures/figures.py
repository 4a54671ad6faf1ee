"""Figures that show the target, the field's result and where they differ."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siren_pl.plots import PANEL, save, subplots

Array = NDArray[np.float64]
# Top, left, bottom and right edge, in pixels.
Box = tuple[float, float, float, float]

# Inches of a panel's height that its title and labels take.
LABELS = 0.6
# Characters per line of a note, which is as wide as a panel.
NOTE_WIDTH = 34
# Panels in a row of `panels`: as many as stay readable in a README.
PANELS_IN_A_ROW = 4
# The percentile that sets the colour range of maps, so that one outlier does not wash out the rest.
RANGE_PERCENTILE = 99.5
# Numbers of channels with alpha in picture files: grey and alpha, colour and alpha.
WITH_ALPHA = (2, 4)
# The colour where nothing was measured: a magenta that is rare in photographs.
UNKNOWN = (0.80, 0.20, 0.75)


def draw_pixels(axes: Any, pixels: Array, **options: Any) -> None:
    """Draw pixels (H, W, C) in [0, 1]: grey or colour, with alpha over white, or the first three of more channels."""
    shown = opaque(pixels)
    colours = {"cmap": "gray", "vmin": 0, "vmax": 1} if shown.shape[-1] == 1 else {}
    axes.imshow(shown[..., 0] if colours else shown, interpolation="nearest", **colours, **options)


def opaque(pixels: Array) -> Array:
    """Pixels (H, W, 1) or (H, W, 3) made from pixels (H, W, C); the last of 2 or 4 channels is alpha, over white."""
    channels = pixels.shape[-1]
    if channels not in WITH_ALPHA:
        return pixels[..., :3]
    alpha = pixels[..., -1:]
    return pixels[..., :-1] * alpha + (1 - alpha)


def with_unknown(pixels: Array, known: NDArray[np.bool_]) -> Array:
    """Pixels (H, W, C) as they are drawn: (H, W, 3), with `UNKNOWN` where `known` (H, W) is false."""
    return np.where(known[..., None], opaque(pixels), UNKNOWN)


def frame(axes: Any, box: Box, colour: str, width: float) -> None:
    """Draw the outline of a part of a picture, in the units of the axes."""
    from matplotlib.patches import Rectangle

    top, left, bottom, right = box
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=width))


def _show(axes: Any, pixels: Array, title: str, step: int = 1) -> None:
    draw_pixels(axes, pixels)
    _label(axes, title, step)


def _map(axes: Any, values: Array, title: str, limit: float, signed: bool = True, step: int = 1) -> None:
    image = _draw_map(axes, values, limit, signed)
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    _label(axes, title, step)


def _draw_map(axes: Any, values: Array, limit: float, signed: bool) -> Any:
    """Draw numbers (H, W) as colours up to a limit, with NaN as unknown."""
    from matplotlib import colormaps

    colours = colormaps["RdBu_r" if signed else "magma"].with_extremes(bad=UNKNOWN)
    return axes.imshow(values, cmap=colours, vmin=-limit if signed else 0, vmax=limit, interpolation="nearest")


def _range_of(values: Array) -> float:
    """The limit of a map's colours, nearly its largest magnitude; values (H, W) are NaN where they are not known."""
    return float(np.nanpercentile(np.abs(values), RANGE_PERCENTILE)) or 1.0


def _aspect(height: float, width: float) -> float:
    """Height over width of a panel for a picture of these sides, limited so that it is neither a tower nor a strip."""
    return min(1.2, max(0.5, height / width))


def _height(height: float, width: float) -> float:
    """Height in inches of a panel for a picture of these sides, labels included."""
    return (PANEL - LABELS) * _aspect(height, width) + LABELS


def _label(axes: Any, title: str, step: int = 1) -> None:
    unit = "pixels" if step == 1 else f"one in {step} pixels"
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(f"column ({unit})", fontsize=8)
    axes.set_ylabel(f"row ({unit})", fontsize=8)
    axes.tick_params(labelsize=7)


class Given(NamedTuple):
    """A derivative that a field was given instead of the picture, and the field's own derivative.

    Attributes:
        name: Its name and unit.
        target: Channel mean of what was given (H, W), NaN where nothing was.
        found: Channel mean of the field's, likewise.
    """

    name: str
    target: Array
    found: Array


def reconstruction(
    truth: tuple[str, Array],
    results: Sequence[tuple[str, Array]],
    path: Path,
    step: int = 1,
    given: Sequence[Given] = (),
    notes: Sequence[str] = (),
) -> Path:
    """Draw the truth once, and beside it each result above its absolute error; all errors share one colour scale.

    Args:
        truth: Title and pixels (H, W, C) in [0, 1].
        results: Titles and pixels; the field, which comes first, sets the scale of the errors.
        path: The file to write.
        step: These are every `step`-th pixels of a larger picture, which a label then says.
        given: Derivatives that the field was given, shown first, above the field's own.
        notes: Paragraphs beneath the truth.
    """
    columns = len(given) + 1 + len(results)
    # Two rows of panels stay readable when a third more of them share the width.
    height, width = _height(*truth[1].shape[:2]), PANEL * 3 / 4 if columns > 3 else PANEL  # noqa: PLR2004
    figure, axes = subplots(2, columns, height * width / PANEL)
    figure.set_figwidth(width * columns)
    for line, derivative in zip(axes.T, given, strict=False):
        limit = _range_of(derivative.target)
        _draw_map(line[0], derivative.target, limit, signed=True)
        _label(line[0], f"given: {derivative.name}", step)
        _map(line[1], derivative.found, "the field's own", limit, step=step)
    shown = axes.T[len(given) :]
    _show(shown[0][0], truth[1], truth[0], step)
    shown[0][1].set_axis_off()
    paragraphs = "\n\n".join(textwrap.fill(note, NOTE_WIDTH) for note in notes)
    text = shown[0][1].text(0, 1, paragraphs, va="top", fontsize=8, parse_math=False)
    text.set_in_layout(False)
    errors = [np.abs(pixels - truth[1]).mean(-1) for _, pixels in results]
    # A step of 8 bits at least, so that a perfect field has a scale too.
    limit = max(float(np.percentile(errors[0], RANGE_PERCENTILE)), 1 / 255)
    for line, (title, pixels), error in zip(shown[1:], results, errors, strict=True):
        _show(line[0], pixels, title, step)
        _map(line[1], error, f"absolute error, mean {error.mean():.2g}", limit, signed=False, step=step)
    for panel in axes.flat:
        panel.label_outer()
    return save(figure, path)


def panels(pictures: Sequence[tuple[str, Array]], path: Path) -> Path:
    """Draw titles and pixels (H, W, C) in [0, 1], four to a row, and then the difference of the last two."""
    rows = -(-(len(pictures) + 1) // PANELS_IN_A_ROW)
    figure, axes = subplots(rows, PANELS_IN_A_ROW, _height(*pictures[0][1].shape[:2]))
    for panel in axes.flat[len(pictures) + 1 :]:
        panel.set_axis_off()
    for panel, (title, pixels) in zip(axes.flat, pictures, strict=False):
        _show(panel, pixels, title)
    error = np.abs(pictures[-1][1] - pictures[-2][1]).mean(-1)
    limit = max(float(np.percentile(error, RANGE_PERCENTILE)), 1 / 255)
    _map(axes.flat[len(pictures)], error, f"absolute error, mean {error.mean():.2g}", limit, signed=False)
    return save(figure, path)


class Zoom(NamedTuple):
    """A row of `zooms`.

    Attributes:
        box: Top, left, bottom and right edge of the window in samples; sample i covers [i, i + 1].
        panels: Titles and pixels (H, W, C) in [0, 1].
    """

    box: Box
    panels: Sequence[tuple[str, Array]]


def zooms(rows: Sequence[Zoom], path: Path) -> Path:
    """Draw windows of an image, one per row; the axes count the image's own pixels."""
    top, left, bottom, right = rows[0].box
    figure, axes = subplots(len(rows), max(len(row.panels) for row in rows), _height(bottom - top, right - left))
    for panels, row in zip(axes, rows, strict=True):
        # As in the other figures, a pixel's number marks its centre.
        top, left, bottom, right = (edge - 0.5 for edge in row.box)
        for panel, (title, pixels) in zip(panels, row.panels, strict=True):
            draw_pixels(panel, pixels, extent=(left, right, bottom, top))
            _label(panel, title)
    return save(figure, path)


class Pair(NamedTuple):
    """Two pictures (H, W, C) in [0, 1] on a contact sheet, with their titles."""

    left_title: str
    left: Array
    right_title: str
    right: Array


def contact_sheet(pairs: Sequence[Pair], path: Path) -> Path:
    """Draw pairs of pictures, two pairs to a row."""
    figure, axes = subplots(max(1, -(-len(pairs) // 2)), 4, PANEL * 0.8)
    for panel in axes.flat[2 * len(pairs) :]:
        panel.set_axis_off()
    for panels, pair in zip(axes.reshape(-1, 2), pairs, strict=False):
        _show(panels[0], pair.left, pair.left_title)
        _show(panels[1], pair.right, pair.right_title)
    return save(figure, path)


def derivatives(target: dict[str, Array], result: dict[str, Array], stencils: tuple[str, str], path: Path) -> Path:
    """Draw gradient (each axis) and Laplacian of target (by these stencils) and field, channel mean, in true units."""
    rows = [(f"∂/∂{name}", target["gradient"][axis], result["gradient"][axis]) for axis, name in enumerate("yx")]
    if "laplacian" in result:
        rows.append(("Laplacian", target["laplacian"], result["laplacian"]))
    shape = rows[0][1].shape
    figure, axes = subplots(len(rows), 3, PANEL * _aspect(*shape[:2]) * 0.9)
    for row, (name, wanted, found) in enumerate(rows):
        left, right = wanted.mean(-1), found.mean(-1)
        limit = _range_of(left)
        stencil = stencils[name == "Laplacian"]
        columns = ((f"target ({stencil})", left), ("field", right), ("difference", right - left))
        for column, (title, values) in enumerate(columns):
            _map(axes[row, column], values, f"{name}: {title}", limit)
    return save(figure, path)
