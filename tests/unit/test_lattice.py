"""A lattice's cosines reproduce the samples and their interpolant; residuals are integrated to their potentials."""

import math

import numpy as np
import pytest
import torch
from scipy import fft
from torch import Tensor

from siren_pl.problems.derivatives import lattice
from siren_pl.problems.derivatives.lattice import Lattice, integrator, lattice_shape, shifted, spectrum
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS

SHAPES = [(7,), (8, 11), (4, 5, 6)]
CPU = torch.device("cpu")
TIGHT = {"rtol": 0, "atol": 1e-12}  # float64 sums of fewer than 300 terms of order one
SINGLE = {"rtol": 0, "atol": 1e-4}  # float32 tools; 1/|ω|² of up to 1e1 magnifies their 1e-6


def noise(shape: tuple[int, ...], channels: int = 2) -> Tensor:
    return torch.randn(*shape, channels, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def centres(shape: tuple[int, ...]) -> Lattice:
    return Lattice(shape, [torch.arange(n, dtype=torch.float64) + 0.5 for n in shape])


@pytest.mark.parametrize("shape", SHAPES)
def test_spectrum_is_scipys_dct(shape):
    values = noise(shape)
    axes = tuple(range(len(shape)))
    np.testing.assert_allclose(spectrum(values), fft.dctn(values.numpy(), axes=axes, norm="ortho"), **TIGHT)


@pytest.mark.parametrize("shape", SHAPES)
def test_sine_spectrum_is_scipys_dst_shifted_by_one(shape):
    """DST-II counts frequencies 1 … n; here sine and cosine of one frequency share an index, 0 … n - 1."""
    values = noise(shape).numpy()
    for axis, n in enumerate(shape):
        others = tuple(set(range(len(shape))) - {axis})
        expected = fft.dst(
            fft.dctn(values, axes=others, norm="ortho") if others else values, 2, axis=axis, norm="ortho"
        )
        found = spectrum(torch.from_numpy(values), axis).numpy()
        np.testing.assert_allclose(np.take(found, range(1, n), axis), np.take(expected, range(n - 1), axis), **TIGHT)
        assert not np.take(found, 0, axis).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_interpolation_reproduces_the_samples(shape):
    values = noise(shape)
    torch.testing.assert_close(centres(shape).interpolate(spectrum(values)), values, **TIGHT)


def test_interpolation_of_a_cosine_is_exact_anywhere():
    shape, k = (8, 11), (3, 10)
    rng = torch.Generator().manual_seed(1)
    anywhere = Lattice((5, 5), [torch.rand(5, dtype=torch.float64, generator=rng) * n for n in shape])

    def wave(positions: list[Tensor]) -> Tensor:
        y, x = (torch.cos(math.pi * f / n * p) for f, n, p in zip(k, shape, positions, strict=True))
        return (y[:, None] * x)[..., None]

    found = anywhere.interpolate(spectrum(wave(centres(shape).positions)))
    torch.testing.assert_close(found, wave(anywhere.positions), **TIGHT)


@pytest.mark.parametrize("axis", [0, 1])
def test_interpolated_gradient_is_the_derivative_of_the_interpolant(axis):
    shape = (6, 9)
    values = noise(shape)
    slopes = torch.from_numpy(GRADIENT_STENCILS["spectral"].apply(values.numpy())[axis])
    positions = [
        torch.rand(4, dtype=torch.float64, generator=torch.Generator().manual_seed(a)) * shape[a] for a in (0, 1)
    ]
    point = positions[axis].clone().requires_grad_()
    field = Lattice((4, 4), [point if a == axis else positions[a] for a in (0, 1)]).interpolate(spectrum(values))
    derivative = torch.stack([torch.autograd.grad(c.sum(), point, retain_graph=True)[0] for c in field.unbind(-1)], -1)
    found = Lattice((4, 4), positions).interpolate(spectrum(slopes, axis), axis).sum(1 - axis)
    torch.testing.assert_close(found, derivative, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_potential_of_gradient_is_the_field(shape):
    values = noise(shape)
    wanted = spectrum(values)
    wanted[(0,) * len(shape)] = 0  # derivatives leave the mean open
    gradient = torch.from_numpy(GRADIENT_STENCILS["spectral"].apply(values.numpy())).float()
    found = lattice.potential_of_gradient(gradient, integrator(shape, shape, CPU, torch.float32))
    torch.testing.assert_close(found.double(), wanted, **SINGLE)


@pytest.mark.parametrize("shape", SHAPES)
def test_potential_of_laplacian_is_the_field(shape):
    values = noise(shape)
    wanted = spectrum(values)
    wanted[(0,) * len(shape)] = 0
    laplacian = torch.from_numpy(LAPLACIAN_STENCILS["spectral"].apply(values.numpy())).float()
    found = lattice.potential_of_laplacian(laplacian, integrator(shape, shape, CPU, torch.float32))
    torch.testing.assert_close(found.double(), wanted, **SINGLE)


@pytest.mark.parametrize("shape", [(6,), (7, 5)])
def test_potential_on_a_coarser_lattice_has_the_same_mean_square(shape):
    """A field slow enough for the coarse lattice: the potential's mean square is the field's, whatever the density."""
    fine = tuple(4 * n for n in shape)
    phases = [torch.arange(n, dtype=torch.float64).add(0.5) * (math.pi * 2 / n) for n in fine]
    field = torch.stack(torch.meshgrid(*[p.cos() for p in phases], indexing="ij")).prod(0)[..., None]
    gradient = torch.from_numpy(GRADIENT_STENCILS["spectral"].apply(field.numpy()))
    coarse = Lattice(shape, [(torch.arange(n, dtype=torch.float64) + 0.5) * 4 for n in shape])
    residual = torch.stack([coarse.interpolate(spectrum(g, axis), axis) for axis, g in enumerate(gradient)])
    found = lattice.potential_of_gradient(residual.float(), integrator(fine, shape, CPU, torch.float32))
    assert float(found.square().mean()) == pytest.approx(float(field.square().mean()), rel=1e-5)  # float32


@pytest.mark.parametrize(
    ("points", "expected"), [(None, (40, 60)), (2400, (40, 60)), (9999, (40, 60)), (600, (20, 30))]
)
def test_lattice_shape(points, expected):
    assert lattice_shape((40, 60), points) == expected


def test_lattice_shape_never_vanishes():
    assert min(lattice_shape((2, 500), 10)) >= 1


@pytest.mark.parametrize("grid", [PixelCentres(), PixelCorners()])
def test_lattice_coordinates_are_those_of_the_grid(grid):
    signal = SampledSignal(torch.zeros(6, 9, 1), grid=grid)
    unit = torch.tensor(signal.pixels_per_unit, dtype=torch.float64)
    found = centres((6, 9)).coords((6, 9), unit)
    torch.testing.assert_close(found.float(), signal.coords(), rtol=0, atol=1e-7)


def test_a_shifted_lattice_covers_the_domain_evenly():
    drawn = shifted((40, 60), 600, torch.Generator().manual_seed(0))
    assert drawn.shape == (20, 30)
    for n, m, positions in zip((40, 60), drawn.shape, drawn.positions, strict=True):
        cell = n / m
        torch.testing.assert_close(positions.diff(), torch.full((m - 1,), cell), rtol=0, atol=1e-5)
        assert 0 <= float(positions[0]) < cell
    rest = [float(shifted((40, 60), 600, torch.Generator().manual_seed(s)).positions[0][0]) for s in range(200)]
    assert np.mean(rest) == pytest.approx(1.0, abs=4 * 2 / math.sqrt(12 * 200))  # uniform on [0, 2): four σ of the mean
