"""The rivals, reimplemented: how SIRENs are usually trained.

`Official` is the recipe of the paper's code: `nn.Linear`, `sin(30 ·)`, coordinates that require gradients, and nested
`autograd.grad(create_graph=True)` for derivatives, one call per channel, in eager mode.
"""

from __future__ import annotations

import importlib.util
import itertools
import math

import torch
from torch import Tensor, nn

OMEGA_0 = 30.0


class Official(nn.Module):
    """A SIREN 2-256-256-256-256-C, initialised as in the paper."""

    def __init__(self, out_features: int = 1, hidden_features: int = 256, hidden_layers: int = 3) -> None:
        super().__init__()
        widths = [2, *[hidden_features] * (hidden_layers + 1), out_features]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                fan_in = layer.weight.shape[1]
                bound = 1 / fan_in if index == 0 else math.sqrt(6 / fan_in) / OMEGA_0
                layer.weight.uniform_(-bound, bound)

    def forward(self, coords: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values, and the coordinates for differentiation."""
        coords = coords.clone().detach().requires_grad_(True)
        x = coords
        for layer in list(self.layers)[:-1]:
            x = torch.sin(OMEGA_0 * layer(x))
        return self.layers[-1](x), coords


def official_gradient(values: Tensor, coords: Tensor) -> Tensor:
    """The gradient (C, N, 2), with one call per channel."""
    slopes = [
        torch.autograd.grad(channel, coords, torch.ones_like(channel), create_graph=True)[0]
        for channel in values.unbind(-1)
    ]
    return torch.stack(slopes)


def official_laplacian(values: Tensor, coords: Tensor) -> Tensor:
    """The Laplacian (N,) of one channel, as the divergence of the gradient."""
    gradient = official_gradient(values, coords)[0]
    total = torch.zeros_like(gradient[:, 0])
    for axis in range(gradient.shape[-1]):
        component = gradient[:, axis]
        total = (
            total + torch.autograd.grad(component, coords, torch.ones_like(component), create_graph=True)[0][:, axis]
        )
    return total


def siren_pytorch(out_features: int = 1) -> nn.Module | None:
    """A network of the same size from the package siren-pytorch; None if it is not installed."""
    if importlib.util.find_spec("siren_pytorch") is None:
        return None
    from siren_pytorch import SirenNet

    return SirenNet(
        dim_in=2, dim_hidden=256, dim_out=out_features, num_layers=4, final_activation=nn.Identity(),
        w0=OMEGA_0, w0_initial=OMEGA_0,
    )  # fmt: skip


def matrix_products(points: int, device: torch.device, width: int = 256, hidden_layers: int = 3):
    """The lower bound: only the matrix products of a value step (one forward and two backward for each layer)."""
    x = torch.randn(points, width, device=device)
    weight = torch.randn(width, width, device=device)

    def step() -> None:
        for _ in range(hidden_layers):
            torch.mm(x, weight)  # forward
            torch.mm(x, weight)  # gradient of the layer's input
            torch.mm(x.T, x)  # gradient of the weight

    return step
