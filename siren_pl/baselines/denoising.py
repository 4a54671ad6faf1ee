"""Classical denoising by scikit-image; each method is told the noise's level where it asks for it."""

from __future__ import annotations

import torch
from torch import Tensor

from siren_pl.observations import Noisy
from siren_pl.signals.images import to_unit
from siren_pl.signals.sampled import SampledSignal

# Patches, search radius and strength of scikit-image's own example of a fast non-local means with known noise.
PATCH, DISTANCE, STRENGTH = 5, 6, 0.8
# Weights of total variation that are tried; the one whose residual is nearest to the noise is taken (Morozov's rule).
TV_WEIGHTS = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3)


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
    return torch.from_numpy(found * 2 - 1).reshape(signal.values.shape)  # grey loses its channel on the way


def total_variation(signal: SampledSignal) -> Tensor | None:
    """Chambolle's total variation (2004), its weight by the noise's level; None where there is no noise."""
    from skimage.restoration import denoise_tv_chambolle

    if not isinstance(signal.observation, Noisy):
        return None
    data, level = to_unit(signal.measured), signal.observation.level
    answers = [denoise_tv_chambolle(data, weight=weight, channel_axis=-1) for weight in TV_WEIGHTS]
    nearest = min(answers, key=lambda answer: abs(float(((answer - data) ** 2).mean()) ** 0.5 - level))
    return torch.from_numpy(nearest * 2 - 1)
