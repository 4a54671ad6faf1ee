"""Products of interpolated functions: at the nodes they are their numbers, between them the kernel's interpolant."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BarycentricInterpolator

from siren_pl.errors import UserError
from siren_pl.field import jet
from siren_pl.field.activations import LANCZOS, SINC
from siren_pl.field.networks import SincProduct
from siren_pl.field.networks.cardinal import CardinalProducts, extent_rule, nodes_rule
from tests.fields import domain

NODES, EXTENT, RANK = (6, 9), (2 / 3, 1.0), 4


def products(kernel: jet.Activation) -> CardinalProducts:
    generator = torch.Generator().manual_seed(0)
    return CardinalProducts(2, RANK, NODES, EXTENT, kernel, generator).double()


def nodes() -> list[torch.Tensor]:
    """The centres of equal cells along each axis."""
    return [
        (2 * torch.arange(n, dtype=torch.float64) + 1 - n) / n * half for n, half in zip(NODES, EXTENT, strict=True)
    ]


@pytest.mark.parametrize("kernel", [SINC, LANCZOS])
def test_at_the_nodes_they_are_products_of_their_numbers(kernel: jet.Activation) -> None:
    field = products(kernel)
    found = field(torch.cartesian_prod(*nodes())).reshape(*NODES, RANK)
    expected = torch.einsum("ri,rj->ijr", *field.factors)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)  # places are stored in float32


def test_between_the_nodes_a_band_limited_function_is_met() -> None:
    """sinc² has half of the nodes' band and dies off, so that Whittaker's series of few nodes has it (to 1/k²)."""
    count = 201
    field = CardinalProducts(1, 1, [count], [count / 2], SINC, torch.Generator()).double()
    centres = torch.arange(count, dtype=torch.float64) - (count - 1) / 2
    with torch.no_grad():
        field.factors[0].copy_(torch.sinc(centres / 2).square()[None])
    x = torch.linspace(-5, 5, 41, dtype=torch.float64)[:, None]
    torch.testing.assert_close(field(x), torch.sinc(x / 2).square(), rtol=0, atol=4 / (np.pi * count / 2) ** 2)


@pytest.mark.parametrize("kernel", [SINC, LANCZOS])
def test_kernels_have_the_slopes_of_their_interpolating_polynomials(kernel: jet.Activation) -> None:
    """Chebyshev interpolation in float64 differentiates what is smooth; the kernels are, on both sides of a node."""
    for low, high in ((-0.5, 0.5), (0.2, 0.3), (1.1, 1.9), (-2.9, -2.1), (3.1, 4.0)):
        middle, half = (low + high) / 2, (high - low) / 2
        x = middle + half * np.cos(np.pi * (np.arange(24) + 0.5) / 24)
        curve = BarycentricInterpolator(x, kernel.f(torch.tensor(x)).numpy())
        inside = np.linspace(low + half / 3, high - half / 3, 9)
        for order, f in ((1, kernel.df), (2, kernel.ddf)):
            np.testing.assert_allclose(f(torch.tensor(inside)).numpy(), curve.derivative(inside, order), atol=1e-7)


def test_rules_put_a_node_at_every_second_sample_of_each_axis() -> None:
    where = domain(in_features=2, out_features=3, resolution=96.0)
    assert nodes_rule(where) == [48, 48] and extent_rule(where) == [1.0, 1.0]


def test_a_wrong_number_of_axes_is_refused() -> None:
    with pytest.raises(UserError, match=r"model.nodes=\[4, 5\]"):
        SincProduct(3, 1, nodes=(4, 5))
