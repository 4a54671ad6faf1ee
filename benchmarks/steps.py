"""One full training step (draw, forward, loss, backward, Adam), ours compared with the rivals', on the same points.

All steps are in float32, ours in bf16 as well. Our step is the one that `train.py` takes, compiled, on all 16,384
pixels of a 128 x 128 image. Each competitor is timed as its users run it (see `allocators`); for `*_same_allocator`,
the official recipe gets our allocator settings as well.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks import rivals
from benchmarks.allocators import default_pages
from benchmarks.loops import configuration, stepper
from benchmarks.timing import Competitor, PeakTensorBytes, Step, medians
from siren_pl import SampledSignal
from siren_pl.runs import build

SIDE, REPEATS = 128, 7
POINTS = SIDE**2
TASKS = {
    "value": ("task=image_fit",),
    "gradient": ("task=poisson_grad", "task.integrated=false", "optimizer=adam"),
    "laplacian": ("task=poisson_laplacian", "task.integrated=false"),
}


def ours(task: str, channels: int, device: torch.device, compiled: bool = True) -> Step:
    """Our step, as the training loop takes it."""
    options = ("dataset.batch_size=full", f"model.omega_0={rivals.OMEGA_0}", "trainer.max_steps=1000")
    config = configuration(*TASKS[task], *options, f"compile={str(compiled).lower()}")
    generator = torch.Generator().manual_seed(0)
    signal = SampledSignal(torch.rand(SIDE, SIDE, channels, generator=generator) * 2 - 1)
    step = stepper(build.module([build.plan(config, signal)]), device)
    return lambda: step(0)


def official(order: int, channels: int, coords: Tensor, target: Tensor) -> Step:
    """The step of the official recipe, eager, with torch's default Adam."""
    network = rivals.Official(channels).to(coords.device)

    def loss() -> Tensor:
        values, points = network(coords)
        if order == 0:
            return (values - target).square().mean()
        if order == 1:
            return (rivals.official_gradient(values, points) - target.movedim(-1, 0).movedim(1, -1)).square().mean()
        return (rivals.official_laplacian(values, points) - target[0, :, 0]).square().mean()

    return optimised(network, loss)


def optimised(network: nn.Module, loss: Callable[[], Tensor]) -> Step:
    """A full step on a loss with Adam in torch's default implementation."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def in_bf16(step: Step, device: torch.device) -> Step:
    """Our step under `trainer.precision=bf16-mixed`."""

    def run() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            step()

    return run


def targets(order: int, channels: int, points: int) -> tuple[int, ...]:
    """The shape of the supervised quantity."""
    return ((points, channels), (2, points, channels), (1, points, channels))[order]


def run(device: torch.device) -> dict[str, float]:
    """Measure ratios of times, rival over ours, and of memory, ours over the rival's."""
    coords = torch.rand(POINTS, 2, device=device) * 2 - 1
    results: dict[str, float] = {}
    for name, order, channels in (("value", 0, 1), ("gradient", 1, 1), ("gradient_rgb", 1, 3), ("laplacian", 2, 1)):
        target = torch.rand(targets(order, channels, POINTS), device=device)
        theirs = official(order, channels, coords, target)
        steps = {
            "ours": Competitor(ours(name.removesuffix("_rgb"), channels, device)),
            "official": Competitor(theirs, default_pages),
            "same_allocator": Competitor(theirs),
            "bf16": Competitor(in_bf16(ours(name.removesuffix("_rgb"), channels, device), device)),
        }
        if order == 0:
            steps |= value_rivals(coords, target)
        times = medians(steps, REPEATS if order < 2 else 5)
        mine = times.pop("ours")
        results[f"{name}_ms"] = mine * 1e3
        results[f"{name}_bf16_vs_official"] = times["official"] / times.pop("bf16")
        results[f"{name}_vs_official"] = times.pop("official") / mine
        results[f"{name}_vs_official_same_allocator"] = times.pop("same_allocator") / mine
        if "floor" in times:
            results[f"{name}_vs_floor"] = mine / times.pop("floor")
        results |= {f"{name}_vs_{rival}": time / mine for rival, time in times.items()}
        results[f"{name}_memory_vs_official"] = peak(
            ours(name.removesuffix("_rgb"), channels, device, compiled=False)
        ) / peak(theirs)
    return results


def value_rivals(coords: Tensor, target: Tensor) -> dict[str, Competitor]:
    """The bare matrix products, and siren-pytorch if it is installed."""
    found = {"floor": Competitor(rivals.matrix_products(POINTS, coords.device))}
    network = rivals.siren_pytorch()
    if network is not None:
        network = network.to(coords.device)
        step = optimised(network, lambda: (network(coords) - target).square().mean())
        found["siren_pytorch"] = Competitor(step, default_pages)
    return found


def peak(step: Step) -> float:
    """Peak bytes of live tensors in a step, after a first step that creates the optimiser's state."""
    step()
    with PeakTensorBytes() as counter:
        step()
    return float(counter.peak)
