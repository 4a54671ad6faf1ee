"""Derivatives of sampled data: a stencil is a pair of symbols on the cosine basis.

Data that continue beyond their edge by reflection (SciPy's `reflect`: d c b a | a b c d) are a sum of cosines
cos(πk (2i + 1) / 2n). A symmetric stencil multiplies each by a number, an antisymmetric one turns it into the sine of
the same frequency. Hence every derivative here is "transform, multiply by the symbol at ω = πk/n, transform back",
and its adjoint and exact least-squares inverse are equally simple.

Frequencies ω are in radians per pixel, derivatives per pixel; true units come from the grid's pixels per unit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse

Array = NDArray[np.float64]
Symbol = Callable[[Array], Array]
# The neighbours that a stencil reads: those along the axes, the whole 3 × 3 square, or every sample.
Footprint = Literal["cross", "square", "everywhere"]


@dataclass(frozen=True)
class GradientStencil:
    """A first derivative along one axis, smoothed across the others.

    Attributes:
        derivative: Symbol d(ω): the cosine of frequency ω becomes -d(ω) times its sine; d(ω) = ω is exact.
        smoothing: Symbol s(ω) that is applied along every other axis; 1 for none.
        footprint: The neighbours that it reads.
    """

    derivative: Symbol
    smoothing: Symbol
    footprint: Footprint = "cross"

    def apply(self, values: Array) -> Array:
        """Compute the gradient per pixel, (D, n_1, …, n_D, C), of values (n_1, …, n_D, C)."""
        axes = tuple(range(values.ndim - 1))
        spectrum = _to_cosines(values, axes)
        return np.stack([self._to_grid(spectrum * self.symbol(values.shape[:-1], axis), axis) for axis in axes])

    def adjoint(self, gradient: Array) -> Array:
        """Apply the transpose of `apply`: (D, n_1, …, n_D, C) -> (n_1, …, n_D, C)."""
        spectrum = self._divergence(gradient)
        return _from_cosines(spectrum, tuple(range(spectrum.ndim - 1)))

    def solve(self, gradient: Array) -> Array:
        """Find the values of zero mean whose stencil gradient is nearest to `gradient`, by a direct Poisson solve."""
        spectrum = self._divergence(gradient)
        shape = spectrum.shape[:-1]
        power = np.sum([self.symbol(shape, axis) ** 2 for axis in range(len(shape))], axis=0)
        return _from_cosines(spectrum * _reciprocal(power), tuple(range(len(shape))))

    def matrix(self, shape: tuple[int, ...], axis: int) -> sparse.csr_array:
        """`apply` along `axis` as a sparse matrix over all samples of one channel, in the order of memory."""
        factors = [
            self.apply(np.eye(n))[0] if other == axis else _filter(np.eye(n), self.smoothing(frequencies(n))[:, None])
            for other, n in enumerate(shape)
        ]
        return _kronecker(factors)

    def symbol(self, shape: tuple[int, ...], axis: int) -> Array:
        """The symbol of the derivative along `axis` at every frequency of a grid, shape (n_1, …, n_D, 1)."""
        factors = [
            -self.derivative(frequencies(n)) if other == axis else self.smoothing(frequencies(n))
            for other, n in enumerate(shape)
        ]
        return _outer(factors)

    def _divergence(self, gradient: Array) -> Array:
        """The cosine spectrum of the adjoint."""
        parts = []
        for axis, component in enumerate(gradient):
            others = tuple(other for other in range(component.ndim - 1) if other != axis)
            sines = np.asarray(fft.dst(_to_cosines(component, others), type=2, axis=axis, norm="ortho"))
            spectrum = _shift(sines, axis, 1)
            parts.append(spectrum * self.symbol(component.shape[:-1], axis))
        return np.sum(parts, axis=0)

    def _to_grid(self, spectrum: Array, axis: int) -> Array:
        """Transform a spectrum of sines along `axis` and cosines along the others to samples."""
        others = tuple(other for other in range(spectrum.ndim - 1) if other != axis)
        samples = np.asarray(fft.idst(_shift(spectrum, axis, -1), type=2, axis=axis, norm="ortho"))
        return _from_cosines(samples, others)


@dataclass(frozen=True)
class LaplacianStencil:
    """A Laplacian: the sum over the axes of a second derivative with symbol `second` (−ω² is exact).

    `scales` weight the axes: squared pixels per unit give true units, None gives the derivative per pixel² of square
    pixels (see `axis_weights`).
    """

    second: Symbol
    footprint: Footprint = "cross"

    def apply(self, values: Array, scales: tuple[float, ...] | None = None) -> Array:
        """Compute the Laplacian of values (n_1, …, n_D, C), in the same shape."""
        return _filter(values, self.symbol(values.shape[:-1], scales))

    def solve(self, laplacian: Array, scales: tuple[float, ...] | None = None) -> Array:
        """Find the values of zero mean whose stencil Laplacian is nearest to `laplacian` (zero flux over the edge)."""
        symbol = self.symbol(laplacian.shape[:-1], scales)
        return _filter(laplacian, _reciprocal(symbol))

    def matrix(self, shape: tuple[int, ...]) -> sparse.csr_array:
        """`apply` as a sparse matrix over all samples of one channel, in the order of memory."""
        terms = [
            _kronecker([self.apply(np.eye(n)) if other == axis else np.eye(n) for other, n in enumerate(shape)])
            for axis in range(len(shape))
        ]
        return functools.reduce(lambda one, other: one + other, terms)

    def symbol(self, shape: tuple[int, ...], scales: tuple[float, ...] | None = None) -> Array:
        """The symbol at every frequency of a grid, shape (n_1, …, n_D, 1)."""
        terms = []
        for axis, scale in enumerate(scales or (1.0,) * len(shape)):
            factors = [self.second(frequencies(n)) if i == axis else np.ones(n) for i, n in enumerate(shape)]
            terms.append(scale * _outer(factors))
        return np.sum(terms, axis=0)


def axis_weights(pixels_per_unit: tuple[float, ...]) -> tuple[float, ...]:
    """The scales of a Laplacian per pixel² of the first axis; an axis with more closely spaced samples weighs more."""
    return tuple((unit / pixels_per_unit[0]) ** 2 for unit in pixels_per_unit)


def observed_by(stencil: GradientStencil | LaplacianStencil, observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the places where the stencil reads only observed samples."""
    if stencil.footprint == "everywhere":
        return np.full_like(observed, observed.all())
    reach = observed.ndim if stencil.footprint == "square" else 1
    return np.logical_not(ndimage.binary_dilation(~observed, ndimage.generate_binary_structure(observed.ndim, reach)))


# Coefficients of a local stencil are of order one; smaller entries of its matrix are rounding errors of the transform.
_ROUNDING = 1e-12
# A stencil counts as blind to frequencies whose symbol is below this fraction of the largest: a squared rounding error.
_NULL = 1e-12


def frequencies(n: int) -> Array:
    """ω = πk/n, k = 0 … n - 1: the frequencies of n samples on the cosine basis, radians per pixel."""
    return np.pi * np.arange(n) / n


def _reciprocal(symbol: Array) -> Array:
    """1 / symbol, or 0 for frequencies to which the stencil is blind."""
    return np.divide(1, symbol, out=np.zeros_like(symbol), where=abs(symbol) > _NULL * abs(symbol).max())


def _outer(factors: list[Array]) -> Array:
    product = np.ones(1)
    for factor in factors:
        product = product[..., None] * factor
    return product[0][..., None]


def _kronecker(factors: list[Array]) -> sparse.csr_array:
    """The sparse Kronecker product of a matrix per axis."""
    return functools.reduce(
        lambda one, other: sparse.csr_array(sparse.kron(one, other)),
        [sparse.csr_array(np.where(abs(factor) > _ROUNDING, factor, 0)) for factor in factors],
    )


def _filter(values: Array, symbol: Array) -> Array:
    axes = tuple(range(values.ndim - 1))
    return _from_cosines(_to_cosines(values, axes) * symbol, axes)


def _to_cosines(values: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(fft.dctn(values, axes=axes, norm="ortho")) if axes else values


def _from_cosines(spectrum: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(fft.idctn(spectrum, axes=axes, norm="ortho")) if axes else spectrum


def _shift(spectrum: Array, axis: int, by: int) -> Array:
    """Shift between the indices of cosines (k from 0) and sines (k from 1), and drop what falls off the end."""
    shifted = np.zeros_like(spectrum)
    n = spectrum.shape[axis]
    source = np.take(spectrum, range(max(0, -by), n - max(0, by)), axis=axis)
    where = [slice(None)] * spectrum.ndim
    where[axis] = slice(max(0, by), n - max(0, -by))
    shifted[tuple(where)] = source
    return shifted


def _flat(omega: Array) -> Array:
    return np.ones_like(omega)


# Three-tap smoothers along the other axes, normalised: Sobel 1-2-1, Prewitt 1-1-1, Scharr 3-10-3.
GRADIENT_STENCILS: dict[str, GradientStencil] = {
    "central": GradientStencil(np.sin, _flat),
    "sobel": GradientStencil(np.sin, lambda omega: (2 + 2 * np.cos(omega)) / 4, "square"),
    "prewitt": GradientStencil(np.sin, lambda omega: (1 + 2 * np.cos(omega)) / 3, "square"),
    "scharr": GradientStencil(np.sin, lambda omega: (10 + 6 * np.cos(omega)) / 16, "square"),
    "spectral": GradientStencil(lambda omega: omega, _flat, "everywhere"),
}
LAPLACIAN_STENCILS: dict[str, LaplacianStencil] = {
    "laplace": LaplacianStencil(lambda omega: 2 * np.cos(omega) - 2),
    "spectral": LaplacianStencil(lambda omega: -(omega**2), "everywhere"),
}
