"""Curves over steps: averaged over replicates, and searched for spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siren_pl.report.estimates import estimate
from siren_pl.report.settings import Setting

# A logged loss is a spike when it exceeds the median of the ten before it tenfold: far above the noise of batches.
SPIKE_FACTOR, SPIKE_WINDOW = 10.0, 10


@dataclass(frozen=True)
class Curve:
    """A quantity over steps: mean and standard error (0 of one replicate) over the replicates."""

    steps: list[float]
    means: list[float]
    errors: list[float]


def spikes(history: Sequence[dict[str, float]]) -> int:
    """How often the logged training loss jumped; neighbouring rows of one jump count once."""
    losses = np.array([row["train/loss"] for row in history if "train/loss" in row])
    jumped = [
        bool(loss > SPIKE_FACTOR * np.median(losses[max(0, at - SPIKE_WINDOW) : at]))
        for at, loss in enumerate(losses)
        if at
    ]
    return sum(now and not before for before, now in zip([False, *jumped], jumped, strict=False))


def averaged(setting: Setting, name: str) -> Curve | None:
    """A column of the histories at the steps that all replicates share; None where there are none."""
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
