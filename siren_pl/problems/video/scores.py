"""Scores of a video: every frame has its PSNR, and a video the mean over its frames, their spread and the worst one.

Values are mapped to [0, 1] and clipped first. A score of held-out voxels is the mean over the frames that have some.
Frames come one after another, so that a video of any length can be scored.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.similarity import ssim
from siren_pl.training.judge import Measure, Metrics

MEASURES = {
    "heldout_psnr": Measure("held-out PSNR", "dB", "mean over frames, of the voxels that no method was given"),
    "psnr": Measure("PSNR", "dB", "mean over frames; 6 dB more halve the error"),
    "psnr_std": Measure("spread over frames", "dB", "standard deviation over frames", 0),
    "psnr_min": Measure("PSNR of the worst frame", "dB", "the frame is psnr_min_frame"),
    "train_psnr": Measure("training PSNR", "dB", "mean over frames, of what was given"),
    "ssim": Measure("SSIM", "", "likeness of structure, mean over frames (at most 100, evenly chosen); 1 is equal"),
}
# SSIM takes 10 to 500 ms for a frame, so that of a long video is the mean over this many frames.
MOST_SIMILARITIES = 100


class FrameScores:
    """Scores one slab of frames after another.

    Args:
        signal: The truth.
    """

    def __init__(self, signal: SampledSignal) -> None:
        self._signal, self._gaps = signal, signal.has_gaps
        self._found: dict[str, list[float]] = defaultdict(list)
        count = signal.shape[0]
        self._alike = set(np.unique(np.linspace(0, count - 1, min(count, MOST_SIMILARITIES)).round()).astype(int))

    def add(self, slab: slice, values: Tensor) -> None:
        """Add the values (frames, H, W, C) of a slab of frames, in [-1, 1]."""
        targets = to_unit(decoded(self._signal.stored[slab]))
        for number, result, target in zip(range(slab.start, slab.stop), to_unit(values), targets, strict=True):
            self._found["psnr"].append(psnr(result, target))
            if self._gaps:
                seen = self._signal.observed[number].numpy()
                for name, part in (("train_psnr", seen), ("heldout_psnr", ~seen)):
                    if part.any():
                        self._found[name].append(psnr(result[part], target[part]))
            if number in self._alike and (likeness := ssim(result, target)) is not None:
                self._found["ssim"].append(likeness)

    @property
    def by_frame(self) -> list[float]:
        """The PSNR of every frame."""
        return self._found["psnr"]

    def metrics(self) -> Metrics:
        """The scores of the video."""
        frames = np.array(self.by_frame)
        worst = int(frames.argmin())
        of_frames = {"psnr_std": float(frames.std()), "psnr_min": float(frames[worst]), "psnr_min_frame": float(worst)}
        return {name: float(np.mean(each)) for name, each in self._found.items()} | of_frames


def video_scores(values: Tensor, signal: SampledSignal) -> Metrics:
    """The scores of values (T, H, W, C) that are held as a whole."""
    scores = FrameScores(signal)
    with torch.no_grad():
        scores.add(slice(0, signal.shape[0]), values)
    return scores.metrics()
