"""Classical denoising by scikit-image; each method is told the noise's level where it asks for it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.observations import Noisy
from siren_pl.problems.sampled.signal import SampledSignal

# Patches, search radius and strength of scikit-image's own example of a fast non-local means with known noise.
PATCH, DISTANCE, STRENGTH = 5, 6, 0.8
# Weight of total variation over the noise's level. Of 0.02 … 0.2 at a level of 0.1, this was best on a photograph with
# known truth by 1 dB over the weight whose residual is the noise's (Morozov's rule): a strong rival.
TV_PER_LEVEL = 0.75


def noisy(signal: SampledSignal) -> Tensor | None:
    """The measurement itself; None where there is no noise."""
    return signal.measured if isinstance(signal.observation, Noisy) else None


def non_local_means(signal: SampledSignal) -> Tensor | None:
    """Non-local means (Buades et al. 2005) with the noise's level; None where there is no noise."""
    from skimage.restoration import denoise_nl_means

    if not isinstance(signal.observation, Noisy):
        return None
    level, options = signal.observation.level, {"patch_size": PATCH, "patch_distance": DISTANCE, "channel_axis": -1}
    found = denoise_nl_means(to_unit(signal.measured), h=STRENGTH * level, sigma=level, fast_mode=True, **options)
    # Grey loses its channel on the way, and a picture of one pixel all its axes.
    return torch.from_numpy(np.asarray(found * 2 - 1)).reshape(signal.values.shape)


def total_variation(signal: SampledSignal) -> Tensor | None:
    """Chambolle's total variation (2004), its weight by the noise's level; None where there is no noise."""
    from skimage.restoration import denoise_tv_chambolle

    if not isinstance(signal.observation, Noisy):
        return None
    pixels = signal.measured.double().numpy() / 2 + 0.5
    return torch.from_numpy(
        denoise_tv_chambolle(pixels, weight=TV_PER_LEVEL * signal.observation.level, channel_axis=-1) * 2 - 1
    )
