"""Classical methods for sounds of which some samples are withheld; they return None if none are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from siren_pl.problems.sampled.signal import SampledSignal


def spline(signal: SampledSignal) -> Tensor | None:
    """SciPy's cubic spline through the given samples, whose outer pieces are continued to both ends."""
    from scipy.interpolate import CubicSpline

    places = signal.observed.nonzero().numpy()[:, 0]
    if not signal.has_gaps or len(places) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    return torch.from_numpy(CubicSpline(places, signal.measured.double().numpy())(np.arange(signal.shape[0])))
