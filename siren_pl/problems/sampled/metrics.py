"""Peak signal-to-noise ratios. Both arguments are arrays of one shape, and results are plain floats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# An exact reconstruction has infinite PSNR, which JSON and plots cannot hold.
PSNR_CAP = 200.0


def psnr(result: Array, target: Array, data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB over all elements, capped at 200."""
    return psnr_of_error(float(np.mean((np.asarray(result, np.float64) - target) ** 2)), data_range)


def psnr_of_error(error: float, data_range: float = 1.0) -> float:
    """PSNR in dB of a mean squared error, capped at 200."""
    if error <= data_range**2 * 10 ** (-PSNR_CAP / 10):
        return PSNR_CAP
    return float(10 * np.log10(data_range**2 / error))


def range_psnr(result: Array, target: Array) -> float:
    """PSNR of derivatives, whose peak is the target's own range (maximum minus minimum)."""
    span = float(np.max(target) - np.min(target))
    return psnr(result, target, span if span > 0 else 1.0)
