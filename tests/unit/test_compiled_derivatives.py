"""A gradient loss survives torch.compile without a graph break: value and parameter gradients stay the same."""

import torch

from siren_pl.field.derivatives import AutoDerivatives
from siren_pl.field.networks import Siren


def test_compiled_gradient_loss_equals_eager():
    network = Siren(2, 1, hidden_features=8, hidden_layers=1)
    coords = torch.rand(16, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    derivatives = AutoDerivatives(1)  # reverse mode, whose double backward is what a compiler may refuse

    def loss(x: torch.Tensor) -> torch.Tensor:
        return (derivatives(network, x, 1).gradient - 1).square().mean()

    parameters = list(network.parameters())[:-1]  # the last bias has no part in a gradient
    eager = loss(coords)
    expected = torch.autograd.grad(eager, parameters)
    # Up to the graphs: machine code is made of them in test_compilation.
    compiled = torch.compile(loss, fullgraph=True, dynamic=False, backend="aot_eager")(coords)
    found = torch.autograd.grad(compiled, parameters)
    # float32 has 7 digits; a sum of a hundred terms in another order loses two, relative to the largest entry.
    torch.testing.assert_close(compiled, eager, rtol=1e-5, atol=0)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()))
