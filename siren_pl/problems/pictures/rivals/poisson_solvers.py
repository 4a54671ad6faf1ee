"""Direct solvers of the Poisson tasks, which need the same stencil data but no network.

`*_solver` inverts the stencil and returns the image, except for frequencies to which the stencil is blind. If samples
are held out, the derivatives that read one are unknown, and the image is the least-squares solution for the others and,
with a weight of `SMOOTHNESS`, for a curvature of zero. `pointwise_*_ceiling` is the band-limited field whose exact
derivatives equal the stencil's numbers. A network that fits them perfectly converges to it, and not to the image, since
a stencil sampled at pixels is not the derivative of the image's interpolant.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

from siren_pl.problems.derivatives.inverses import (
    gradient_matrix,
    laplacian_matrix,
    values_of_gradient,
    values_of_laplacian,
)
from siren_pl.problems.derivatives.known import axis_weights, observed_by
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS, GradientStencil

Array = NDArray[np.float64]

# Weight of the curvature relative to the data: it matters only where there are no data, and changes the rest by far
# less than an 8-bit level.
SMOOTHNESS = 1e-3
# With held-out samples, the gradients of larger pictures would need more than 2 GB and a minute.
MOST_SAMPLES = 2**19
# The error of a factorised solve is the rounding error times a condition number of up to 1e13. Each refinement reduces
# it to a hundredth or less; refinement ends when corrections reach the rounding error of values of order one.
REFINEMENTS, ROUNDING = 20, 1e-12


def gradient_solver(signal: SampledSignal, stencil: str) -> Tensor | None:
    """Compute the least-squares image for the stencil's gradients: by DCT if all are known, else for the known ones.

    Returns:
        The image; None if samples are held out and there are more than `MOST_SAMPLES`.
    """
    rule = GRADIENT_STENCILS[stencil]
    values = signal.given.double().numpy()
    if signal.observed.all():
        return torch.from_numpy(values_of_gradient(rule, rule.apply(values)))
    observed = observed_by(rule, signal.observed.numpy())
    if not observed.any():
        return torch.zeros_like(signal.values, dtype=torch.float64)
    return torch.from_numpy(_masked_gradient_solve(rule, values, observed)) if observed.size <= MOST_SAMPLES else None


def laplacian_solver(signal: SampledSignal, stencil: str) -> Tensor:
    """Compute the least-squares image for the stencil's known Laplacians (reflecting border) by DCT."""
    rule = LAPLACIAN_STENCILS[stencil]
    scales = axis_weights(signal.pixels_per_unit)
    laplacian = rule.apply(signal.given.double().numpy(), scales)
    if signal.observed.all():
        return torch.from_numpy(values_of_laplacian(rule, laplacian, scales))
    # Data and curvature concern the same quantity with different weights, and any numbers whose sum is zero are the
    # Laplacian of an image. So each number has its own best value, from which the sum is subtracted in inverse
    # proportion to the weights.
    observed = observed_by(rule, signal.observed.numpy())[..., None]
    weights = observed + SMOOTHNESS**2
    best = laplacian * observed / weights
    axes = tuple(range(signal.in_features))
    balanced = best - best.sum(axes) / (1 / weights).sum(axes) / weights
    return torch.from_numpy(values_of_laplacian(rule, balanced, scales))


def pointwise_gradient_ceiling(signal: SampledSignal, stencil: str) -> Tensor | None:
    """The band-limited field whose exact gradient is nearest to the stencil's; None if samples are held out."""
    if not signal.observed.all():
        return None
    gradient = GRADIENT_STENCILS[stencil].apply(signal.given.double().numpy())
    return torch.from_numpy(values_of_gradient(GRADIENT_STENCILS["spectral"], gradient))


def pointwise_laplacian_ceiling(signal: SampledSignal, stencil: str) -> Tensor | None:
    """The band-limited field whose exact Laplacian is the stencil's; None if samples are held out."""
    if not signal.observed.all():
        return None
    weights = axis_weights(signal.pixels_per_unit)
    laplacian = LAPLACIAN_STENCILS[stencil].apply(signal.given.double().numpy(), weights)
    return torch.from_numpy(values_of_laplacian(LAPLACIAN_STENCILS["spectral"], laplacian, weights))


def _masked_gradient_solve(rule: GradientStencil, values: Array, observed: NDArray[np.bool_]) -> Array:
    """Find the zero-mean image (n_1, …, n_D, C) nearest to the gradients of `values` at `observed`, smooth elsewhere.

    The normal equations are factorised once for all channels. Since a constant changes nothing, one observed sample is
    set to zero meanwhile; with an unobserved one the equations would be nearly singular.
    """
    kept = sparse.diags_array(observed.ravel().astype(np.float64))
    slopes = [kept @ gradient_matrix(rule, observed.shape, axis) for axis in range(observed.ndim)]
    curvature = SMOOTHNESS * laplacian_matrix(LAPLACIAN_STENCILS["laplace"], observed.shape)
    rows = sparse.csr_array(sparse.vstack([*slopes, curvature]))
    wanted = rows @ values.reshape(observed.size, -1)
    wanted[-observed.size :] = 0
    pinned = int(np.flatnonzero(observed)[0])
    rows = rows[:, np.arange(observed.size) != pinned]
    # The matrix is symmetric and positive definite, so it needs no pivoting; the ordering is one with little fill-in.
    factors = splu(
        sparse.csc_array(rows.T @ rows),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    found = np.zeros((observed.size - 1, values.shape[-1]))
    for _ in range(REFINEMENTS):
        correction = factors.solve(rows.T @ (wanted - rows @ found))
        found += correction
        if abs(correction).max() < ROUNDING:
            break
    image = np.insert(found, pinned, 0, axis=0)
    return (image - image.mean(0)).reshape(values.shape)
