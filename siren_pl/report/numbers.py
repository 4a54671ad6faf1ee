"""Swept keys that are numbers: the metric as a function of such a key, and the peak on held-out samples."""

from __future__ import annotations

from collections.abc import Sequence

from siren_pl.report.blocks import Figure
from siren_pl.report.charts import colours, dress, legend, png, sheet
from siren_pl.report.measures import leader
from siren_pl.report.settings import Comparison, Setting

# A range of a decade or more reads better on a logarithmic axis.
DECADE = 10
# The metrics that are drawn over the key if samples were held out, and the one that is drawn if none were.
SAMPLES = (("train_psnr", "training samples", "-"), ("heldout_psnr", "held-out samples", "--"))
WHOLE = (("psnr_mean_aligned", "all samples", "-"), ("psnr", "all samples", "-"))
LINES = {"-": " (solid)", "--": " (dashed)"}


def over_keys(comparison: Comparison) -> list[Figure]:
    """Draw the metric over each numeric swept key, with training and held-out samples in one figure."""
    keys = [*comparison.keys, *([comparison.tune] if comparison.tune else [])]
    found = [_over(comparison, key) for key in keys if numeric(comparison.grid, key)]
    return [figure for figure in found if figure]


def numeric(settings: Sequence[Setting], key: str) -> bool:
    """Whether a swept key has several values, all of which are numbers."""
    try:
        return len({float(dict(row.values)[key]) for row in settings}) > 1
    except ValueError:
        return False


def lines_over(comparison: Comparison, key: str) -> dict[str, list[Setting]]:
    """Group settings into lines, one for each combination of the other keys, ordered by a numeric key."""
    lines: dict[str, list[Setting]] = {}
    for row in sorted(comparison.grid, key=lambda row: float(dict(row.values)[key])):
        rest = Setting(tuple(pair for pair in row.values if pair[0] != key), row.units, row.diverged)
        lines.setdefault(rest.label, []).append(row)
    return lines


def peaks(comparison: Comparison, key: str) -> dict[tuple[str, str], list[str]]:
    """Find where held-out and training samples are fitted best: (value, value) of the key -> the lines concerned."""
    found: dict[tuple[str, str], list[str]] = {}
    for label, line in lines_over(comparison, key).items():
        unseen, trained = (leader(line, name) for name in ("heldout_psnr", "train_psnr"))
        if unseen and trained:
            found.setdefault((dict(unseen.values)[key], dict(trained.values)[key]), []).append(label)
    return found


def _over(comparison: Comparison, key: str) -> Figure | None:
    seen = [s for s in SAMPLES if any(row.estimate(s[0]) for row in comparison.grid)]
    if len(seen) < len(SAMPLES):
        seen = [s for s in WHOLE if any(row.estimate(s[0]) for row in comparison.grid)][:1]
    if not seen:
        return None
    figure, axes = sheet(1, 1, 2.3)
    panel, lines = axes[0, 0], lines_over(comparison, key)
    for (label, line), colour in zip(lines.items(), colours(len(lines)), strict=True):
        for name, samples, style in seen:
            points = [(float(dict(r.values)[key]), mean) for r in line if (mean := r.estimate(name))]
            x, means, errors = [p[0] for p in points], [p[1].mean for p in points], [p[1].error or 0 for p in points]
            title = samples if len(lines) == 1 else label if style == "-" else None
            panel.errorbar(x, means, errors, color=colour, linestyle=style, marker="o", markersize=3, label=title)
    values = [float(dict(row.values)[key]) for row in comparison.grid]
    if min(values) > 0 and max(values) / min(values) >= DECADE:
        panel.set_xscale("log")
    best = list(dict.fromkeys(unseen for unseen, _ in peaks(comparison, key)))
    for value in best:
        panel.axvline(float(value), color="black", linewidth=0.8, linestyle=":")
    dress(panel, "", key, "PSNR (dB)")
    legend(figure, panel)
    told = f" of {', '.join(samples + LINES[style] for _, samples, style in seen)}"
    told += f". Dotted: the peak of held-out samples, at {', '.join(best)}" if best else ""
    return Figure(png(figure), f"{comparison.task}: PSNR over {key}, mean and standard error{told}.")
