"""Figures: their layout and saving, the curve of a fit, and a metric over a swept value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Inches per panel and dots per inch: three panels stay readable at the width of a README.
PANEL, DPI = 3.4, 110
# Margin around everything that is drawn, in inches.
MARGIN = 0.06


def subplots(rows: int, columns: int, height: float = PANEL) -> tuple[Any, Any]:
    """Make a figure with panels of this height in inches, and return it and its axes (rows, columns)."""
    from matplotlib.figure import Figure

    # "compressed" is the constrained layout for panels of fixed aspect ratio, such as pictures.
    figure = Figure(figsize=(PANEL * columns, height * rows), dpi=DPI, layout="compressed")
    return figure, figure.subplots(rows, columns, squeeze=False)


# Most letters of a name on an axis.
LONGEST = 24


def curve(history: Sequence[dict[str, float]], path: Path) -> Path:
    """Draw the loss and its terms over steps, and what was measured during the fit, if anything was."""
    scored = list(dict.fromkeys(name for row in history for name in row if name.startswith("eval/")))
    figure, axes = subplots(1, 1 + bool(scored))
    names = sorted({name for row in history for name in row if name.startswith("train/")})
    if len(names) == 2:  # noqa: PLR2004 - a single term is the loss
        names = ["train/loss"]
    for name in names:
        points = [(row["step"], row[name]) for row in history if name in row]
        axes[0, 0].plot(*zip(*points, strict=True), label=name.removeprefix("train/"), linewidth=1)
    axes[0, 0].set_yscale("log")
    axes[0, 0].set(xlabel="optimiser step", ylabel="loss", title="training loss")
    for name in scored:
        points = [(row["step"], row[name]) for row in history if name in row]
        label = name.removeprefix("eval/")
        axes[0, 1].plot(*zip(*points, strict=True), marker="o", markersize=3, label=label, linewidth=1)
        unit = "PSNR (dB)" if all(name.endswith("psnr") for name in scored) else ""
        axes[0, 1].set(xlabel="optimiser step", ylabel=unit, title="measured on the way")
    for panel in axes[0]:
        panel.grid(alpha=0.3)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=8)
    return save(figure, path)


def sweep(rows: Sequence[tuple[str, float]], key: str, metric: str, path: Path) -> Path:
    """Draw a metric over the swept value: a line if the values are numbers, bars if they are names."""
    figure, axes = subplots(1, 1, PANEL)
    figure.set_size_inches(PANEL * 1.8, PANEL)
    panel = axes[0, 0]
    try:
        points = sorted((float(value), score) for value, score in rows)
        panel.plot(*zip(*points, strict=True), marker="o")
        if points[0][0] > 0 and points[-1][0] / points[0][0] > 10:  # noqa: PLR2004 - more than a decade reads better on a log axis
            panel.set_xscale("log")
    except ValueError:
        places = {value: place for place, value in enumerate(dict.fromkeys(value for value, _ in rows))}
        panel.bar([places[value] for value, _ in rows], [score for _, score in rows])
        # Long names, such as paths, usually differ at the end.
        names = [value if len(value) <= LONGEST else f"…{value[-LONGEST:]}" for value in places]
        panel.set_xticks(range(len(places)), [name.replace("$", r"\$") for name in names])
        panel.tick_params(axis="x", labelrotation=30)
    panel.set(xlabel=key, ylabel=f"{metric} (dB)" if "psnr" in metric else metric, title=f"{metric} over {key}")
    panel.grid(alpha=0.3)
    return save(figure, path)


def literal(figure: Any) -> None:
    """Show titles, labels and legends literally, since a dollar sign in a file's name should not begin a formula."""
    texts = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    legends = filter(None, [*figure.legends, *(axes.get_legend() for axes in figure.axes)])
    for text in [*texts, *(text for legend in legends for text in legend.get_texts())]:
        text.set_parse_math(False)


def save(figure: Any, path: Path) -> Path:
    """Write everything that is drawn in a figure to a file, and create its directory if necessary."""
    literal(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One pass of the layout may leave labels beyond the edge, so the canvas is extended to include them.
    figure.savefig(path, bbox_inches="tight", pad_inches=MARGIN)
    return path


def pixels(figure: Any) -> NDArray:
    """A figure as a picture (H, W, 3), uint8, for a film."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    literal(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
