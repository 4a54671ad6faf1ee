"""Classical methods that fill in unobserved samples; they return None if all or no samples are observed directly."""

from __future__ import annotations

import torch
from torch import Tensor

from siren_pl.problems.operators import KERNELS
from siren_pl.problems.sampled.grid import transform
from siren_pl.problems.sampled.observations import EveryOther
from siren_pl.problems.sampled.signal import SampledSignal


def biharmonic(signal: SampledSignal) -> Tensor | None:
    """Biharmonic inpainting by scikit-image (Damelin and Hoang 2018)."""
    from skimage.restoration import inpaint_biharmonic

    if not signal.has_gaps:
        return None
    known = signal.observation.picture(signal.measured, signal.shape).double().numpy()
    return torch.from_numpy(inpaint_biharmonic(known, ~signal.observed.numpy(), channel_axis=-1))


def cubic(signal: SampledSignal) -> Tensor | None:
    """SciPy's piecewise cubic interpolation on a triangulation, with the nearest sample outside; for images only."""
    if not signal.has_gaps or signal.in_features != 2:  # noqa: PLR2004 - the interpolant is two-dimensional
        return None
    filled = _scattered(signal, "cubic")
    return torch.where(filled.isnan(), _scattered(signal, "nearest"), filled)


def nearest(signal: SampledSignal) -> Tensor | None:
    """The value of the nearest observed sample."""
    return _scattered(signal, "nearest") if signal.has_gaps else None


def bicubic(signal: SampledSignal) -> Tensor | None:
    """Keys' cubic interpolation between the samples of a regular grid, which it keeps; None for other data."""
    observation = signal.observation
    if not isinstance(observation, EveryOther) or max(strides := observation.strides(signal.shape)) == 1:
        return None
    values = signal.measured.double().reshape(*observation.kept(signal.shape), -1)
    matrices = [
        KERNELS["bicubic"].weights(torch.arange(m, dtype=torch.float64), torch.arange(n, dtype=torch.float64) / stride)
        for n, m, stride in zip(signal.shape, values.shape[:-1], strides, strict=True)
    ]
    return transform(values, matrices)


def _scattered(signal: SampledSignal, method: str) -> Tensor:
    """SciPy's interpolation of the observed samples at the places of all samples."""
    from scipy.interpolate import griddata

    places, everywhere = signal.observed.nonzero().numpy(), torch.ones(signal.shape).nonzero().numpy()
    filled = griddata(places, signal.measured.double().numpy(), everywhere, method=method)
    return torch.from_numpy(filled).reshape(signal.values.shape)
