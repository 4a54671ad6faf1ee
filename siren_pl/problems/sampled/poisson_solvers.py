"""Direct solves of the Poisson tasks: the answer that the same stencil data give without a network.

`*_solver` inverts the stencil itself and returns the image up to what the stencil cannot see. With samples held out,
the derivatives that read one are unknown, and the image is the least-squares answer to the others and, at a weight of
`SMOOTHNESS`, to a curvature of zero. `pointwise_*_ceiling` is the band-limited field whose exact derivatives match the
stencil's numbers: what a network converges to that fits them perfectly, since a stencil sampled at pixels is not the
derivative of the image's interpolant.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import (
    GRADIENT_STENCILS,
    LAPLACIAN_STENCILS,
    GradientStencil,
    axis_weights,
    seen_by,
)

Array = NDArray[np.float64]

# Weight of the curvature beside the data: decides only where no datum reaches, and costs the rest far below 8 bits.
SMOOTHNESS = 1e-3
# Pictures with more samples and some of them held out would need more than 2 GB and a minute for their gradients.
MOST_SAMPLES = 2**19
# A factorisation's answer is off by its rounding times a condition number of up to 1e13. Each refinement takes away all
# but a hundredth of that and more; it ends where corrections reach the rounding of values of order one.
REFINEMENTS, ROUNDING = 20, 1e-12


def gradient_solver(signal: SampledSignal, stencil: str) -> Tensor | None:
    """Least-squares image of the stencil's gradients: by DCT when all are known, else of the known ones.

    None where samples are held out of more than `MOST_SAMPLES`.
    """
    rule = GRADIENT_STENCILS[stencil]
    values = signal.given.double().numpy()
    if signal.observed.all():
        return torch.from_numpy(rule.solve(rule.apply(values)))
    seen = seen_by(rule, signal.observed.numpy())
    if not seen.any():
        return torch.zeros_like(signal.values, dtype=torch.float64)
    return torch.from_numpy(_masked_gradient_solve(rule, values, seen)) if seen.size <= MOST_SAMPLES else None


def laplacian_solver(signal: SampledSignal, stencil: str) -> Tensor:
    """Least-squares image of the stencil's Laplacian (reflecting border): by DCT, of all or of the known samples."""
    rule = LAPLACIAN_STENCILS[stencil]
    scales = axis_weights(signal.pixels_per_unit)
    laplacian = rule.apply(signal.given.double().numpy(), scales)
    if signal.observed.all():
        return torch.from_numpy(rule.solve(laplacian, scales))
    # Data and curvature are the same numbers, here with different weights, and any numbers whose sum is zero are the
    # Laplacian of an image. So each has its own best value, and the sum is shared out in inverse proportion to weights.
    seen = seen_by(rule, signal.observed.numpy())[..., None]
    weights = seen + SMOOTHNESS**2
    best = laplacian * seen / weights
    axes = tuple(range(signal.in_features))
    return torch.from_numpy(rule.solve(best - best.sum(axes) / (1 / weights).sum(axes) / weights, scales))


def pointwise_gradient_ceiling(signal: SampledSignal, stencil: str) -> Tensor | None:
    """The band-limited field whose exact gradient is nearest to the stencil's; None if samples are held out."""
    if not signal.observed.all():
        return None
    gradient = GRADIENT_STENCILS[stencil].apply(signal.given.double().numpy())
    return torch.from_numpy(GRADIENT_STENCILS["spectral"].solve(gradient))


def pointwise_laplacian_ceiling(signal: SampledSignal, stencil: str) -> Tensor | None:
    """The band-limited field whose exact Laplacian is the stencil's; None if samples are held out."""
    if not signal.observed.all():
        return None
    weights = axis_weights(signal.pixels_per_unit)
    laplacian = LAPLACIAN_STENCILS[stencil].apply(signal.given.double().numpy(), weights)
    return torch.from_numpy(LAPLACIAN_STENCILS["spectral"].solve(laplacian, weights))


def _masked_gradient_solve(rule: GradientStencil, values: Array, seen: NDArray[np.bool_]) -> Array:
    """The image (n_1, …, n_D, C) of zero mean nearest to the gradients of `values` where `seen`, else of no curvature.

    The normal equations are factorised once for all channels. One seen sample is set to zero meanwhile, since a
    constant changes nothing; an unseen one would leave the equations near to singular.
    """
    kept = sparse.diags_array(seen.ravel().astype(np.float64))
    slopes = [kept @ rule.matrix(seen.shape, axis) for axis in range(seen.ndim)]
    curvature = SMOOTHNESS * LAPLACIAN_STENCILS["laplace"].matrix(seen.shape)
    rows = sparse.csr_array(sparse.vstack([*slopes, curvature]))
    wanted = rows @ values.reshape(seen.size, -1)
    wanted[-seen.size :] = 0
    pinned = int(np.flatnonzero(seen)[0])
    rows = rows[:, np.arange(seen.size) != pinned]
    # Symmetric and positive: no pivoting, and an order of elimination that fills in little.
    factors = splu(
        sparse.csc_array(rows.T @ rows),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    found = np.zeros((seen.size - 1, values.shape[-1]))
    for _ in range(REFINEMENTS):
        correction = factors.solve(rows.T @ (wanted - rows @ found))
        found += correction
        if abs(correction).max() < ROUNDING:
            break
    image = np.insert(found, pinned, 0, axis=0)
    return (image - image.mean(0)).reshape(values.shape)
