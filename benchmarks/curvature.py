"""Second derivatives in space: Laplacian and whole Hessian of 3-256×4-1 at 1,000 points, with the backward pass.

Ours are jets, compiled: along the three axes, or along the six directions of `penalties.DIRECTIONS`. The rival nests
`autograd.grad` on the same network, eagerly, since `torch.compile` cannot differentiate twice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.timing import Competitor, Step, medians
from siren_pl import AutogradDerivatives, ForwardDerivatives, Siren
from siren_pl.problems.shapes.penalties import APART, DIRECTIONS

POINTS, REPEATS = 1000, 9


def stepped(network: torch.nn.Module, loss: Callable[[], Tensor]) -> Step:
    """A loss and its gradients by the weights."""

    def step() -> None:
        network.zero_grad(set_to_none=True)
        loss().backward()

    return step


def nested_hessian(network: torch.nn.Module, coords: Tensor) -> Tensor:
    """The six entries of the Hessian by nested autograd, (6, N)."""
    points = coords.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(points).sum(), points, create_graph=True)
    rows = [torch.autograd.grad(gradient[:, axis].sum(), points, create_graph=True)[0] for axis in range(3)]
    return torch.stack([rows[i][:, j] for i in range(3) for j in range(i, 3)])


def run(device: torch.device) -> dict[str, float]:
    """Measure ratios of times, nested autograd over ours, and our milliseconds."""
    network = Siren(3, 1, omega_0=20.0).to(device)
    coords = torch.rand(POINTS, 3, device=device) * 2 - 1
    directions = torch.tensor(DIRECTIONS, device=device)
    forward, nested = ForwardDerivatives(), AutogradDerivatives()

    def laplacian() -> Tensor:
        return forward(network, coords, 2).laplacian.abs().mean()

    def hessian() -> Tensor:
        second = forward(network, coords, 2, APART, directions).second
        assert second is not None
        return second.abs().mean()

    pairs = {
        "laplacian": (laplacian, lambda: nested(network, coords, 2).laplacian.abs().mean()),
        "hessian": (hessian, lambda: nested_hessian(network, coords).abs().mean()),
    }
    results: dict[str, float] = {}
    for name, (ours, theirs) in pairs.items():
        steps = {
            "ours": Competitor(stepped(network, torch.compile(ours))),
            "nested": Competitor(stepped(network, theirs)),
        }
        times = medians(steps, REPEATS)
        results[f"curvature_{name}_ms"] = times["ours"] * 1e3
        results[f"curvature_{name}_vs_nested"] = times["nested"] / times["ours"]
    return results
