"""Scores of pictures beside the PSNR of any samples: that of an 8-bit file, that of luma, and SSIM.

For a picture that was reduced, luma is computed as in papers on enlarging: 8 bits, studio range, without `scale` pixels
at the border. For others it is full-range luma of the whole picture.
"""

from __future__ import annotations

import math

from siren_pl.problems.operators import Downsampling
from siren_pl.problems.pictures import metrics
from siren_pl.problems.sampled.kind import Pairs
from siren_pl.problems.sampled.levels import Pixels
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Metrics

IMAGE_AXES = 2
SIMILARITIES = {"ssim": metrics.ssim, "ssim_siren": metrics.ssim_siren, "ms_ssim": metrics.ms_ssim}


def compared(signal: SampledSignal, result: Pixels, target: Pixels, first: int) -> Pairs:
    """See `Kind.compared`."""
    eight = metrics.rounded(result), metrics.rounded(target)
    yield "psnr_8bit", eight
    border = shaved_border(signal)
    if border is None:
        yield "psnr_y", (metrics.luma(result), metrics.luma(target))
        return
    shaved = [metrics.shaved_luma(pixels, border, signal.shape, first) for pixels in eight]
    if shaved[0].size:
        yield "psnr_y", (shaved[0], shaved[1])


def similarities(result: Pixels, target: Pixels) -> Metrics:
    """Variants of SSIM; those whose window does not fit are left out."""
    variants = {name: similarity(result, target) for name, similarity in SIMILARITIES.items()}
    return {name: value for name, value in variants.items() if value is not None}


def shaved_border(signal: SampledSignal) -> int | None:
    """How many pixels papers leave out at the edges of a reduced picture: its scale; None for other signals."""
    observation = signal.observation
    return math.ceil(observation.scale) if isinstance(observation, Downsampling) else None
