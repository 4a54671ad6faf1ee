"""Adjoints, direct solutions and matrices of stencils: what leads from derivatives back to values.

On the cosine basis (see `siren_pl.problems.sampled.stencils`) a stencil multiplies by its symbol. Its adjoint does so
too, and its least-squares inverse divides by it. Constants, which no derivative sees, are set to zero.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import fft, sparse

from siren_pl.problems.sampled.stencils import (
    Array,
    GradientStencil,
    LaplacianStencil,
    filtered,
    frequencies,
    from_cosines,
    shift_indices,
    to_cosines,
)

# Coefficients of a local stencil are of order one; smaller entries of its matrix are rounding errors of the transform.
_ROUNDING = 1e-12
# A stencil counts as blind to frequencies whose symbol is below this fraction of the largest: a squared rounding error.
_NULL = 1e-12


def adjoint(stencil: GradientStencil, gradient: Array) -> Array:
    """Apply the transpose of `stencil.apply`: (D, n_1, …, n_D, C) -> (n_1, …, n_D, C)."""
    spectrum = _divergence(stencil, gradient)
    return from_cosines(spectrum, tuple(range(spectrum.ndim - 1)))


def values_of_gradient(stencil: GradientStencil, gradient: Array) -> Array:
    """Find the values of zero mean whose stencil gradient is nearest to `gradient`, by a direct Poisson solve."""
    spectrum = _divergence(stencil, gradient)
    shape = spectrum.shape[:-1]
    power = np.sum([stencil.symbol(shape, axis) ** 2 for axis in range(len(shape))], axis=0)
    return from_cosines(spectrum * _reciprocal(power), tuple(range(len(shape))))


def values_of_laplacian(stencil: LaplacianStencil, laplacian: Array, scales: tuple[float, ...] | None = None) -> Array:
    """Find the values of zero mean whose stencil Laplacian is nearest to `laplacian` (zero flux over the edge)."""
    return filtered(laplacian, _reciprocal(stencil.symbol(laplacian.shape[:-1], scales)))


def gradient_matrix(stencil: GradientStencil, shape: tuple[int, ...], axis: int) -> sparse.csr_array:
    """The derivative along `axis` as a sparse matrix over all samples of one channel, in the order of memory."""
    factors = [
        stencil.apply(np.eye(n))[0]
        if other == axis
        else filtered(np.eye(n), stencil.smoothing(frequencies(n))[:, None])
        for other, n in enumerate(shape)
    ]
    return _kronecker(factors)


def laplacian_matrix(stencil: LaplacianStencil, shape: tuple[int, ...]) -> sparse.csr_array:
    """The Laplacian per pixel² as a sparse matrix over all samples of one channel, in the order of memory."""
    terms = [
        _kronecker([stencil.apply(np.eye(n)) if other == axis else np.eye(n) for other, n in enumerate(shape)])
        for axis in range(len(shape))
    ]
    return functools.reduce(lambda one, other: one + other, terms)


def _divergence(stencil: GradientStencil, gradient: Array) -> Array:
    """The cosine spectrum of the adjoint."""
    parts = []
    for axis, component in enumerate(gradient):
        others = tuple(other for other in range(component.ndim - 1) if other != axis)
        sines = np.asarray(fft.dst(to_cosines(component, others), type=2, axis=axis, norm="ortho"))
        parts.append(shift_indices(sines, axis, 1) * stencil.symbol(component.shape[:-1], axis))
    return np.sum(parts, axis=0)


def _reciprocal(symbol: Array) -> Array:
    """1 / symbol, or 0 for frequencies to which the stencil is blind."""
    return np.divide(1, symbol, out=np.zeros_like(symbol), where=abs(symbol) > _NULL * abs(symbol).max())


def _kronecker(factors: list[Array]) -> sparse.csr_array:
    """The sparse Kronecker product of a matrix per axis."""
    return functools.reduce(
        lambda one, other: sparse.csr_array(sparse.kron(one, other)),
        [sparse.csr_array(np.where(abs(factor) > _ROUNDING, factor, 0)) for factor in factors],
    )
