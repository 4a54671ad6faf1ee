"""Every rule of a jet gives the derivatives that nested autograd gives, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from siren_pl.field import activations, jet
from siren_pl.field.networks import Siren

# Rounding in float64 over a handful of operations; magnitudes here are of order one.
TIGHT = {"rtol": 1e-12, "atol": 1e-12}
W = torch.tensor([[0.3, -1.2], [0.7, 0.4], [-0.5, 0.9]], dtype=torch.float64)  # (3, 2)
B = torch.tensor([0.1, -0.2, 0.4], dtype=torch.float64)
CONSTANT = torch.tensor([2.0, -0.5, 3.0], dtype=torch.float64)
SINE, TANH, SOFTPLUS = activations.sine(2.0), activations.TANH, activations.SOFTPLUS


def sine_of(x):
    return jet.elementwise(jet.linear(x, W, B), SINE)


def tanh_of(x):
    return jet.elementwise(jet.linear(x, W + 0.2), TANH)


RULES: dict[str, tuple[Callable, Callable[[Tensor], Tensor]]] = {
    "linear": (lambda x: jet.linear(x, W, B), lambda x: x @ W.T + B),
    "linear without bias": (lambda x: jet.linear(x, W), lambda x: x @ W.T),
    "sine": (sine_of, lambda x: torch.sin(2 * (x @ W.T + B))),
    "tanh": (tanh_of, lambda x: torch.tanh(x @ (W + 0.2).T)),
    "softplus": (
        lambda x: jet.elementwise(jet.linear(x, W, B), SOFTPLUS),
        lambda x: torch.log1p(torch.exp(x @ W.T + B)),
    ),
    "multiply": (
        lambda x: jet.multiply(sine_of(x), tanh_of(x)),
        lambda x: torch.sin(2 * (x @ W.T + B)) * torch.tanh(x @ (W + 0.2).T),
    ),
    "multiply by the seed": (lambda x: jet.multiply(x, x), lambda x: x * x),
    "multiply by a constant": (
        lambda x: jet.multiply(CONSTANT, sine_of(x)),
        lambda x: CONSTANT * torch.sin(2 * (x @ W.T + B)),
    ),
    "add": (
        lambda x: jet.add(sine_of(x), jet.linear(x, W)),
        lambda x: torch.sin(2 * (x @ W.T + B)) + x @ W.T,
    ),
    "add a constant": (lambda x: jet.add(CONSTANT, sine_of(x)), lambda x: CONSTANT + torch.sin(2 * (x @ W.T + B))),
    "concat": (
        lambda x: jet.concat([x, sine_of(x), jet.multiply(x, x)]),
        lambda x: torch.cat([x, torch.sin(2 * (x @ W.T + B)), x * x], -1),
    ),
}


def points(n: int = 7, axes: int = 2) -> Tensor:
    return torch.rand(n, axes, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def oracle(plain: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Jacobian (N, C, D) and Hessian (N, C, D, D), point by point, of a function written in plain torch."""

    def at_point(p: Tensor) -> Tensor:
        return plain(p[None])[0]

    jacobian = torch.stack([torch.autograd.functional.jacobian(at_point, p) for p in x])
    return jacobian, torch.stack([torch.func.hessian(at_point)(p) for p in x])


@pytest.mark.parametrize("name", RULES)
def test_rule_equals_nested_autograd(name):
    rule, plain = RULES[name]
    x = points()
    result = rule(jet.seed(x, 2, groups=((1.0, 0.0), (0.0, 1.0))))
    jacobian, hessian = oracle(plain, x)
    assert result.order == 2
    torch.testing.assert_close(result.value, plain(x), **TIGHT)
    torch.testing.assert_close(result.gradient.expand(2, len(x), -1), jacobian.permute(2, 0, 1), **TIGHT)
    pure = torch.stack([hessian[..., d, d] for d in range(2)])
    torch.testing.assert_close(result.second.expand(2, len(x), -1), pure, **TIGHT)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("order", [0, 1])
def test_lower_orders_are_the_same_jet_cut_short(name, order):
    rule, _ = RULES[name]
    x = points()
    full, cut = rule(jet.seed(x, 2)), rule(jet.seed(x, order))
    assert cut.order == order
    torch.testing.assert_close(cut.value, full.value, rtol=0, atol=0)
    torch.testing.assert_close(rule(x), full.value, rtol=0, atol=0)  # a plain tensor is a jet of order 0
    if order:
        torch.testing.assert_close(cut.gradient, full.gradient, rtol=0, atol=0)


@pytest.mark.parametrize(
    "activation", [activations.sine(30.0), TANH, SOFTPLUS, activations.RELU], ids=["sine", "tanh", "softplus", "relu"]
)
def test_activation_triple_is_consistent(activation):
    # Points away from zero, where ReLU has no derivative.
    z = torch.linspace(-3, 3, 50, dtype=torch.float64)
    first = torch.func.vmap(torch.func.grad(activation.f))(z)
    second = torch.func.vmap(torch.func.grad(torch.func.grad(activation.f)))(z)
    torch.testing.assert_close(activation.df(z), first, **TIGHT)
    # omega_0² = 900 multiplies the rounding of the sine's second derivative.
    torch.testing.assert_close(activation.ddf(z), second, rtol=1e-12, atol=1e-10)


def test_leading_batch_axes_stand_before_the_points():
    x = points(12).reshape(3, 4, 2)
    batched, flat = sine_of(jet.seed(x, 2)), sine_of(jet.seed(x.reshape(12, 2), 2))
    torch.testing.assert_close(batched.value.reshape(12, 3), flat.value, **TIGHT)
    torch.testing.assert_close(batched.gradient.reshape(2, 12, 3), flat.gradient, **TIGHT)
    torch.testing.assert_close(batched.laplacian.reshape(12, 3), flat.laplacian, **TIGHT)


def test_vmap_over_stacked_networks_equals_a_loop():
    networks = [Siren(2, 1, 8, 1, seed=s).double() for s in range(3)]
    parameters, buffers = torch.func.stack_module_state(networks)
    x = points()

    def evaluate(p, b):
        result = torch.func.functional_call(networks[0], (p, b), (jet.seed(x, 2),))
        return result.value, result.gradient, result.laplacian

    stacked = torch.func.vmap(evaluate)(parameters, buffers)
    for index, network in enumerate(networks):
        alone = network(jet.seed(x, 2))
        for found, expected in zip(stacked, (alone.value, alone.gradient, alone.laplacian), strict=True):
            # A batched matrix product may sum in another order; Laplacians here reach 1e3.
            torch.testing.assert_close(found[index], expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1])
def test_half_precision_keeps_coordinates_and_phases(order: int) -> None:
    """Under autocast neighbouring pixels of a large image stay apart, which a coordinate in bfloat16 would not."""
    network = Siren(2, 1, hidden_features=32, hidden_layers=2, omega_0=30.0)
    coords = torch.stack([torch.linspace(0.9, 0.9 + 2 / 2048, 65), torch.zeros(65)], dim=-1)  # 64 steps in 1/32 pixel
    exact = network(jet.seed(coords, order))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(jet.seed(coords, order))
    for name in ("value", "gradient")[: order + 1]:
        wanted, found = ((getattr(jet_, name) if order else jet_.value) for jet_ in (exact, rounded))
        assert found.dtype == torch.float32
        assert (found - wanted).abs().max() < 0.05 * wanted.abs().max()


@pytest.mark.parametrize("order", [0, 1, 2])
def test_coordinates_stay_exact_where_products_may_be_rounded(order: int) -> None:
    """The narrow product that stands in for a rounded one is the same product."""
    network = Siren(2, 3, hidden_features=8, hidden_layers=1).double()
    coords = torch.rand(7, 2, dtype=torch.float64)
    exact = network(jet.seed(coords, order))
    torch.set_float32_matmul_precision("high")
    try:
        found = network(jet.seed(coords, order))
    finally:
        torch.set_float32_matmul_precision("highest")
    for name in ("value", "gradient", "second")[: order + 1]:
        torch.testing.assert_close(getattr(found, name), getattr(exact, name), **TIGHT)
