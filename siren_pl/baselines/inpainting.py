"""Classical fillings of held-out samples from the observed ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from siren_pl.signals.sampled import SampledSignal


def biharmonic(signal: SampledSignal) -> Tensor | None:
    """Biharmonic inpainting by scikit-image (Damelin and Hoang 2018); None if nothing is held out."""
    from skimage.restoration import inpaint_biharmonic

    if signal.observed.all():
        return None
    unseen = ~signal.observed.numpy()
    known = np.where(unseen[..., None], 0.0, signal.values.double().numpy())
    return torch.from_numpy(inpaint_biharmonic(known, unseen, channel_axis=-1))


def cubic(signal: SampledSignal) -> Tensor | None:
    """SciPy's piecewise cubic interpolation on a triangulation, nearest outside of it; None if nothing is held out."""
    from scipy.interpolate import griddata

    if signal.observed.all() or signal.in_features != 2:  # noqa: PLR2004 - the interpolant is two-dimensional
        return None
    mask = signal.observed.numpy()
    points, values = np.argwhere(mask), signal.values.double().numpy()[mask]
    everywhere = np.argwhere(np.ones_like(mask))
    filled = griddata(points, values, everywhere, method="cubic")
    nearest = griddata(points, values, everywhere, method="nearest")
    return torch.from_numpy(np.where(np.isnan(filled), nearest, filled)).reshape(signal.values.shape)
