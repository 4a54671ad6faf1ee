"""Derivatives of sampled data: a stencil is a pair of symbols on the cosine basis.

Data that continue beyond their edge by reflection (SciPy's `reflect`: d c b a | a b c d) are a sum of cosines
cos(πk (2i + 1) / 2n). A symmetric stencil multiplies each by a number, an antisymmetric one turns it into the sine of
the same frequency. Hence every derivative here is "transform, multiply by the symbol at ω = πk/n, transform back".

Frequencies ω are in radians per pixel, derivatives per pixel; true units come from the grid's pixels per unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

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
        spectrum = to_cosines(values, axes)
        return np.stack([self._to_grid(spectrum * self.symbol(values.shape[:-1], axis), axis) for axis in axes])

    def symbol(self, shape: tuple[int, ...], axis: int) -> Array:
        """The symbol of the derivative along `axis` at every frequency of a grid, shape (n_1, …, n_D, 1)."""
        factors = [
            -self.derivative(frequencies(n)) if other == axis else self.smoothing(frequencies(n))
            for other, n in enumerate(shape)
        ]
        return _outer(factors)

    def _to_grid(self, spectrum: Array, axis: int) -> Array:
        """Transform a spectrum of sines along `axis` and cosines along the others to samples."""
        others = tuple(other for other in range(spectrum.ndim - 1) if other != axis)
        samples = np.asarray(fft.idst(shift_indices(spectrum, axis, -1), type=2, axis=axis, norm="ortho"))
        return from_cosines(samples, others)


@dataclass(frozen=True)
class LaplacianStencil:
    """A Laplacian: the sum over the axes of a second derivative with symbol `second` (−ω² is exact).

    `scales` weight the axes: squared pixels per unit give true units, None gives the derivative per pixel² of square
    pixels.
    """

    second: Symbol
    footprint: Footprint = "cross"

    def apply(self, values: Array, scales: tuple[float, ...] | None = None) -> Array:
        """Compute the Laplacian of values (n_1, …, n_D, C), in the same shape."""
        return filtered(values, self.symbol(values.shape[:-1], scales))

    def symbol(self, shape: tuple[int, ...], scales: tuple[float, ...] | None = None) -> Array:
        """The symbol at every frequency of a grid, shape (n_1, …, n_D, 1)."""
        terms = []
        for axis, scale in enumerate(scales or (1.0,) * len(shape)):
            factors = [self.second(frequencies(n)) if i == axis else np.ones(n) for i, n in enumerate(shape)]
            terms.append(scale * _outer(factors))
        return np.sum(terms, axis=0)


def frequencies(n: int) -> Array:
    """ω = πk/n, k = 0 … n - 1: the frequencies of n samples on the cosine basis, radians per pixel."""
    return np.pi * np.arange(n) / n


def _outer(factors: list[Array]) -> Array:
    product = np.ones(1)
    for factor in factors:
        product = product[..., None] * factor
    return product[0][..., None]


def filtered(values: Array, symbol: Array) -> Array:
    """Multiply the cosine spectrum of values (n_1, …, n_D, C) by a symbol."""
    axes = tuple(range(values.ndim - 1))
    return from_cosines(to_cosines(values, axes) * symbol, axes)


def to_cosines(values: Array, axes: tuple[int, ...]) -> Array:
    """The orthonormal cosine spectrum along some axes."""
    return np.asarray(fft.dctn(values, axes=axes, norm="ortho")) if axes else values


def from_cosines(spectrum: Array, axes: tuple[int, ...]) -> Array:
    """The samples of an orthonormal cosine spectrum along some axes."""
    return np.asarray(fft.idctn(spectrum, axes=axes, norm="ortho")) if axes else spectrum


def shift_indices(spectrum: Array, axis: int, by: int) -> Array:
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
