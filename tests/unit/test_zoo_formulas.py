"""Each network of the zoo computes the formula in its paper, which is implemented here by other means."""

import math

import numpy as np
import pytest
import scipy.fft
import torch
from torch.nn import functional

from siren_pl.field import activations, jet
from siren_pl.field.networks import (
    Bacon,
    ComplexWire,
    Finer,
    FourierFeatures,
    FourierFilters,
    GaborFilters,
    HashGrid,
    TensorProduct,
)
from siren_pl.field.networks.hash_grid import HashGridEncoding

X = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def test_finer() -> None:
    network = Finer(2, 1, 8, 1, omega_0=7.0, first_bias=3.0).double()
    first, hidden, last = network.layers
    z = first(X)
    z = hidden(torch.sin(7 * (z.abs() + 1) * z))
    expected = last(torch.sin(7 * (z.abs() + 1) * z))
    torch.testing.assert_close(network(X), expected)
    assert first.bias.abs().max() > 1.5 and first.bias.abs().max() <= 3


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        (activations.gaussian(0.3), lambda z: torch.exp(-z.square() / (2 * 0.3**2))),
        (activations.gabor(5.0, 2.0), lambda z: torch.cos(5 * z) * torch.exp(-((2 * z) ** 2))),
        (activations.variable_sine(4.0), lambda z: torch.sin(4 * (z.abs() + 1) * z)),
        (activations.bell(2.0, 3.0), lambda z: torch.exp(-((2 * z) ** 2) - 3 * z)),
    ],
)
def test_activations_and_their_derivatives(activation, formula) -> None:
    z = torch.linspace(-1.1, 1.2, 40, dtype=torch.float64, requires_grad=True)
    value = formula(z)
    (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), z)
    for found, expected in zip((activation.f, activation.df, activation.ddf), (value, slope, curvature), strict=True):
        torch.testing.assert_close(found(z), expected, rtol=1e-10, atol=1e-10)


def test_complex_wire_in_complex_numbers() -> None:
    omega, scale = 4.0, 3.0
    network = ComplexWire(2, 3, 5, 2, omega_0=omega, scale=scale).double()
    z = torch.exp(1j * omega * network.first(X) - (scale * network.first(X)) ** 2)
    for real, imaginary in zip(network.real, network.imaginary, strict=True):
        weight, bias = real.weight + 1j * imaginary.weight, real.bias + 1j * imaginary.bias
        z = z @ weight.T + bias
        z = torch.exp(1j * omega * z - (scale * z.abs()) ** 2)
    # The last layer's real part, from the halves of its weight: Re(W z) = Wr u - Wi v.
    u_half, v_half = network.last.weight.chunk(2, dim=1)
    expected = z.real @ u_half.T + z.imag @ v_half.T + network.last.bias
    torch.testing.assert_close(network(X), expected)


def test_fourier_features_have_the_stated_frequencies() -> None:
    network = FourierFeatures(2, 1, 8, 1, num_frequencies=20_000, deviation=6.0)
    assert network.encoding is not None
    matrix = network.encoding.matrix[:20_000]
    cycles = matrix / math.pi  # across two units
    assert cycles.std() == pytest.approx(6.0, rel=0.02) and cycles.mean() == pytest.approx(0, abs=0.15)
    encoded = network.encoding(X[:3].float())
    torch.testing.assert_close(encoded[:, :20_000].square() + encoded[:, 20_000:].square(), torch.ones(3, 20_000))


def test_fourier_filters() -> None:
    network = FourierFilters(2, 3, 6, 2, input_scale=9.0).double()
    waves = [torch.sin(X @ f.frequencies.T + f.phase) for f in network.filters]
    z = waves[0]
    for layer, wave in zip(network.layers, waves[1:], strict=True):
        z = layer(z) * wave
    torch.testing.assert_close(network(X), network.last(z))


def test_gabor_filters() -> None:
    network = GaborFilters(2, 1, 6, 1, input_scale=9.0).double()

    def filtered(g):
        distance = (X[:, None] - g.centre).square().sum(-1)
        return torch.sin(X @ g.wave.frequencies.T + g.wave.phase) * torch.exp(-g.gamma / 2 * distance)

    z = network.layers[0](filtered(network.filters[0])) * filtered(network.filters[1])
    torch.testing.assert_close(network(X), network.last(z))


@pytest.mark.parametrize("hidden_layers", [0, 2, 3])
def test_bacon_has_no_content_above_its_band(hidden_layers: int) -> None:
    """The field repeats every four units; a Fourier transform over them must end at the bandwidth, whatever happens."""
    band = 7.0  # cycles across two units, so 14 in four
    network = Bacon(1, 1, 16, hidden_layers, bandwidth=band, seed=1).double()
    with torch.no_grad():
        for wave in network.filters:  # whole multiples of π / 2, which float32 had rounded
            wave.frequencies = (wave.frequencies / (math.pi / 2)).round() * (math.pi / 2)
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, dtype=parameter.dtype))
    x = torch.arange(256, dtype=torch.float64)[:, None] * 4 / 256 - 2
    spectrum = torch.fft.rfft(network(x).detach()[:, 0]).abs()
    assert spectrum[15:].max() < 1e-10 * spectrum.max()
    assert spectrum[8:15].max() > 1e-3 * spectrum.max()  # the band is used


def test_hash_grid_is_bilinear_interpolation() -> None:
    """One level that fits its table is a picture of features: torch's own sampler agrees."""
    cells = 5
    grid = HashGridEncoding(2, 1, 3, 10_000, cells, cells, torch.Generator().manual_seed(0)).double()
    picture = grid.table.detach().reshape(1, 3, cells + 1, cells + 1)
    expected = functional.grid_sample(picture, X.flip(-1)[None, None], align_corners=True, mode="bilinear")
    torch.testing.assert_close(grid(X), expected[0, :, 0].T)


def test_hash_grid_hashes_levels_that_do_not_fit() -> None:
    grid = HashGridEncoding(2, 4, 2, 64, 4, 32, torch.Generator().manual_seed(0))
    assert grid.cells.tolist() == [4, 8, 16, 32]
    assert grid.sizes.tolist() == [25, 64, 64, 64]
    corners = torch.cartesian_prod(torch.arange(33), torch.arange(33))
    rows = grid._rows([corner[:, None].expand(-1, 4) for corner in corners.unbind(-1)])[:, 3] - grid.starts[3]
    assert rows.min() == 0 and rows.max() == 63
    assert torch.bincount(rows).float().std() < 0.6 * torch.bincount(rows).float().mean()  # spread evenly
    assert grid(torch.ones(1, 2)).isfinite().all() and grid(-torch.ones(1, 2)).isfinite().all()


def test_hash_grid_refuses_second_derivatives() -> None:
    network = HashGrid(2, 1, 4, 0)
    with pytest.raises(ValueError, match="no second derivative"):
        network(jet.seed(X.float(), 2))
    with pytest.raises(ValueError, match="at most 3 coordinates"):
        HashGrid(4, 1)


def test_tensor_product_is_a_cosine_transform() -> None:
    """At pixel centres the field is SciPy's inverse cosine transform of its low-rank spectrum."""
    n, rank = 12, 3
    network = TensorProduct(2, 1, rank, frequencies=n, decay=5.0, seed=2).double()
    network.angular = math.pi / 2 * torch.arange(n, dtype=torch.float64)  # float32 had rounded π
    a = (network.coefficients * network.damping).detach().numpy()
    weight = network.last.weight.detach().numpy()[0]
    spectrum = np.einsum("r,rk,rl->kl", weight, a[0], a[1])
    # SciPy's DCT-III counts every cosine but the constant twice.
    spectrum[1:] /= 2
    spectrum[:, 1:] /= 2
    expected = scipy.fft.dctn(spectrum, type=3) + float(network.last.bias.detach())
    centres = (2 * torch.arange(n, dtype=torch.float64) + 1 - n) / n
    found = network(torch.cartesian_prod(centres, centres)).detach().numpy().reshape(n, n)
    np.testing.assert_allclose(found, expected, atol=1e-12)
