"""Curves over steps, averaged over replicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siren_pl.report.estimates import estimate
from siren_pl.report.settings import Setting


@dataclass(frozen=True)
class Curve:
    """A quantity over steps: its mean and standard error over the replicates (0 for a single one)."""

    steps: list[float]
    means: list[float]
    errors: list[float]


def averaged(setting: Setting, name: str) -> Curve | None:
    """Average a column of the histories at the steps that all replicates share; None if there are no such steps."""
    units = []
    for runs in setting.units.values():
        rows: dict[float, list[float]] = {}
        for row in (row for run in runs for row in run.history if name in row):
            rows.setdefault(row["step"], []).append(row[name])
        units.append({step: float(np.mean(values)) for step, values in rows.items()})
    shared = sorted(set.intersection(*map(set, units))) if units else []
    if not shared:
        return None
    points = [estimate(unit[step] for unit in units) for step in shared]
    return Curve(shared, [p.mean for p in points if p], [p.error or 0.0 for p in points if p])
