"""The measures that a comparison shows: those that its runs' judges named, and what the fits cost.

A judge leaves `measures.json` beside the metrics, so that a new kind of signal is reported without a word here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from siren_pl.report.estimates import Estimate, gap
from siren_pl.report.settings import Comparison, Setting
from siren_pl.runs.summary import TIME, form
from siren_pl.training.judge import Measure, leading

COSTS = {
    "train_loss": Measure("training loss", better=-1),
    "parameters": Measure("parameters", better=0),
    "wall_s": TIME,
}


class Column(NamedTuple):
    """A metric as a column: its key in `metrics.json`, and how to read it."""

    key: str
    measure: Measure

    @property
    def heading(self) -> str:
        """The column's heading."""
        return f"{self.measure.name} ({self.measure.unit})" if self.measure.unit else self.measure.name

    @property
    def side(self) -> str:
        """Where the better of two values lies."""
        return "below" if self.measure.better < 0 else "above"

    def lead(self, first: Mapping[Hashable, float], second: Mapping[Hashable, float]) -> Estimate | None:
        """By how much scores by replicate are better than others."""
        return gap(second, first) if self.measure.better < 0 else gap(first, second)

    def text(self, value: Estimate) -> str:
        """Format a value for running text, with its unit."""
        return f"{self.cell(value)} {self.measure.unit}".rstrip()

    def cell(self, value: Estimate) -> str:
        """Format a value for a table."""
        return value.text(form(value.mean, self.measure))


def columns(comparison: Comparison) -> list[Column]:
    """The measures that a table shows: those that exist, except counts that are equal in all rows.

    With held-out samples, PSNR over all samples mixes two questions and is left out.
    """
    present = {name: each for name, each in _named(comparison).items() if _exists(comparison, name)}
    if {"heldout_psnr", "train_psnr"} <= present.keys():
        present.pop("psnr", None)
    if len({count for row in comparison.settings for count in row.scores("parameters").values()}) == 1:
        present.pop("parameters", None)
    return [Column(*each) for each in present.items()]


def headline(comparison: Comparison) -> Column | None:
    """The measure by which a task's settings are compared: the first that the judge named and that was measured."""
    judged = {name: each for name, each in _named(comparison).items() if name not in COSTS}
    name = leading(judged, {name: None for name in judged if _exists(comparison, name)})
    return Column(name, judged[name]) if name else None


def leader(rows: Sequence[Setting], key: str, better: int = 1) -> Setting | None:
    """The row with the best mean of a metric; None without rows that have one."""
    scored = [(mean.mean * better, row) for row in rows if (mean := row.estimate(key))]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def baseline_names(rows: Iterable[Setting]) -> list[str]:
    """The names of the classical methods that were judged together with the fields."""
    found = {name for row in rows for run in row.runs for name in run.metrics if name.startswith("baseline/")}
    return sorted({name.split("/")[1] for name in found})


def baseline_scores(row: Setting, name: str, key: str) -> dict[Hashable, float]:
    """A classical method's scores on a row's data, by replicate."""
    return row.scores(f"baseline/{name}/{key}")


def _named(comparison: Comparison) -> dict[str, Measure]:
    named: dict[str, Measure] = {}
    for run in (run for row in comparison.settings for run in row.runs):
        named |= {name: measure for name, measure in run.measures.items() if name not in named}
    return named | COSTS


def _exists(comparison: Comparison, name: str) -> bool:
    return any(row.estimate(name) for row in comparison.settings)
