"""Second derivatives of a jet: groups, directions, the Laplacian, and what flows back from it to parameters."""

import math

import pytest
import torch
from torch import Tensor

from siren_pl.field import activations, jet
from siren_pl.field.activations import sine
from siren_pl.field.jet import Jet
from siren_pl.field.networks import Siren, Softplus, Tanh

# Rounding in float64 on values of order one.
TIGHT = {"rtol": 1e-12, "atol": 1e-12}
AXES = torch.eye(2, dtype=torch.float64)


def points(axes: int = 2) -> Tensor:
    return torch.rand(9, axes, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def component(x, axis: int):
    return jet.linear(x, torch.eye(x.value.shape[-1], dtype=torch.float64)[axis : axis + 1])


def test_plane_wave():
    a, b = 1.7, -0.6
    p = points()
    wave = jet.elementwise(jet.linear(jet.seed(p, 2), torch.tensor([[a, b]], dtype=torch.float64)), sine(1.0))
    phase = a * p[:, :1] + b * p[:, 1:]
    torch.testing.assert_close(wave.gradient, torch.stack([a * phase.cos(), b * phase.cos()]), **TIGHT)
    torch.testing.assert_close(wave.laplacian, -(a * a + b * b) * phase.sin(), **TIGHT)


def test_polynomial_x2y():
    p = points()
    seeded = jet.seed(p, 2, groups=((1.0, 0.0), (0.0, 1.0)))
    x, y = component(seeded, 0), component(seeded, 1)
    field = jet.multiply(jet.multiply(x, x), y)
    px, py = p[:, :1], p[:, 1:]
    torch.testing.assert_close(field.value, px**2 * py, **TIGHT)
    torch.testing.assert_close(field.gradient, torch.stack([2 * px * py, px**2]), **TIGHT)
    torch.testing.assert_close(field.second, torch.stack([2 * py, torch.zeros_like(py)]), **TIGHT)


def test_harmonic_fields_have_no_laplacian():
    seeded = jet.seed(points(), 2)
    x, y = component(seeded, 0), component(seeded, 1)
    saddle = jet.add(jet.multiply(x, x), jet.multiply(-torch.ones(1, dtype=torch.float64), jet.multiply(y, y)))
    exponential = activations.Activation(torch.exp, torch.exp, torch.exp)
    wave = jet.multiply(jet.elementwise(x, exponential), jet.elementwise(y, sine(1.0)))  # e^x sin y
    for harmonic in (saddle, wave):
        torch.testing.assert_close(harmonic.laplacian, torch.zeros_like(harmonic.value), **TIGHT)


def test_groups_separate_time_from_space():
    t, k, q = 2.0, 0.5, 1.5
    p = points(3)
    weight = torch.tensor([[t, k, q]], dtype=torch.float64)
    wave = jet.elementwise(jet.linear(jet.seed(p, 2, groups=((1, 0, 0), (0, 1, 1))), weight), sine(1.0))
    phase = p @ weight.T
    assert wave.second.shape == (2, 9, 1)
    torch.testing.assert_close(wave.second[0], -(t**2) * phase.sin(), **TIGHT)
    torch.testing.assert_close(wave.second[1], -(k**2 + q**2) * phase.sin(), **TIGHT)
    torch.testing.assert_close(wave.laplacian, wave.second.sum(0), **TIGHT)


def test_weighted_groups():
    network = Siren(2, 1, 6, 1).double()
    p = points()
    pure = network(jet.seed(p, 2, groups=((1.0, 0.0), (0.0, 1.0)))).second
    weighted = network(jet.seed(p, 2, groups=((0.25, -3.0),))).second[0]
    # omega_0 = 30: second derivatives are of order 1e2 to 1e3, hence the absolute term.
    torch.testing.assert_close(weighted, 0.25 * pure[0] - 3 * pure[1], rtol=1e-12, atol=1e-10)


def test_mixed_derivative_by_polarisation():
    a, b = 1.7, -0.6
    p = points()
    directions = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    seeded = jet.seed(p, 2, groups=((1.0, 0.0), (0.0, 1.0)), directions=directions)
    wave = jet.elementwise(jet.linear(seeded, torch.tensor([[a, b]], dtype=torch.float64)), sine(1.0))
    phase = a * p[:, :1] + b * p[:, 1:]
    torch.testing.assert_close((wave.second[0] - wave.second[1]) / 4, -a * b * phase.sin(), **TIGHT)
    torch.testing.assert_close(wave.gradient, torch.stack([(a + b) * phase.cos(), (a - b) * phase.cos()]), **TIGHT)


def test_more_directions_than_axes():
    directions = torch.cat([AXES, torch.full((1, 2), math.sqrt(0.5), dtype=torch.float64)])
    network = Tanh(2, 2, 6, 1).double()
    p = points()
    slopes = network(jet.seed(p, 1, directions=directions)).gradient
    torch.testing.assert_close(slopes[2], (slopes[0] + slopes[1]) * math.sqrt(0.5), **TIGHT)


@pytest.mark.parametrize("groups", [((1.0, 0.0),), ((2.0, 1.0),), ((1.0, 1.0), (1.0, 0.0)), ((0.5, 0.5),)])
def test_laplacian_is_refused_for_groups_that_do_not_add_up(groups):
    with pytest.raises(ValueError, match="groups=None"):
        _ = jet.seed(points(), 2, groups=groups).laplacian


@pytest.mark.parametrize("order", [0, 1])
def test_laplacian_is_refused_below_order_two(order):
    with pytest.raises(ValueError, match="order=2"):
        _ = jet.seed(points(), order).laplacian


def test_groups_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="one weight per direction"):
        jet.seed(points(), 2, groups=((1.0, 1.0, 1.0),))


@pytest.mark.parametrize("make", [Siren, Tanh, Softplus])
def test_parameter_gradients_of_a_laplacian_loss(make):
    network = make(2, 2, 7, 2).double()
    target = points()
    p = points()
    forward: Jet = network(jet.seed(p, 2))
    found = torch.autograd.grad(
        ((forward.laplacian - target) ** 2).mean(), list(network.parameters()), allow_unused=True
    )
    leaf = p.clone().requires_grad_()
    values = network(leaf)
    columns = []
    for channel in values.unbind(-1):
        (slope,) = torch.autograd.grad(channel.sum(), leaf, create_graph=True)
        terms = [torch.autograd.grad(slope[:, d].sum(), leaf, create_graph=True)[0][:, d] for d in range(2)]
        columns.append(sum(terms))
    loss = ((torch.stack(columns, -1) - target) ** 2).mean()
    expected = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    assert sum(part is None for part in found) == sum(part is None for part in expected) == 1  # the last bias
    for a, b in zip(found, expected, strict=True):
        if b is not None:
            # Sums of about 1e2 terms whose size is that of the largest entry.
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11 * float(b.abs().max()))
