"""How frames in between are judged, written and drawn.

An answer is a function of a moment, in intervals from the first frame, and of places (h, w, 2) in pixels; it returns
values (h, w, C) in [-1, 1]. Methods beside the field return the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.sampled.films import write_mp4
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.video.interpolation.asked import Wanted, wanted
from siren_pl.problems.video.interpolation.figures import Seen, flow_of, triptych
from siren_pl.problems.video.interpolation.rendering import Moved, places_of
from siren_pl.problems.video.interpolation.scene import Scene
from siren_pl.problems.video.interpolation.scores import MEASURES, frame_scores, mean_scores
from siren_pl.problems.video.interpolation.warping import pixel_places
from siren_pl.problems.video.kind import shown
from siren_pl.training.judge import Findings, Judge, Metrics, Write

Answer = Callable[[float, Tensor], Tensor]

# Progress looks at every fourth pixel along each axis, which takes a sixteenth of the time.
QUICK_STRIDE = 4
# Frames per second of a slow motion.
RATE = 12
# What a run leaves: the slow motion, and the frames that are compared.
SHOWN = Wanted()


@dataclass(frozen=True)
class BetweenJudge(Judge):
    """Judges frames in between against what is known there.

    Attributes:
        scene: The frames and what is known of them.
        wanted: What is written.
    """

    scene: Scene
    wanted: Wanted = SHOWN

    options: ClassVar[Mapping[str, str]] = {
        "time": "moment of a single frame, in intervals from the first: 0.25 is a quarter of the way to the second",
        "slow": "frames of the slow motion per interval, such as 8",
        "size": "rows,columns or the longer side of what is written",
    }

    @override
    def quick(self, answer: Answer) -> Metrics:
        places = pixel_places(*self.scene.frames.shape[1:])[::QUICK_STRIDE, ::QUICK_STRIDE]
        found = [
            frame_scores(answer(moment, places), self.scene.frames.reference(number)[::QUICK_STRIDE, ::QUICK_STRIDE])
            for number, moment in enumerate(self.scene.frames.moments)
        ]
        return {name: value for name, value in mean_scores(found).items() if name in ("ie_rms", "psnr")}

    @override
    def judge(self, answer: Answer) -> Findings:
        frames = self.scene.frames
        places = pixel_places(*frames.shape[1:])
        found = [answer(moment, places) for moment in frames.moments]
        pairs = zip(found, map(frames.reference, range(len(found))), strict=True)
        metrics = mean_scores([frame_scores(*pair) for pair in pairs])
        measures = {name: measure for name, measure in MEASURES.items() if name in metrics}
        seen = Seen(self.scene, answer, found)
        figures = {"between.png": partial(triptych, seen)}
        if isinstance(answer, Moved):
            figures["flow.png"] = partial(flow_of, seen)
        return Findings(metrics, measures, self._files(answer, found), figures)

    @override
    def asked(self, options: Mapping[str, str]) -> tuple[str, Judge]:
        name, found = wanted(options, self.scene.frames.shape)
        return name, replace(self, wanted=found)

    def _files(self, answer: Answer, found: list[Tensor]) -> dict[str, Write]:
        frames, wish = self.scene.frames, self.wanted
        size = wish.size or frames.shape[1:]
        places = places_of(frames.shape[1], frames.shape[2], size)
        if wish.time is not None:
            return {f"{frames.name}_{wish.time:.12g}.png": partial(self._still, answer, wish.time, places, None)}
        moments = frames.moments or [number + 0.5 for number in range(frames.shape[0] - 1)]
        known = dict(zip(frames.moments, found, strict=True)) if size == frames.shape[1:] else {}
        files: dict[str, Write] = {
            f"{frames.name}_{moment:.12g}.png": partial(self._still, answer, moment, places, known.get(moment))
            for moment in moments
        }
        return files | {f"{frames.name}.mp4": partial(self._slow, answer, places)}

    def _still(self, answer: Answer, moment: float, places: Tensor, known: Tensor | None, path: Path) -> Path:
        frames = self.scene.frames
        values = answer(moment, places) if known is None else known
        return frames.pictures.write(to_unit(values), path, frames.container)

    def _slow(self, answer: Answer, places: Tensor, path: Path) -> Path:
        return write_mp4(self._in_time(answer, places), RATE, path)

    def _in_time(self, answer: Answer, places: Tensor) -> Iterator[NDArray[np.float64]]:
        """Yield the frames of the slow motion, from the first given frame to the last."""
        slow, count = self.wanted.slow, self.scene.frames.shape[0]
        for number in range((count - 1) * slow + 1):
            yield shown(to_unit(answer(number / slow, places)))
