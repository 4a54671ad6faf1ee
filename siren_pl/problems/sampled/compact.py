"""A table of points that keeps samples as they are stored, and computes coordinates and values only for drawn rows.

A table of coordinates and values takes at least 12 bytes per sample. This one takes no more than the stored samples,
plus four bytes per observed sample if some are held out. Both give the same points for the same rows.
"""

from __future__ import annotations

import torch

from siren_pl.problems.sampled.grid import coordinates_at
from siren_pl.problems.sampled.levels import levels
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.term import Points, chosen_rows


def table(signal: SampledSignal) -> Points:
    """Make the table of a signal's observed samples.

    Returns:
        `samples` (n_1 · … · n_D, C) as stored, observed or not; `axis_0` … `axis_D-1`, the coordinates along each axis;
        `levels`, the value of every integer, if samples are integers; `observed`, the row numbers of the observed
        samples, if some are not observed.
    """
    points = {"samples": signal.stored.reshape(-1, signal.out_features)}
    for index, axis in enumerate(signal.grid.axes(signal.shape, signal.shape)):
        points[f"axis_{index}"] = axis.float()
    if not signal.stored.is_floating_point():
        points["levels"] = levels(signal.stored.dtype)
    if not signal.observed.all():
        points["observed"] = signal.observed_rows()
    return points


def is_compact(points: Points) -> bool:
    """Whether a table was made by `table`, rather than being one of coordinates and targets."""
    return "samples" in points


def draw(points: Points, batch_size: int | None, generator: torch.Generator) -> Points:
    """Draw one step's `coords` (N, D) and `value` (N, C), at the rows that a table of ready-made columns would give."""
    known, samples = points.get("observed"), points["samples"]
    count = len(samples if known is None else known)
    rows = chosen_rows(count, batch_size, generator)
    if rows is None:
        rows = torch.arange(count, device=samples.device)
    if known is not None:
        rows = known[rows].long()
    axes = [points[f"axis_{index}"] for index in range(sum(name.startswith("axis_") for name in points))]
    value = samples[rows]
    return {
        "coords": coordinates_at(axes, rows),
        "value": points["levels"][value.long()] if "levels" in points else value,
    }
