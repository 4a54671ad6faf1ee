"""Scores values on a grid against a signal, with the same functions for the field and for every baseline.

Values are in [-1, 1], shape (n_1, …, n_D, C); scores are taken after mapping to [0, 1] and clipping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.field.jet import Jet
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.kind import Pairs
from siren_pl.problems.sampled.levels import decoded, to_unit
from siren_pl.problems.sampled.observations import Everything
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS
from siren_pl.training.judge import Metrics

Array = NDArray[np.float64]
# Aligns values on the lattice (n_1, …, n_D, C) with the signal where the task leaves something open (a constant).
Align = Callable[[Tensor, SampledSignal], Tensor]

# Half the distance between two 8-bit levels in [-1, 1].
HALF_STEP = 1 / 255


def keep(values: Tensor, signal: SampledSignal) -> Tensor:
    """Return the values unchanged: the task determines them completely."""
    return values


def value_scores(values: Tensor, signal: SampledSignal, align: Align = keep) -> Metrics:
    """PSNR over all, observed and held-out samples, and the scores that the signal's kind adds.

    If the truth is not known, only `train_psnr` is given: how close the observed field is to the data.

    Args:
        values: The result of a field or a classical method.
        signal: The signal to compare with.
        align: Settles what the task leaves open. Only `psnr` is of the values as they are.
    """
    if not signal.is_plain or not signal.has_truth:
        observed = to_unit(signal.observation.apply(align(values.detach().cpu(), signal)))
        fidelity = {"train_psnr": metrics.psnr(observed, to_unit(signal.measured))}
        return truth_scores(values, signal, align) | fidelity if signal.has_truth else fidelity
    return truth_scores(values, signal, align)


def truth_scores(values: Tensor, signal: SampledSignal, align: Align = keep) -> Metrics:
    """Scores against the signal's samples; see `value_scores`."""
    plain, result, target = to_unit(values), to_unit(align(values, signal)), to_unit(signal.values)
    scores = {name: metrics.psnr(*pair) for name, pair in _compared(signal, plain, result, target)}
    return scores | signal.container.similarities(result, target)


def told_apart(signal: SampledSignal) -> Tensor:
    """Which samples count as observed: all of them if none was measured individually, since none is held out then."""
    return signal.observed if signal.observed.any() else Everything().observed(signal.shape)


def _compared(signal: SampledSignal, plain: Array, result: Array, target: Array, first: int = 0) -> Pairs:
    """What each PSNR compares, by name: pixels in [0, 1] of a whole signal, or of its rows starting at `first`.

    `plain` are the values as they are, `result` the values after what the task leaves open is settled.
    """
    observed = told_apart(signal)[first : first + len(target)].numpy()
    yield "psnr", (plain, target)
    if observed.any():
        yield "train_psnr", (result[observed], target[observed])
    if not observed.all():
        yield "heldout_psnr", (result[~observed], target[~observed])
    yield from signal.container.compared(signal, result, target, first)


class RunningScores:
    """Computes the PSNRs of `value_scores`, against the truth if it is known, from one slab of the grid after another.

    Args:
        signal: The truth.
        offset: The constant per channel (C,) that the task's alignment adds.
    """

    def __init__(self, signal: SampledSignal, offset: Tensor | float = 0.0) -> None:
        self._signal, self._offset = signal, offset
        self._errors: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, slab: slice, values: Tensor) -> None:
        """Add the values of a slab of rows of the first axis: (rows, n_2, …, n_D, C) in [-1, 1]."""
        if not self._signal.has_truth:
            return
        target = to_unit(decoded(self._signal.stored[slab]))
        plain, aligned = to_unit(values), to_unit(values + self._offset)
        for name, (result, wanted) in _compared(self._signal, plain, aligned, target, slab.start):
            self._errors[name] = self._errors.get(name, 0.0) + float(np.square(result - wanted).sum())
            self._counts[name] = self._counts.get(name, 0) + wanted.size

    def metrics(self) -> dict[str, float]:
        """Every PSNR over the slabs that have been added."""
        return {name: metrics.psnr_of_error(error / self._counts[name]) for name, error in self._errors.items()}


def clipped(values: Tensor) -> float:
    """The fraction of numbers outside [-1, 1] by more than half an 8-bit step, which clipping really changes.

    The task's alignment must already have been applied to the values.
    """
    return int((values.abs() > 1 + HALF_STEP).count_nonzero()) / values.numel()


def derivative_targets(signal: SampledSignal, gradient: str = "sobel", laplacian: str = "laplace") -> Mapping:
    """Stencil derivatives of the signal in true units: `gradient` (D, …, C) and `laplacian` (…, C), float64."""
    values = signal.values.double().numpy()
    scale = np.array(signal.pixels_per_unit)
    slopes = GRADIENT_STENCILS[gradient].apply(values) * scale.reshape(-1, *[1] * values.ndim)
    return {"gradient": slopes, "laplacian": LAPLACIAN_STENCILS[laplacian].apply(values, tuple(scale**2))}


def derivative_scores(jet: Jet, targets: Mapping) -> dict[str, float]:
    """PSNR of the field's exact gradient and Laplacian against the stencils'; the peak is the target's range."""
    scores = {}
    if jet.gradient is not None:
        gradient = jet.gradient.detach().double().cpu().numpy()
        scores["gradient_psnr"] = metrics.range_psnr(gradient, targets["gradient"].reshape(gradient.shape))
    if jet.second is not None:
        laplacian = jet.laplacian.detach().double().cpu().numpy()
        scores["laplacian_psnr"] = metrics.range_psnr(laplacian, targets["laplacian"].reshape(laplacian.shape))
    return scores
