"""The table of a comparison: a row per setting, then the classical methods on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from siren_pl.report.blocks import Table
from siren_pl.report.estimates import Estimate, estimate
from siren_pl.report.measures import Column, baseline_names, baseline_scores, columns, leader
from siren_pl.report.settings import Comparison, Setting
from siren_pl.runs.costs import spikes

ABSENT = "–"


def results(comparison: Comparison) -> Table:
    """Make the table: mean ± standard error of every setting, the best ranked rows in bold, counts of failures."""
    shown, rows = columns(comparison), comparison.settings
    tuned = (comparison.tune,) if comparison.tune else ()
    header = ("setting", *tuned, *(column.heading for column in shown), "runs", "diverged", "loss spikes")
    body = [
        (
            row.label,
            *((row.chosen or ABSENT,) if tuned else ()),
            *(_cell(row.estimate(column.key), column) for column in shown),
            str(len(row.runs)),
            str(len(row.diverged)),
            str(sum(spikes(run.history) for run in row.runs)),
        )
        for row in rows
    ]
    aside = [(label, *([""] * len(tuned)), *cells, "", "", "") for label, cells in _baselines(rows, shown)]
    best = frozenset(
        (rows.index(row), 1 + len(tuned) + place)
        for place, (key, measure) in enumerate(shown)
        if measure.better and (row := leader(comparison.ranked, key, measure.better))
    )
    apart = frozenset(range(len(body), len(body) + len(aside)))
    return Table(header, tuple(body + aside), _caption(comparison, bool(best), bool(aside)), best, apart)


def replicates(comparison: Comparison) -> str:
    """Say in words over which replicates the means are taken."""
    largest = max(comparison.settings, key=lambda row: len(row.runs))
    units, runs = len(largest.units), len(largest.runs)
    if any(isinstance(unit, tuple) for unit in largest.units):
        each = f", each the mean of {runs // units} seeds" if runs > units else ""
        return f"mean ± standard error over {units} images{each}"
    return f"mean ± standard error over {units} seeds" if units > 1 else "one seed, hence no standard error"


def _caption(comparison: Comparison, marked: bool, with_baselines: bool) -> str:
    # The way pictures are resized changes scores by decibels, so every table states it.
    resizes = {run.value("dataset.resize") for row in comparison.settings for run in row.runs} - {"None"}
    shrunk = f", images resized {' or '.join(sorted(resizes))}" if resizes else ""
    parts = [f"{comparison.task}{shrunk}: {replicates(comparison)}."]
    if comparison.tune:
        parts.append(
            f"{comparison.tune} was chosen for every row by {_criterion(comparison)}, and runs that diverged are "
            "counted over all the values tried."
        )
    parts += ["Bold: the best mean of a column among the ranked rows."] if marked else []
    parts += ["Italic: classical methods on the same data, scored in the same way."] if with_baselines else []
    return " ".join(parts)


def _criterion(comparison: Comparison) -> str:
    """Say in words how the tuned value was chosen."""
    return {
        "train_loss": "the lowest training loss, which needs no ground truth of held-out samples",
        "train_psnr": "the highest training PSNR, which needs no ground truth of held-out samples",
    }.get(str(comparison.criterion), f"the highest {comparison.criterion}, since no training loss is known")


def _cell(value: Estimate | None, column: Column) -> str:
    if value is None:
        return ABSENT
    return column.cell(value if column.measure.better else replace(value, error=None))


def _baselines(rows: Sequence[Setting], shown: Sequence[Column]) -> list[tuple[str, list[str]]]:
    """Make a row per classical method and kind of data, since models and optimisers do not affect these methods."""
    found = []
    groups: dict[str, list[Setting]] = {}
    for row in rows:
        data = replace(row, values=tuple(pair for pair in row.values if pair[0].startswith(("dataset.", "task."))))
        groups.setdefault(data.label if data.values else "", []).append(row)
    for name in baseline_names(rows):
        for data, members in groups.items():
            cells = []
            for column in shown:
                scores = {unit: s for row in members for unit, s in baseline_scores(row, name, column.key).items()}
                cells.append(_cell(estimate(scores.values()), column))
            if any(cell != ABSENT for cell in cells):
                found.append((name.replace("_", " ") + (f" ({data})" if data else ""), cells))
    return found
