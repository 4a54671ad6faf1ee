"""How a video's field is judged, and the task of fitting a video.

The answer is rendered a few frames at a time: scored as floats, and kept as bytes in a mapped temporary file, from
which videos and figures are made. So a video takes little memory however long it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.penalties import penalties
from siren_pl.problems.sampled.evaluation import Evaluation
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.rendering import FieldAnswer, as_levels, slabs
from siren_pl.problems.sampled.scores import clipped
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.values import ValueTerm
from siren_pl.problems.video.kind import Clip
from siren_pl.problems.video.scores import MEASURES, FrameScores, video_scores
from siren_pl.problems.video.storage import blank
from siren_pl.training.problem import Problem


class FramesEvaluation(Evaluation):
    """An answer scored frame by frame, held only as bytes in a file."""

    def __init__(self, judge: SampledJudge, answer: FieldAnswer) -> None:
        super().__init__(judge, answer)
        signal = self.signal
        self.offset = torch.zeros(signal.out_features)
        scores, outside = FrameScores(signal), 0.0
        self._pixels = blank(tuple(signal.stored.shape))
        for slab, values in slabs(answer, signal.grid.axes(signal.shape, signal.shape), signal.out_features):
            scores.add(slab, values)
            self._pixels[slab] = as_levels(values, np.uint8)
            outside += clipped(values) * values.numel()
        self.metrics = scores.metrics() | {"clipped": outside / self._pixels.size}

    @property
    @override
    def pixels(self) -> NDArray[np.uint8]:
        return self._pixels


@dataclass(frozen=True)
class VideoJudge(SampledJudge):
    """Judges a field by its frames.

    While a fit runs, `psnr` is that of all voxels, or of an excerpt of them, and no mean over frames.
    """

    @override
    def evaluated(self, answer: FieldAnswer) -> Evaluation:
        return FramesEvaluation(self, answer)


def video_fit(signal: SampledSignal, **weights: float) -> Problem:
    """Make the problem of fitting the frames of a video.

    Args:
        signal: The video, of three axes; its `container` is a `Clip`.
        weights: Weights of penalties, by the names of `siren_pl.problems.penalties.PENALTIES`.

    Raises:
        UserError: The signal is no video.
    """
    if not isinstance(signal.container, Clip):
        raise UserError(
            f"task=video_fit fits a video, and {signal.name} is none: choose dataset=video, or task=image_fit for a "
            "picture and task=audio_fit for a sound."
        )
    terms = {"samples": ValueTerm(signal), **penalties(signal.domain, **weights)}
    return sampled_problem("video_fit", terms, VideoJudge(signal, video_scores, about=MEASURES))
