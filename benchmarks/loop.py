"""What the training loop costs beside the step itself: `train.py`'s loop against a bare loop of the same step."""

from __future__ import annotations

import functools
import time

import torch

from siren_pl import SampledSignal, Siren, image_fit
from siren_pl.derivatives import ForwardDerivatives
from siren_pl.training import fitting
from siren_pl.training.compilation import Compilation
from siren_pl.training.fields import OneField
from siren_pl.training.module import FieldModule, Recipe
from siren_pl.training.schedules import Cosine

# (hidden_features, hidden_layers, points a step, steps): the default size, and one where every microsecond shows.
DEFAULT, TINY = (256, 3, 2048, 60), (16, 1, 64, 3000)


def module(size: tuple[int, int, int, int]) -> FieldModule:
    """A module of that size on a signal of noise."""
    width, depth, points, steps = size
    signal = SampledSignal(torch.rand(128, 128, 1) * 2 - 1)
    recipe = Recipe(steps, points, functools.partial(torch.optim.Adam, lr=1e-4, fused=True), Cosine(), evaluations=0)
    network = Siren(2, 1, hidden_features=width, hidden_layers=depth)
    return FieldModule(OneField(network, signal), image_fit(), ForwardDerivatives(), recipe, Compilation(False, 0))


def framework(size: tuple[int, int, int, int]) -> float:
    """Seconds a step under the Trainer, set-up taken off by the difference of two lengths."""

    def duration(steps: int) -> float:
        fitted = module((*size[:3], steps))
        start = time.perf_counter()
        fitting.run(fitted, fitting.Machine(progress=False, accelerator="cpu"))
        return time.perf_counter() - start

    duration(2)
    short, long = duration(size[3] // 4), duration(size[3])
    return (long - short) / (size[3] - size[3] // 4)


def bare(size: tuple[int, int, int, int]) -> float:
    """Seconds a step of a loop that draws the same batches and does nothing else."""
    fitted = module(size)
    tables = fitted.fields.tables(fitted.task)
    optimizer = fitted.configure_optimizers()

    def steps(count: int) -> float:
        start = time.perf_counter()
        for step in range(count):
            batch = fitted.task.draw(tables, fitted.recipe.batch_size, 0, step)
            total = fitted._losses(batch)[0]
            optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[union-attr]
            optimizer.step()
        return time.perf_counter() - start

    steps(5)
    return steps(size[3] - size[3] // 4) / (size[3] - size[3] // 4)


def run(device: torch.device) -> dict[str, float]:
    """Overhead as a fraction at the default size, and in milliseconds a step on a tiny network (CPU)."""
    results = {}
    pairs = [(framework(DEFAULT), bare(DEFAULT)) for _ in range(3)]
    ratios = sorted(ours / floor - 1 for ours, floor in pairs)
    results["loop_overhead"] = ratios[1]
    tiny = sorted(framework(TINY) - bare(TINY) for _ in range(3))
    results["loop_overhead_tiny_ms"] = tiny[1] * 1e3
    return results
