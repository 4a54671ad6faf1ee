"""Alignments: what derivatives leave open (a constant; a Laplacian much more) is settled by the observed samples."""

from __future__ import annotations

from types import EllipsisType

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.scores import told_apart, value_scores
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Metrics

Array = NDArray[np.float64]
# Selects samples: a mask, or `...` for all.
Known = NDArray[np.bool_] | EllipsisType


def align_mean(values: Tensor, signal: SampledSignal) -> Tensor:
    """Add, per channel, the constant that brings values nearest to the observed samples."""
    return values + (signal.values.to(values) - values)[told_apart(signal)].mean(0)


def aligned_scores(values: Tensor, signal: SampledSignal) -> Metrics:
    """`value_scores` for a task that leaves a constant open (a Laplacian much more), and PSNR after each alignment.

    Alignments use only the observed samples: the held-out ones have no say.
    """
    found = values.detach().double().cpu()
    scores = value_scores(found, signal, align_mean)
    if not signal.has_truth:
        return scores
    result, target = (array.double().numpy() / 2 + 0.5 for array in (found, signal.values))
    for name, align in ALIGNMENTS.items():
        aligned = align(result, target, told_apart(signal).numpy())
        scores[f"psnr_{name}"] = metrics.psnr(aligned.clip(0, 1), target)
    return scores


def mean_aligned(values: Array, target: Array, known: Known = ...) -> Array:
    """Add, per channel, the constant that brings known values nearest to the target; gradients leave it open.

    Args:
        values: Values of any range, (H, W, C).
        target: The target, likewise.
        known: Which samples determine the constant, bool (H, W); all by default.
    """
    return values + _rows(target - values, known).mean(0)


def affine_aligned(values: Array, target: Array, known: Known = ...) -> Array:
    """Scale and shift, per channel, to the least-squares fit of the target on the known samples."""
    found, wanted = _rows(values, known), _rows(target, known)
    centre, level = found.mean(0), wanted.mean(0)
    power = ((found - centre) ** 2).sum(0)
    product = ((found - centre) * (wanted - level)).sum(0)
    scale = np.divide(product, power, out=np.ones_like(power), where=power > 0)
    return (values - centre) * scale + level


def minmax_aligned(values: Array, target: Array, known: Known = ...) -> Array:
    """Stretch known values, per channel, to the target's extremes, as the SIREN paper normalises its pictures."""
    found, wanted = _rows(values, known), _rows(target, known)
    low, span = found.min(0), np.ptp(found, axis=0)
    return (values - low) / np.where(span > 0, span, 1) * np.ptp(wanted, axis=0) + wanted.min(0)


def _rows(values: Array, known: Known) -> Array:
    return values[known].reshape(-1, values.shape[-1])


ALIGNMENTS = {
    "mean_aligned": mean_aligned,
    "affine_aligned": affine_aligned,
    "minmax_aligned": minmax_aligned,
}
