"""Which derivatives of a signal's samples are known, and the units that they are supervised in."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GradientStencil, LaplacianStencil

Stencil = GradientStencil | LaplacianStencil


def observed_by(stencil: Stencil, observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the places where the stencil reads only observed samples."""
    if stencil.footprint == "everywhere":
        return np.full_like(observed, observed.all())
    reach = observed.ndim if stencil.footprint == "square" else 1
    return np.logical_not(ndimage.binary_dilation(~observed, ndimage.generate_binary_structure(observed.ndim, reach)))


def require_all(signal: SampledSignal) -> None:
    """Refuse a signal with gaps, since it has no spectrum."""
    if not signal.observed.all():
        raise UserError(
            f"{signal.withheld} leaves gaps in the derivatives, which cannot be integrated: add "
            "task.integrated=false, and task.stencil=central (or laplace) unless one is chosen."
        )


def some_known(rule: Stencil, name: str, signal: SampledSignal, key: str = "task.stencil", cure: str = "") -> Tensor:
    """Mark the samples whose derivative is known: bool of the grid's shape, true for at least one sample.

    Args:
        rule: The stencil.
        name: The name of the stencil.
        signal: The samples.
        key: The option that chose it.
        cure: Another cure for the message.

    Raises:
        UserError: The stencil reads an unobserved sample everywhere.
    """
    known = torch.from_numpy(observed_by(rule, signal.observed.numpy()))
    if not known.any():
        # Those that read the nearest samples alone.
        smaller = "" if name in ("central", "laplace") else "choose central (or laplace), or "
        raise UserError(
            f"{key}={name} reads unseen samples everywhere when {signal.withheld}, so no derivative is known: "
            f"{smaller}hold out less{cure}."
        )
    return known


def units(signal: SampledSignal, target_factor: float | None) -> tuple[float, ...]:
    """Factors from derivatives per pixel, along each axis, to derivatives per coordinate unit or in the paper's units.

    A `target_factor` is that of the first axis. Along an axis with more closely spaced samples the factor is larger, as
    are the derivatives of any field.
    """
    pixels = signal.pixels_per_unit
    return pixels if target_factor is None else tuple(target_factor * unit / pixels[0] for unit in pixels)


def axis_weights(pixels_per_unit: tuple[float, ...]) -> tuple[float, ...]:
    """The scales of a Laplacian per pixel² of the first axis; an axis with more closely spaced samples weighs more."""
    return tuple((unit / pixels_per_unit[0]) ** 2 for unit in pixels_per_unit)
