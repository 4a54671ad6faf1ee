"""Classical denoising by scikit-image; methods that need the noise level get the true one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal

# Patch size, search radius and strength from scikit-image's own example of fast non-local means with known noise.
PATCH, DISTANCE, STRENGTH = 5, 6, 0.8
# Weight of total variation, relative to the noise level. Of the weights 0.02 … 0.2 at a level of 0.1, this was best on
# a photograph with known truth, by 1 dB over the weight whose residual equals the noise (Morozov's rule).
TV_PER_LEVEL = 0.75


def noisy(signal: SampledSignal) -> Tensor | None:
    """The measurement itself; None without noise."""
    return signal.measured if signal.observation.noise else None


def non_local_means(signal: SampledSignal) -> Tensor | None:
    """Apply non-local means (Buades et al. 2005) with the noise level; None without noise."""
    from skimage.restoration import denoise_nl_means

    noise = signal.observation.noise
    if noise is None:
        return None
    level, options = noise.level, {"patch_size": PATCH, "patch_distance": DISTANCE, "channel_axis": -1}
    found = denoise_nl_means(to_unit(signal.measured), h=STRENGTH * level, sigma=level, fast_mode=True, **options)
    # scikit-image drops the channel of a grey picture, and all axes of a picture of one pixel.
    return torch.from_numpy(np.asarray(found * 2 - 1)).reshape(signal.values.shape)


def total_variation(signal: SampledSignal) -> Tensor | None:
    """Apply Chambolle's total variation (2004), with a weight proportional to the noise level; None without noise."""
    from skimage.restoration import denoise_tv_chambolle

    if signal.observation.noise is None:
        return None
    pixels = signal.measured.double().numpy() / 2 + 0.5
    return torch.from_numpy(
        denoise_tv_chambolle(pixels, weight=TV_PER_LEVEL * signal.observation.noise.level, channel_axis=-1) * 2 - 1
    )
