"""Derivatives with respect to coordinates are right whether or not gradients of parameters are recorded."""

import pytest
import torch
from torch import Tensor

from siren_pl.field.derivatives import AutoDerivatives, AutogradDerivatives, ForwardDerivatives, ReverseDerivatives
from siren_pl.field.networks import Siren

FORWARD, REVERSE, AUTOGRAD = ForwardDerivatives(), ReverseDerivatives(), AutogradDerivatives()


def points(axes: int, n: int = 5) -> Tensor:
    return torch.rand(n, axes, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * 2 - 1


def assert_same(found: Tensor, expected: Tensor) -> None:
    # float64 keeps 16 digits; a stream cancels against terms as large as its own largest entry.
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12 * (1 + float(expected.detach().abs().max())))


@pytest.mark.parametrize("strategy", [FORWARD, REVERSE, AUTOGRAD, AutoDerivatives(1)])
def test_derivatives_are_there_without_grad_mode(strategy):
    network = Siren(2, 1, 6, 1).double()
    expected = FORWARD(network, points(2), 1)
    with torch.no_grad():
        result = strategy(network, points(2), 1)
    assert_same(result.gradient, expected.gradient)
    assert not result.value.requires_grad
    assert not result.gradient.requires_grad


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("strategy", [FORWARD, REVERSE, AUTOGRAD])
def test_derivatives_are_there_in_inference_mode(strategy, order):
    """Lightning evaluates under inference mode, where nothing is recorded: never a silent zero."""
    if (strategy, order) == (REVERSE, 2):
        strategy = AutoDerivatives(1)
    network = Siren(2, 1, 6, 1).double()
    expected = FORWARD(network, points(2), order)
    with torch.inference_mode():
        result = strategy(network, points(2), order)
    assert_same(result.gradient, expected.gradient)
    if order > 1:
        assert_same(result.laplacian, expected.laplacian)


def test_autograd_reaches_order_two_without_grad_mode():
    network = Siren(2, 1, 6, 1).double()
    with torch.no_grad():
        result = AUTOGRAD(network, points(2), 2)
    assert_same(result.laplacian, FORWARD(network, points(2), 2).laplacian)
    assert not result.laplacian.requires_grad
