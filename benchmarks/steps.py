"""One full training step (forward, loss, backward, Adam) of ours against the rivals', at equal points and precision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks import rivals
from benchmarks.timing import PeakTensorBytes, Step, medians
from siren_pl import Siren
from siren_pl.derivatives import AutoDerivatives

POINTS, REPEATS = 16_384, 7


def ours(order: int, channels: int, coords: Tensor, target: Tensor, compiled: bool = True) -> Step:
    """Our step as the training loop runs it: the compiled loss, fused Adam."""
    network = Siren(2, channels, omega_0=rivals.OMEGA_0).to(coords.device)
    strategy = AutoDerivatives(channels)

    def loss() -> Tensor:
        jet = strategy(network, coords, order)
        found = (jet.value, jet.gradient, jet.second)[order]
        assert found is not None
        return (found - target).square().mean()

    return optimised(network, torch.compile(loss, fullgraph=True, dynamic=False) if compiled else loss, fused=True)


def official(order: int, channels: int, coords: Tensor, target: Tensor) -> Step:
    """The official recipe's step, eager, with torch's default Adam."""
    network = rivals.Official(channels).to(coords.device)

    def loss() -> Tensor:
        values, points = network(coords)
        if order == 0:
            return (values - target).square().mean()
        if order == 1:
            return (rivals.official_gradient(values, points) - target.movedim(-1, 0).movedim(1, -1)).square().mean()
        return (rivals.official_laplacian(values, points) - target[0, :, 0]).square().mean()

    return optimised(network, loss, fused=None)


def optimised(network: nn.Module, loss: Callable[[], Tensor], fused: bool | None) -> Step:
    """A full step of Adam on a loss."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=fused)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def targets(order: int, channels: int, points: int) -> tuple[int, ...]:
    """Shape of the supervised quantity."""
    return ((points, channels), (2, points, channels), (1, points, channels))[order]


def run(device: torch.device) -> dict[str, float]:
    """Ratios rival / ours of time, and ours / rival of memory."""
    coords = torch.rand(POINTS, 2, device=device) * 2 - 1
    results: dict[str, float] = {}
    for name, order, channels in (("value", 0, 1), ("gradient", 1, 1), ("gradient_rgb", 1, 3), ("laplacian", 2, 1)):
        torch.compiler.reset()
        target = torch.rand(targets(order, channels, POINTS), device=device)
        steps = {"ours": ours(order, channels, coords, target), "official": official(order, channels, coords, target)}
        if order == 0:
            steps["floor"] = rivals.matrix_products(POINTS, device)
            network = rivals.siren_pytorch()
            if network is not None:
                steps["siren_pytorch"] = optimised(network.to(device), foreign_loss(network, coords, target), None)
        times = medians(steps, REPEATS if order < 2 else 5)
        results[f"{name}_ms"] = times["ours"] * 1e3
        results[f"{name}_vs_official"] = times["official"] / times["ours"]
        if order == 0:
            results["value_vs_floor"] = times["ours"] / times["floor"]
            if "siren_pytorch" in times:
                results["value_vs_siren_pytorch"] = times["siren_pytorch"] / times["ours"]
        if order == 2:
            results["laplacian_memory_vs_official"] = peak(ours(order, 1, coords, target, compiled=False)) / peak(
                official(order, 1, coords, target)
            )
    return results


def foreign_loss(network: nn.Module, coords: Tensor, target: Tensor) -> Callable[[], Tensor]:
    """Mean squared error of any module's values."""
    return lambda: (network(coords) - target).square().mean()


def peak(step: Step) -> float:
    """Peak bytes of live tensors in a step, after one that made the optimiser's state."""
    step()
    with PeakTensorBytes() as counter:
        step()
    return float(counter.peak)
