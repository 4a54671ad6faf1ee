"""Diagrams for the width of a page: curves over steps, statistics of layers, and formulas."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from siren_pl.plots import literal
from siren_pl.report.blocks import Figure
from siren_pl.report.estimates import Estimate, estimate
from siren_pl.report.settings import Comparison, Setting

# Width of the text on an A4 page in inches, and dots per inch that print well.
PAGE_WIDTH, DPI = 6.7, 200
# Size of letters on axes and in legends, in points at page width: that of a caption.
LETTERS = 8
# Palettes by the number of lines whose hues they can distinguish; more lines are coloured along a scale.
HUES = {10: "tab10", 20: "tab20"}
# A legend's row: letters across the page, how many of them a line's mark takes, and the row's height in inches.
LINE, MARK, ENTRY = 105, 9, 0.17
LAYERS = {
    "input_std": "spread of the input",
    "preactivation_std": "spread of the output",
    "preactivation_high": "power above Nyquist / 2",
}
CURVES = (("eval/train_psnr", "training samples"), ("eval/heldout_psnr", "held-out samples"))


def sheet(rows: int, columns: int, height: float, ratios: Sequence[float] | None = None) -> tuple[Any, Any]:
    """An empty figure as wide as the page, and its axes (rows, columns); `ratios` are those of the rows' heights."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(PAGE_WIDTH, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, height_ratios=ratios)


def png(figure: Any, **options: Any) -> bytes:
    """A figure as the bytes of a PNG file."""
    literal(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()


def formula(text: str) -> bytes:
    """Typeset a formula with matplotlib, as the bytes of a PNG file."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(PAGE_WIDTH, 0.5), dpi=DPI)
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=11, math_fontfamily="stix")
    return png(figure)


def curves(comparison: Comparison) -> Figure | None:
    """Draw PSNR over steps for every setting, on training and held-out samples; None if no run kept a curve."""
    seen = [pair for pair in CURVES if any(averaged(row, pair[0]) for row in comparison.settings)]
    if len(seen) < len(CURVES):
        seen = [("eval/psnr", "all samples")]
    if not any(averaged(row, seen[0][0]) for row in comparison.settings):
        return None
    figure, axes = sheet(1, len(seen), 2.3)
    for panel, (name, title) in zip(axes[0], seen, strict=True):
        for row, colour in zip(comparison.settings, colours(len(comparison.settings)), strict=True):
            if curve := averaged(row, name):
                steps, means = [step for step, _ in curve], np.array([mean.mean for _, mean in curve])
                errors = np.array([mean.error or 0.0 for _, mean in curve])
                panel.plot(steps, means, color=colour, linewidth=1.2, label=row.label)
                panel.fill_between(steps, means - errors, means + errors, color=colour, alpha=0.15, linewidth=0)
        dress(panel, title, "optimiser step", "PSNR (dB)")
    legend(figure, axes[0, 0])
    told = f"{comparison.task}: PSNR over steps, mean and standard error (band) over the replicates."
    if any(run.shares_its_curve for row in comparison.settings for run in row.runs):
        told += " Images fitted together left one curve, their mean: the band does not hold their spread."
    return Figure(png(figure), told)


def averaged(setting: Setting, name: str) -> list[tuple[float, Estimate]]:
    """Average a column of the histories over the replicates, at the steps that all of them share: pairs with a step."""
    units = []
    for runs in setting.units.values():
        rows: dict[float, list[float]] = {}
        for row in (row for run in runs for row in run.history if name in row):
            rows.setdefault(row["step"], []).append(row[name])
        units.append({step: float(np.mean(values)) for step, values in rows.items()})
    shared = sorted(set.intersection(*map(set, units))) if units else []
    return [(step, mean) for step in shared if (mean := estimate(unit[step] for unit in units))]


def layers(comparison: Comparison) -> Figure | None:
    """Draw statistics of layers before (dashed) and after training, for each setting's first run that wrote them."""
    firsts = [(row.label, row.runs[0].directory / "layers.json") for row in comparison.settings if row.runs]
    found = {label: json.loads(path.read_text()) for label, path in firsts if path.is_file()}
    names = [name for name in next(iter(found.values()), {"final": [{}]})["final"][0] if name != "layer"]
    if not names:
        return None
    figure, axes = sheet(1, len(names), 2.3)
    for panel, name in zip(axes[0], names, strict=True):
        for (label, stages), colour in zip(found.items(), colours(len(found)), strict=True):
            for stage, style in (("initial", "--"), ("final", "-")):
                points = [(row["layer"], row[name]) for row in stages.get(stage, []) if name in row]
                shown = label if stage == "final" else None
                panel.plot(*zip(*points, strict=True), style, color=colour, marker="o", markersize=2.5, label=shown)
        dress(panel, LAYERS.get(name) or str(name), "layer", "")
        if name.endswith("std"):
            panel.set_yscale("log")  # schemes differ by orders of magnitude
    legend(figure, axes[0, 0])
    return Figure(
        png(figure), f"{comparison.task}: statistics of the layers, before training (dashed) and after (solid)."
    )


def colours(count: int) -> list[Any]:
    """Colours for `count` lines: distinct hues if there are enough, otherwise a scale."""
    import matplotlib as mpl

    for most, name in HUES.items():
        if count <= most:
            return [mpl.colormaps[name](index) for index in range(count)]
    return [mpl.colormaps["viridis"](index / (count - 1)) for index in range(count)]


def dress(panel: Any, title: str, across: str, up: str) -> None:
    """Set the title, labels and grid of a panel."""
    panel.set_title(title, fontsize=LETTERS + 1)
    panel.set_xlabel(across, fontsize=LETTERS)
    panel.set_ylabel(up, fontsize=LETTERS)
    panel.tick_params(labelsize=LETTERS - 1)
    panel.grid(alpha=0.3)


def legend(figure: Any, panel: Any) -> None:
    """Add one legend below all panels, where it hides no line, and enlarge the figure by its height."""
    handles, labels = panel.get_legend_handles_labels()
    columns = max(1, min(len(labels), LINE // (max(map(len, labels), default=0) + MARK)))
    figure.set_figheight(figure.get_figheight() + -(-len(labels) // columns) * ENTRY)
    look = {"fontsize": LETTERS - 1, "frameon": False, "handlelength": 3}
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, **look)
