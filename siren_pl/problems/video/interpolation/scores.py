"""Scores of a frame in between. Published "interpolation errors" are of two kinds, so both have a name of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.sampled.similarity import ssim
from siren_pl.training.judge import Measure, Metrics

# The scale on which interpolation errors are published.
LEVELS = 255.0

MEASURES = {
    "ie_rms": Measure("interpolation error", "levels", "root mean square over pixels, of 255 (Baker et al. 2011)", -1),
    "ie_abs": Measure("mean absolute error", "levels", "of 255; what RIFE and DAIN publish as interpolation error", -1),
    "psnr": Measure("PSNR", "dB", "mean over frames"),
    "ssim": Measure("SSIM", "", "likeness of structure; 1 is equal"),
}


def frame_scores(found: Tensor, truth: Tensor) -> Metrics:
    """Compare a frame (H, W, C) with the truth, both in [-1, 1], without rounding.

    `ie_rms` and `ie_abs` are on the scale of 255 levels. Frames smaller than 11 pixels have no SSIM.
    """
    result, target = to_unit(found), to_unit(truth)
    error = LEVELS * (result - target)
    scores = {
        "ie_rms": float(np.sqrt(np.square(error).mean())),
        "ie_abs": float(np.abs(error).mean()),
        "psnr": psnr(result, target),
    }
    similarity = ssim(result, target)
    return scores if similarity is None else scores | {"ssim": similarity}


def mean_scores(scores: Sequence[Metrics]) -> Metrics:
    """The mean of every score over frames; empty without any."""
    return {name: float(np.mean([each[name] for each in scores])) for name in (scores[0] if scores else {})}
