"""All derivative strategies agree to rounding, for every network, channel count, dimension and init scheme."""

import functools

import pytest
import torch
from torch import Tensor, nn

from siren_pl.field import inits
from siren_pl.field.derivatives import AutoDerivatives, AutogradDerivatives, ForwardDerivatives, ReverseDerivatives
from siren_pl.field.inits import SCHEMES, Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks import Relu, Siren, Softplus, Tanh

NETWORKS = {
    "siren": Siren,
    "siren encoded": functools.partial(Siren, num_frequencies=2),
    "siren two omegas": functools.partial(Siren, first_omega_0=60.0, hidden_omega_0=10.0),
    "relu": Relu,
    "relu encoded": functools.partial(Relu, num_frequencies=3),
    "tanh": Tanh,
    "softplus": Softplus,
}
ALL_SCHEMES = SCHEMES | {"siren_scaled": functools.partial(inits.siren_scaled, scale=2.0)}
FORWARD, REVERSE, AUTOGRAD = ForwardDerivatives(), ReverseDerivatives(), AutogradDerivatives()


def points(axes: int, n: int = 5) -> Tensor:
    return torch.rand(n, axes, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * 2 - 1


def assert_same(found: Tensor | None, expected: Tensor | None, **tolerances: float) -> None:
    assert found is not None
    assert expected is not None
    # float64 keeps 16 digits; a stream cancels against terms as large as its own largest entry.
    options = {"rtol": 1e-10, "atol": 1e-12 * (1 + float(expected.detach().abs().max()))} | tolerances
    torch.testing.assert_close(found, expected, **options)


def assert_strategies_agree(network: nn.Module, x: Tensor, channels: int) -> None:
    first = AUTOGRAD(network, x, 1)
    for strategy in (FORWARD, REVERSE, AutoDerivatives(channels)):
        result = strategy(network, x, 1)
        assert result.order == 1
        assert_same(result.value, first.value)
        assert_same(result.gradient, first.gradient)
    assert first.gradient is not None
    assert first.gradient.shape == (x.shape[1], len(x), channels)
    second = AUTOGRAD(network, x, 2)
    for strategy in (FORWARD, AutoDerivatives(channels)):
        result = strategy(network, x, 2)
        assert_same(result.gradient, first.gradient)
        assert_same(result.laplacian, second.laplacian)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_strategies_agree(name, channels, axes):
    network = NETWORKS[name](axes, channels, hidden_features=6, hidden_layers=2).double()
    assert_strategies_agree(network, points(axes), channels)


@pytest.mark.parametrize("place", ["first", "hidden"])
@pytest.mark.parametrize("scheme", ALL_SCHEMES)
def test_strategies_agree_for_every_scheme(scheme, place):
    init = Init(**{place: ALL_SCHEMES[scheme]}, divide_by_omega=True)
    network = Siren(2, 2, 6, 2, init=init).double()
    assert_strategies_agree(network, points(2), 2)


@pytest.mark.parametrize("name", NETWORKS)
def test_groups_mean_the_same_to_every_strategy(name):
    groups = ((1.0, 0.0, 0.0), (0.0, 1.0, 1.0))
    network = NETWORKS[name](3, 2, hidden_features=6, hidden_layers=1).double()
    expected = AUTOGRAD(network, points(3), 2, groups)
    for strategy in (FORWARD, AutoDerivatives(2)):
        result = strategy(network, points(3), 2, groups)
        assert result.second is not None
        assert result.second.shape == (2, 5, 2)
        assert result.groups == expected.groups == groups
        assert_same(result.second, expected.second)


@pytest.mark.parametrize("strategy", [FORWARD, REVERSE, AUTOGRAD, AutoDerivatives(1)])
def test_order_zero_is_the_value_alone(strategy):
    network = Siren(2, 1, 6, 1).double()
    result = strategy(network, points(2), 0)
    assert result.order == 0
    assert torch.equal(result.value, network(points(2)))


def test_reverse_refuses_order_two():
    with pytest.raises(ValueError, match="derivatives=forward"):
        REVERSE(Siren(2, 1, 6, 1).double(), points(2), 2)


def test_autograd_differentiates_a_foreign_module():
    foreign = nn.Sequential(nn.Linear(2, 4), nn.GELU(), nn.Linear(4, 3)).double()
    x = points(2)
    result = AUTOGRAD(foreign, x, 2)
    hessian = torch.stack([torch.func.hessian(lambda p: foreign(p[None])[0])(p) for p in x])
    assert_same(result.laplacian, hessian.diagonal(dim1=-2, dim2=-1).sum(-1))
    with pytest.raises(TypeError, match="derivatives=autograd"):
        FORWARD(foreign, x, 1)


@pytest.mark.parametrize("strategy", [FORWARD, AUTOGRAD])
def test_a_linear_field_has_no_laplacian(strategy):
    class Affine(nn.Module):
        def forward(self, x: Tensor | Jet):
            from siren_pl.field import jet

            return jet.linear(x, torch.ones(2, 2, dtype=torch.float64))

    result = strategy(Affine(), points(2), 2)
    assert_same(result.laplacian.expand(5, 2), torch.zeros(5, 2, dtype=torch.float64), atol=0.0)


@pytest.mark.parametrize("strategy", [FORWARD, REVERSE, AUTOGRAD])
def test_parameter_gradients_agree(strategy):
    network = Siren(2, 1, 6, 2).double()

    def slopes(s) -> list[Tensor]:
        loss = s(network, points(2), 1).gradient.square().mean()
        return list(torch.autograd.grad(loss, list(network.parameters())[:-1]))

    for found, expected in zip(slopes(strategy), slopes(FORWARD), strict=True):
        assert_same(found, expected)


def test_auto_takes_reverse_only_where_it_is_cheaper():
    class Recorder(nn.Module):
        def forward(self, x: Tensor | Jet):
            seen.append(isinstance(x, Jet))
            return network(x)

    for channels, order, forward in [(1, 1, False), (2, 1, True), (3, 1, True), (1, 2, True)]:
        seen: list[bool] = []
        network = Siren(2, channels, 4, 1).double()
        AutoDerivatives(channels)(Recorder(), points(2), order)
        assert seen == [forward]
