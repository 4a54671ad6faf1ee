"""The figures of a picture: its reconstruction, its derivatives, its restoration, enlarged windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.judging import reconstructions, restorations
from siren_pl.problems.pictures.judging.restorations import Answer
from siren_pl.problems.pictures.judging.zooms import beside, chosen
from siren_pl.problems.pictures.scores import IMAGE_AXES
from siren_pl.problems.pictures.windows import Window
from siren_pl.problems.sampled.evaluation import Evaluation, SlabEvaluation, WholeEvaluation
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Draw, Rival

Rivals = Mapping[str, Rival]


def figures_of(found: Evaluation) -> dict[str, Draw]:
    """Every figure of an evaluated field, by file name; some compare it with the truth and need that to be known."""
    if found.signal.in_features != IMAGE_AXES:
        return {}
    drawn: dict[str, Draw] = {}
    if found.signal.has_truth:
        drawn |= _against_the_truth(found)
    if restorations.is_restoration(found.judge):
        drawn["restoration.png"] = partial(_draw_restoration, found)
    return drawn | {"zoom.png": partial(_draw_zoom, found)}


def _against_the_truth(found: Evaluation) -> dict[str, Draw]:
    if isinstance(found, SlabEvaluation):
        return {"reconstruction.png": lambda path, _: reconstructions.draw_thumbnail(found, path)}
    assert isinstance(found, WholeEvaluation)
    judge = found.judge
    drawn: dict[str, Draw] = {"reconstruction.png": partial(reconstructions.draw, found)}
    panels = judge.panels
    if panels is not None:
        drawn[f"{judge.task}.png"] = lambda path, _: figures.panels(panels(found.aligned, found.signal), path)
    if own := reconstructions.derivatives_of(found):
        drawn["derivatives.png"] = lambda path, _: figures.derivatives(dict(found.targets), own, judge.stencils, path)
    return drawn


def _draw_restoration(found: Evaluation, path: Path, rivals: Rivals) -> Path:
    signal = found.signal
    answers = [Answer("field", found.pixels, found.metrics)]
    name = restorations.rival(rivals, signal)
    if name is not None:
        answers.insert(0, Answer(name, to_unit(rivals[name].answer), rivals[name].metrics))
    windows = [window.box for window in chosen(_looked_at(found), restorations.MOST_SAMPLES)]
    return restorations.draw(signal, answers, windows, path)


def _draw_zoom(found: Evaluation, path: Path, _: Rivals) -> Path | None:
    windows = chosen(_looked_at(found))
    return draw_windows(found, windows, path) if windows else None


def _looked_at(found: Evaluation) -> SampledSignal:
    """The picture in which detail is sought: the truth, or the field's picture if the truth is not known."""
    if found.signal.has_truth:
        return found.signal
    return SampledSignal(torch.from_numpy(found.pixels), found.signal.name)


def draw_windows(found: Evaluation, windows: Sequence[Window], path: Path) -> Path:
    """Write a figure of an image's windows: what the field knew, the field itself, and what it is compared with."""
    render = partial(seen_in, found)
    return figures.zooms([beside(found.judge, window, render) for window in windows], path)


def seen_in(found: Evaluation, window: Window) -> NDArray[np.unsignedinteger]:
    """The field's picture in a window, (rows, columns, C), as integers of the picture's kind."""
    return found.rendered(found.signal.grid.at(found.signal.shape, window.places()))
