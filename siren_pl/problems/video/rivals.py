"""Classical methods for videos of which some voxels or frames are withheld; they return None if none are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.sampled.signal import SampledSignal


def in_time(signal: SampledSignal) -> Tensor | None:
    """Linear interpolation in time at each pixel; before the first and after the last given sample, the nearest.

    Where every other frame is withheld, this is the average of its neighbours. A pixel of which nothing is given has
    the mean of all that is.
    """
    if not signal.has_gaps:
        return None
    seen = signal.observed.numpy()
    count, *size = seen.shape
    times = np.arange(count).reshape(-1, *[1] * len(size))
    shown = signal.grid.axes(signal.shape, signal.shape)[0].numpy()
    # The number of the last given frame up to each, and of the first from each; -1 and `count` where there is none.
    before = np.maximum.accumulate(np.where(seen, times, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, times, count)[::-1], axis=0)[::-1]
    low, high = np.where(before < 0, after, before), np.where(after == count, before, after)
    nowhere = high < 0
    given = signal.given.double().numpy()
    places = np.indices(seen.shape)
    pair = [given[(np.clip(which, 0, count - 1), *places[1:])] for which in (low, high)]
    start, end = (shown[np.clip(which, 0, count - 1)] for which in (low, high))
    apart = np.where(high > low, end - start, 1.0)
    weight = ((shown.reshape(times.shape) - start) / apart * (high > low))[..., None]
    filled = (1 - weight) * pair[0] + weight * pair[1]
    filled[nowhere] = given[seen].mean(0)
    return torch.from_numpy(filled)
