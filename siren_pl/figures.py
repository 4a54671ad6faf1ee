"""Figures for people: what the target was, what the field made of it, where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Inches per panel and dots per inch: three panels stay readable at the width of a README.
PANEL, DPI = 3.4, 110
# Inches of a panel that its title and labels take.
LABELS = 0.6
# Panels in a row of `panels`: as wide as a README shows readably.
PANELS_IN_A_ROW = 4
# Percentile that sets the colour range of signed maps, so that one outlier does not wash out the rest.
RANGE_PERCENTILE = 99.5
# Grey and alpha, colour and alpha, as picture files have them.
WITH_ALPHA = (2, 4)
# What is drawn where nothing was measured: a magenta that photographs hardly have.
UNKNOWN = (0.80, 0.20, 0.75)


def _subplots(rows: int, columns: int, height: float = PANEL) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PANEL * columns, height * rows), dpi=DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def draw_pixels(axes: Any, pixels: Array, **options: Any) -> None:
    """Draw pixels (H, W, C) in [0, 1]: grey, colour, either with alpha over white, or the first three of more."""
    shown = opaque(pixels)
    colours = {"cmap": "gray", "vmin": 0, "vmax": 1} if shown.shape[-1] == 1 else {}
    axes.imshow(shown[..., 0] if colours else shown, interpolation="nearest", **colours, **options)


def opaque(pixels: Array) -> Array:
    """Pixels (H, W, 1) or (H, W, 3) of pixels (H, W, C): of 2 and 4 channels the last is alpha, over white."""
    channels = pixels.shape[-1]
    if channels not in WITH_ALPHA:
        return pixels[..., :3]
    alpha = pixels[..., -1:]
    return pixels[..., :-1] * alpha + (1 - alpha)


def marked(pixels: Array, known: NDArray[np.bool_]) -> Array:
    """Pixels (H, W, C) as they are drawn, (H, W, 3) with `UNKNOWN` where `known` (H, W) says that nothing is."""
    return np.where(known[..., None], opaque(pixels), UNKNOWN)


def _show(axes: Any, pixels: Array, title: str, step: int = 1) -> None:
    draw_pixels(axes, pixels)
    _label(axes, title, step)


def _map(axes: Any, values: Array, title: str, limit: float, signed: bool = True, step: int = 1) -> None:
    colours = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "magma", "vmin": 0}
    image = axes.imshow(values, vmax=limit, interpolation="nearest", **colours)
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    _label(axes, title, step)


def _label(axes: Any, title: str, step: int = 1) -> None:
    unit = "pixels" if step == 1 else f"one in {step} pixels"
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(f"column ({unit})", fontsize=8)
    axes.set_ylabel(f"row ({unit})", fontsize=8)
    axes.tick_params(labelsize=7)


def reconstruction(target: Array, results: Sequence[tuple[str, Array]], path: Path, step: int = 1) -> Path:
    """For each (title, pixels) a row: target, result, absolute error on one scale; pixels (H, W, C) in [0, 1].

    `step` says that these are every so many pixels of a larger picture.
    """
    figure, axes = _subplots(len(results), 3, PANEL * min(1.2, max(0.5, target.shape[0] / target.shape[1])))
    errors = [np.abs(pixels - target).mean(-1) for _, pixels in results]
    # The field, which comes first, sets the scale; a perfect one is drawn against a step of 8 bits.
    limit = max(float(np.percentile(errors[0], RANGE_PERCENTILE)), 1 / 255)
    for row, ((title, pixels), error) in enumerate(zip(results, errors, strict=True)):
        _show(axes[row, 0], target, "target", step)
        _show(axes[row, 1], pixels, title, step)
        _map(axes[row, 2], error, f"absolute error, mean {error.mean():.2g}", limit, signed=False, step=step)
    return save(figure, path)


def panels(pictures: Sequence[tuple[str, Array]], path: Path) -> Path:
    """Titles and pixels (H, W, C) in [0, 1], four to a row; after them how far the last two lie apart."""
    rows = -(-(len(pictures) + 1) // PANELS_IN_A_ROW)
    first = pictures[0][1]
    aspect = min(1.2, max(0.5, first.shape[0] / first.shape[1]))
    figure, axes = _subplots(rows, PANELS_IN_A_ROW, (PANEL - LABELS) * aspect + LABELS)
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

    box: tuple[float, float, float, float]
    panels: Sequence[tuple[str, Array]]


def zooms(rows: Sequence[Zoom], path: Path) -> Path:
    """Windows of an image, a row each; the axes number the image's own pixels."""
    top, left, bottom, right = rows[0].box
    aspect = min(1.2, max(0.5, (bottom - top) / (right - left)))
    figure, axes = _subplots(len(rows), max(len(row.panels) for row in rows), (PANEL - LABELS) * aspect + LABELS)
    for panels, row in zip(axes, rows, strict=True):
        # As in the other figures, a pixel's number stands at its centre.
        top, left, bottom, right = (edge - 0.5 for edge in row.box)
        for panel, (title, pixels) in zip(panels, row.panels, strict=True):
            draw_pixels(panel, pixels, extent=(left, right, bottom, top))
            _label(panel, title)
    return save(figure, path)


class Pair(NamedTuple):
    """Two pictures (H, W, C) in [0, 1] on a contact sheet, under their titles."""

    left_title: str
    left: Array
    right_title: str
    right: Array


def contact_sheet(pairs: Sequence[Pair], path: Path) -> Path:
    """Several pairs of pictures, two pairs to a row."""
    figure, axes = _subplots(max(1, -(-len(pairs) // 2)), 4, PANEL * 0.8)
    for panel in axes.flat[2 * len(pairs) :]:
        panel.set_axis_off()
    for panels, pair in zip(axes.reshape(-1, 2), pairs, strict=False):
        _show(panels[0], pair.left, pair.left_title)
        _show(panels[1], pair.right, pair.right_title)
    return save(figure, path)


def derivatives(target: dict[str, Array], result: dict[str, Array], stencils: tuple[str, str], path: Path) -> Path:
    """Gradient (each axis) and Laplacian of target (by these stencils) and field, channel mean, in true units."""
    rows = [(f"∂/∂{name}", target["gradient"][axis], result["gradient"][axis]) for axis, name in enumerate("yx")]
    if "laplacian" in result:
        rows.append(("Laplacian", target["laplacian"], result["laplacian"]))
    shape = rows[0][1].shape
    figure, axes = _subplots(len(rows), 3, PANEL * min(1.2, max(0.5, shape[0] / shape[1])) * 0.9)
    for row, (name, wanted, found) in enumerate(rows):
        left, right = wanted.mean(-1), found.mean(-1)
        limit = float(np.percentile(np.abs(left), RANGE_PERCENTILE)) or 1.0
        stencil = stencils[name == "Laplacian"]
        for column, (title, values) in enumerate(
            ((f"target ({stencil})", left), ("field", right), ("difference", right - left))
        ):
            _map(axes[row, column], values, f"{name}: {title}", limit)
    return save(figure, path)


def curve(history: Sequence[dict[str, float]], path: Path) -> Path:
    """The loss, with its terms, over steps; and the PSNR measured on the way, if there is any."""
    scored = {"eval/psnr": "all samples", "eval/heldout_psnr": "held-out samples"}
    figure, axes = _subplots(1, 1 + any(name in row for row in history for name in scored))
    names = sorted({name for row in history for name in row if name.startswith("train/")})
    if len(names) == 2:  # noqa: PLR2004 - one term: it is the loss
        names = ["train/loss"]
    for name in names:
        points = [(row["step"], row[name]) for row in history if name in row]
        axes[0, 0].plot(*zip(*points, strict=True), label=name.removeprefix("train/"), linewidth=1)
    axes[0, 0].set_yscale("log")
    axes[0, 0].set(xlabel="optimiser step", ylabel="loss", title="training loss")
    for name, label in scored.items():
        points = [(row["step"], row[name]) for row in history if name in row]
        if points:
            axes[0, 1].plot(*zip(*points, strict=True), marker="o", markersize=3, label=label, linewidth=1)
            axes[0, 1].set(xlabel="optimiser step", ylabel="PSNR (dB)", title="reconstruction")
    for panel in axes[0]:
        panel.grid(alpha=0.3)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=8)
    return save(figure, path)


def sweep(rows: Sequence[tuple[str, float]], key: str, metric: str, path: Path) -> Path:
    """A metric against the swept value: a line where values are numbers, bars where they are names."""
    figure, axes = _subplots(1, 1, PANEL)
    figure.set_size_inches(PANEL * 1.8, PANEL)
    panel = axes[0, 0]
    try:
        points = sorted((float(value), score) for value, score in rows)
        panel.plot(*zip(*points, strict=True), marker="o")
        if points[0][0] > 0 and points[-1][0] / points[0][0] > 10:  # noqa: PLR2004 - more than a decade reads better on a log axis
            panel.set_xscale("log")
    except ValueError:
        panel.bar([value for value, _ in rows], [score for _, score in rows])
        panel.tick_params(axis="x", labelrotation=30)
    panel.set(xlabel=key, ylabel=f"{metric} (dB)" if "psnr" in metric else metric, title=f"{metric} over {key}")
    panel.grid(alpha=0.3)
    return save(figure, path)


def save(figure: Any, path: Path) -> Path:
    """Write a figure, and its directory if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
