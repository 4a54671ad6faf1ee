"""Figures of a restoration, whole and in enlarged windows: the data, a rival, the field and the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.operators import Downsampling
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.figures import Box
from siren_pl.problems.pictures.images import as_pixels
from siren_pl.problems.pictures.judging import side_by_side
from siren_pl.problems.pictures.judging.side_by_side import Column
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.judge import SampledJudge
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.observations import Mask
from siren_pl.problems.sampled.scores import keep
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Rival

# The most pixels along a side of a panel.
MOST_DRAWN = 512
# The most samples along a side of a window; a picture reduced four times still has sixteen of its own there.
MOST_SAMPLES = 64
# If no truth can tell which rival is best, those that only lay out the data show nothing new.
MERE_DATA = ("nearest", "noisy")


class Answer(NamedTuple):
    """A method's result.

    Attributes:
        name: Name of the method.
        picture: Pixels (H, W, C), in [0, 1] or unsigned integers.
        metrics: Scores of the picture.
    """

    name: str
    picture: NDArray
    metrics: Mapping[str, float]


def is_restoration(judge: SampledJudge) -> bool:
    """Whether samples of the picture itself were measured, but not all of them as they are.

    A task that aligns its result does not count: it was given derivatives, which leave the values open.
    """
    observation = judge.signal.observation
    of_values = observation.noise is not None or isinstance(observation, (Mask, Downsampling))
    return of_values and judge.align is keep


def draw(signal: SampledSignal, answers: Sequence[Answer], boxes: Sequence[Box], path: Path) -> Path:
    """Write the figure of an image with windows of whole samples; the answers are between the data and the truth."""
    crops = [tuple(slice(int(low), int(high)) for low, high in zip(box[:2], box[2:], strict=True)) for box in boxes]
    step = -(-max(signal.shape) // MOST_DRAWN)
    places = [(slice(None, None, step),) * 2, *crops]
    data = data_on_grid(signal)
    columns = [_column(f"measured\n{_told(signal)}", [measured(signal, data, place) for place in places])]
    for answer in answers:
        columns.append(_column(_title(answer, signal), [as_pixels(answer.picture[place]) for place in places]))
    if signal.has_truth:
        columns.append(_column("truth\n", [to_unit(decoded(signal.stored[place])) for place in places]))
    return side_by_side.draw(columns, signal.shape, boxes, path)


def _column(title: str, pictures: Sequence[NDArray]) -> Column:
    return Column(title, pictures[0], pictures[1:])


def data_on_grid(signal: SampledSignal) -> Tensor:
    """The data on the grid of the unknown picture (H, W, C); not copied if they are there already."""
    if signal.is_plain or not signal.has_truth:
        return signal.stored
    return signal.observation.picture(signal.measured, signal.shape)


def measured(signal: SampledSignal, data: Tensor, place: tuple[slice | Tensor, ...]) -> NDArray[np.float64]:
    """A part of the data on the grid, pixels in [0, 1]; unmeasured places are marked."""
    pixels = to_unit(decoded(data[place]))
    return figures.with_unknown(pixels, signal.observed[place].numpy()) if signal.has_gaps else pixels


def _told(signal: SampledSignal) -> str:
    """A few words on what was measured of the picture."""
    observation = signal.observation
    if isinstance(observation, Downsampling):
        return " × ".join(map(str, observation.coarse(signal.shape))) + " pixels"
    if signal.has_gaps or observation.noise is None:
        return f"{signal.observed_count / signal.observed.numel():.0%} of the pixels"
    return (
        f"{metrics.psnr(to_unit(signal.measured), to_unit(signal.values)):.2f} dB" if signal.has_truth else "with noise"
    )


def _title(answer: Answer, signal: SampledSignal) -> str:
    score, of = scored_by(signal)
    said = f"{answer.metrics[score]:.2f} dB{of}" if score in answer.metrics else ""
    return f"{answer.name.replace('_', ' ')}\n{said}"


def scored_by(signal: SampledSignal) -> tuple[str, str]:
    """The metric that compares restorations of this signal, and what it is measured on."""
    if isinstance(signal.observation, Downsampling):
        return "psnr_y", ", luma"
    return ("heldout_psnr", ", missing pixels") if signal.has_gaps else ("psnr", "")


def rival(rivals: Mapping[str, Rival], signal: SampledSignal) -> str | None:
    """The method to show beside the field: the best, or if no truth is known, one that changes the data.

    Args:
        rivals: Methods that had an answer, by name.
        signal: The signal that was measured.
    """
    if not signal.has_truth:
        return next((name for name in rivals if name not in MERE_DATA), None)
    score = scored_by(signal)[0]
    return max(rivals, key=lambda name: rivals[name].metrics.get(score, 0.0), default=None)
