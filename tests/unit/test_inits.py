"""Each scheme draws from the range or deviation stated in its paper or torch.nn.init; a seed determines the weights."""

import functools
import math

import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.field import inits
from siren_pl.field.inits import SCHEMES, Init
from siren_pl.field.networks import Mlp, Relu, Siren, Softplus, Tanh

WIDTH, OMEGA = 128, 25.0
FOREIGN = [name for name in SCHEMES if name not in ("siren", "framework")]
SCALED = functools.partial(inits.siren_scaled, scale=2.37)


def network(init: Init | None = None, in_features: int = 2, seed: int = 0) -> Mlp:
    return Siren(in_features, 3, WIDTH, 2, omega_0=OMEGA, init=init, seed=seed)


def assert_fills(values: torch.Tensor, bound: float) -> None:
    """Uniform on ±bound: never outside (up to float32), and the largest of n comes within 12 / n of the bound."""
    reach = float(values.detach().abs().max())
    assert reach <= bound * (1 + 1e-6)
    # P(max < bound (1 - 12/n)) = (1 - 12/n)^n < e^-12 = 6e-6.
    assert reach >= bound * (1 - 12 / values.numel())


def test_framework_is_what_a_linear_layer_does_itself():
    torch.manual_seed(3)
    expected = torch.nn.Linear(7, 4).weight
    found = torch.empty(4, 7)
    SCHEMES["framework"](found, inits.HIDDEN, OMEGA, torch.Generator().manual_seed(3))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("in_features", [1, 2, 3])
def test_siren_ranges(in_features):
    layers = network(in_features=in_features).layers
    assert_fills(layers[0].weight, 1 / in_features)
    for layer in layers[1:]:
        assert_fills(layer.weight, math.sqrt(6 / WIDTH) / OMEGA)
    for layer in layers:
        assert_fills(layer.bias, 1 / math.sqrt(layer.in_features))


def test_siren_ranges_follow_each_omega():
    layers = Siren(2, 1, WIDTH, 2, omega_0=5.0, first_omega_0=90.0, hidden_omega_0=10.0).layers
    assert_fills(layers[0].weight, 1 / 2)  # the first range knows no omega
    for layer in layers[1:]:
        assert_fills(layer.weight, math.sqrt(6 / WIDTH) / 10.0)


def test_siren_behind_an_encoding_counts_the_encoded_inputs():
    layers = Siren(2, 1, WIDTH, 1, num_frequencies=3).layers
    assert layers[0].in_features == 2 * (1 + 2 * 3)
    assert_fills(layers[0].weight, 1 / 14)


def test_siren_scaled_leaves_the_last_layer():
    plain, scaled = network(), network(Init(SCALED, SCALED))
    for index, (a, b) in enumerate(zip(plain.layers, scaled.layers, strict=True)):
        factor = 1.0 if index == len(plain.layers) - 1 else 2.37
        torch.testing.assert_close(b.weight, factor * a.weight)
        assert torch.equal(b.bias, a.bias)


@pytest.mark.parametrize(
    ("scheme", "bound"),
    # torch.nn.init's defaults: gain 1 for Xavier, gain sqrt(2) over fan_in for Kaiming (a = 0).
    [("xavier_uniform", math.sqrt(6 / (WIDTH + WIDTH))), ("kaiming_uniform", math.sqrt(2) * math.sqrt(3 / WIDTH))],
)
def test_foreign_uniform_ranges(scheme, bound):
    assert_fills(network(Init(hidden=SCHEMES[scheme])).layers[1].weight, bound)


def test_uniform_is_from_zero_to_one():
    weight = network(Init(hidden=SCHEMES["uniform"])).layers[1].weight.detach()
    assert float(weight.min()) >= 0
    assert_fills(2 * weight - 1, 1.0)


@pytest.mark.parametrize(
    ("scheme", "std"),
    [("normal", 1.0), ("xavier_normal", math.sqrt(2 / (WIDTH + WIDTH))), ("kaiming_normal", math.sqrt(2 / WIDTH))],
)
def test_foreign_normal_spread(scheme, std):
    weight = network(Init(hidden=SCHEMES[scheme])).layers[1].weight.detach() / std
    # 16,384 draws: the mean's standard error is 1/128, the standard deviation's 1/181; five of each.
    assert abs(float(weight.mean())) < 5 / 128
    assert abs(float(weight.std()) - 1) < 5 / 181
    assert float(weight.abs().max()) > 3  # normal, not uniform, whose reach is sqrt(3)


@pytest.mark.parametrize("scheme", FOREIGN)
def test_foreign_schemes_are_those_of_torch(scheme):
    found, expected = torch.empty(8, 5), torch.empty(8, 5)
    SCHEMES[scheme](found, inits.HIDDEN, OMEGA, torch.Generator().manual_seed(4))
    name = {"uniform": "uniform_", "normal": "normal_"}.get(scheme, f"{scheme}_")
    getattr(torch.nn.init, name)(expected, generator=torch.Generator().manual_seed(4))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("scheme", FOREIGN)
def test_divide_by_omega_divides_foreign_weights_alone(scheme):
    plain = network(Init(SCHEMES[scheme], SCHEMES[scheme]))
    divided = network(Init(SCHEMES[scheme], SCHEMES[scheme], divide_by_omega=True))
    for a, b in zip(plain.layers, divided.layers, strict=True):
        torch.testing.assert_close(b.weight, a.weight / OMEGA)
        assert torch.equal(b.bias, a.bias)


@pytest.mark.parametrize("scheme", [inits.siren, SCALED], ids=["siren", "siren_scaled"])
def test_divide_by_omega_never_divides_sirens_own(scheme):
    plain, divided = network(Init(scheme, scheme)), network(Init(scheme, scheme, divide_by_omega=True))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), divided.parameters(), strict=True))


@pytest.mark.parametrize("scheme", FOREIGN)
def test_first_and_hidden_are_chosen_apart(scheme):
    siren, first, hidden = network(), network(Init(first=SCHEMES[scheme])), network(Init(hidden=SCHEMES[scheme]))
    low, high = -1 / 2, 1 / 2  # SIREN's range of a first layer of two inputs
    assert not torch.equal(first.layers[0].weight, siren.layers[0].weight)
    assert torch.equal(hidden.layers[0].weight, siren.layers[0].weight)
    assert float(hidden.layers[0].weight.detach().min()) >= low
    assert float(hidden.layers[0].weight.detach().max()) <= high
    for layer in first.layers[1:]:
        assert_fills(layer.weight, math.sqrt(6 / WIDTH) / OMEGA)
    for layer in hidden.layers[1:]:
        assert float(layer.weight.detach().abs().max()) > math.sqrt(6 / WIDTH) / OMEGA


@pytest.mark.parametrize("make", [Siren, Relu, Tanh, Softplus])
def test_a_seed_decides_the_weights(make):
    torch.manual_seed(1)
    first = make(2, 1, 8, 1, seed=7)
    torch.manual_seed(2)  # the global generator has no say
    again, other = make(2, 1, 8, 1, seed=7), make(2, 1, 8, 1, seed=8)
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_a_sphere_is_the_start_of_a_wide_perceptron_of_rectifiers() -> None:
    """The theorem holds as the width goes to infinity; with 2,048 units errors are a few hundredths."""
    start = inits.Sphere(0.5)
    points = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) / 2
    field = Relu(3, 1, 2048, 1, init=Init(start, start), seed=0)
    error = field(points)[:, 0] - (points.norm(dim=1) - 0.5)
    assert error.abs().mean() < 0.05
    with pytest.raises(UserError, match="model=relu"):
        network(Init(hidden=start))
