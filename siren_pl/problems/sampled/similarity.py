"""SSIM of pictures and frames, by scikit-image: torchmetrics and kornia average over a padded border and differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Wang et al. 2004: a Gaussian window of σ 1.5 cut at 3.5 σ, hence 11 × 11; smaller images have no SSIM.
WANG_SIGMA, WANG_WINDOW = 1.5, 11
UNIFORM_WINDOW = 7


def ssim(result: Array, target: Array) -> float | None:
    """SSIM of Wang et al. 2004: Gaussian window, population covariance; None for images smaller than 11 pixels."""
    return _ssim(result, target, WANG_WINDOW, gaussian_weights=True, sigma=WANG_SIGMA, use_sample_covariance=False)


def ssim_siren(result: Array, target: Array) -> float | None:
    """SSIM as the SIREN code computes it: 7 × 7 uniform window, sample covariance; None below 7 pixels."""
    return _ssim(result, target, UNIFORM_WINDOW)


def _ssim(result: Array, target: Array, window: int, **options: Any) -> float | None:
    from skimage.metrics import structural_similarity

    if min(target.shape[:2]) < window:
        return None
    similarity: Any = structural_similarity(target, result, data_range=1.0, channel_axis=-1, **options)
    return float(similarity)
