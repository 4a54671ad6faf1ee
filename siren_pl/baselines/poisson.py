"""Direct solves of the Poisson tasks: the answer that the same stencil data give without a network.

`*_solver` inverts the stencil itself and returns the image up to what the stencil cannot see. `pointwise_*_ceiling` is
the band-limited field whose exact derivatives match the stencil's numbers: what a network converges to that fits them
perfectly, since a stencil sampled at pixels is not the derivative of the image's interpolant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, lsmr
from torch import Tensor

from siren_pl.signals.sampled import SampledSignal
from siren_pl.signals.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS, axis_weights, seen_by

Array = NDArray[np.float64]

# LSMR stops here; the error left is far below that of 8-bit data (1/255 = 4e-3).
LSMR_TOLERANCE, LSMR_ITERATIONS = 1e-9, 3000
# Weight of the curvature beside the data: decides only where no datum reaches, and costs the rest far below 8 bits.
SMOOTHNESS = 1e-3


def gradient_solver(signal: SampledSignal, stencil: str) -> Tensor:
    """Least-squares image of the stencil's gradients: by DCT when all are known, else by LSMR over the known ones."""
    rule = GRADIENT_STENCILS[stencil]
    values = signal.values.double().numpy()
    gradient = rule.apply(values)
    if signal.observed.all():
        return torch.from_numpy(rule.solve(gradient))
    seen = seen_by(rule, signal.observed.numpy())[None, ..., None]
    return _masked_solve(
        gradient * seen, lambda u: rule.apply(u) * seen, lambda g: rule.adjoint(g * seen), values.shape
    )


def laplacian_solver(signal: SampledSignal, stencil: str) -> Tensor:
    """Least-squares image of the stencil's Laplacian (reflecting border): by DCT, or LSMR over the known samples."""
    rule = LAPLACIAN_STENCILS[stencil]
    values = signal.values.double().numpy()
    laplacian = rule.apply(values)
    if signal.observed.all():
        return torch.from_numpy(rule.solve(laplacian))
    seen = seen_by(rule, signal.observed.numpy())[..., None]
    # The operator is symmetric on the cosine basis: its adjoint is itself.
    return _masked_solve(laplacian * seen, lambda u: rule.apply(u) * seen, lambda r: rule.apply(r * seen), values.shape)


def pointwise_gradient_ceiling(signal: SampledSignal, stencil: str) -> Tensor | None:
    """The band-limited field whose exact gradient is nearest to the stencil's; None if samples are held out."""
    if not signal.observed.all():
        return None
    gradient = GRADIENT_STENCILS[stencil].apply(signal.values.double().numpy())
    return torch.from_numpy(GRADIENT_STENCILS["spectral"].solve(gradient))


def pointwise_laplacian_ceiling(signal: SampledSignal, stencil: str) -> Tensor | None:
    """The band-limited field whose exact Laplacian is the stencil's; None if samples are held out."""
    if not signal.observed.all():
        return None
    weights = axis_weights(signal.pixels_per_unit)
    laplacian = LAPLACIAN_STENCILS[stencil].apply(signal.values.double().numpy(), weights)
    return torch.from_numpy(LAPLACIAN_STENCILS["spectral"].solve(laplacian, weights))


def _masked_solve(
    data: Array, apply: Callable[[Array], Array], adjoint: Callable[[Array], Array], shape: tuple[int, ...]
) -> Tensor:
    """Least-squares solution of apply(u) = data; where the data say nothing, the values of least curvature."""
    smooth = LAPLACIAN_STENCILS["laplace"]
    count = int(np.prod(shape))

    def forward(flat: Array) -> Array:
        values = flat.reshape(shape)
        return np.concatenate([apply(values).ravel(), SMOOTHNESS * smooth.apply(values).ravel()])

    def backward(flat: Array) -> Array:
        residual, curvature = flat[: data.size].reshape(data.shape), flat[data.size :].reshape(shape)
        return (adjoint(residual) + SMOOTHNESS * smooth.apply(curvature)).ravel()

    make: Any = LinearOperator  # its constructor is typed as that of its abstract subclasses
    operator = make((data.size + count, count), matvec=forward, rmatvec=backward, dtype=np.float64)
    wanted = np.concatenate([data.ravel(), np.zeros(count)])
    solution = lsmr(operator, wanted, atol=LSMR_TOLERANCE, btol=LSMR_TOLERANCE, maxiter=LSMR_ITERATIONS)[0]
    return torch.from_numpy(solution.reshape(shape))
