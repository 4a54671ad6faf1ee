"""The contact sheet of a set: for each signal, what was sought beside what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.images import read_image
from siren_pl.problems.pictures.judging.restorations import data_on_grid, measured
from siren_pl.problems.sampled.judge import SampledJudge
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Result

# How many pairs of target and result fit on a page.
MOST_PAIRS = 12


def draw(results: Sequence[Result], path: Path) -> Path:
    """Write the first signals, or their measurements, beside the written pictures of their fields."""
    pairs = []
    for judge, files, metrics in results[:MOST_PAIRS]:
        pictures = [file for file in files if file.suffix == ".png"]
        if pictures and isinstance(judge, SampledJudge):
            name, psnr = judge.signal.name, metrics.get("psnr_mean_aligned", metrics.get("psnr"))
            title = name if psnr is None else f"{name}, {psnr:.1f} dB"
            pairs.append(figures.Pair(*_given(judge.signal), title, read_image(pictures[0])))
    return figures.contact_sheet(pairs, path)


def _given(signal: SampledSignal) -> tuple[str, figures.Array]:
    """A title and the picture to show beside a field: its target, or the data if that is not known."""
    if signal.has_truth:
        return "target", to_unit(signal.values)
    return "measured", measured(signal, data_on_grid(signal), ())
