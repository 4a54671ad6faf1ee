"""The overhead of the training loop: `train.py`'s loop compared with a bare loop of the same step."""

from __future__ import annotations

import functools
import statistics
import time

import lightning.pytorch as pl
import torch
from torch import Tensor

from siren_pl import SampledSignal, Siren, image_fit
from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.field.networks.bundle import Bundle
from siren_pl.training import fitting
from siren_pl.training.compilation import Compilation
from siren_pl.training.module import FieldModule
from siren_pl.training.one_field import OneField
from siren_pl.training.recipe import Phase, Recipe
from siren_pl.training.schedules import Cosine

# (hidden_features, hidden_layers, points per step, steps): the default size, compiled as by `auto`; and one without
# compilation that is so small that every microsecond shows.
DEFAULT, TINY = (256, 3, 2048, 160), (16, 1, 64, 4000)
SIDE, ROUNDS = 128, 5


def module(size: tuple[int, int, int, int]) -> FieldModule:
    """Make a module of the given size, with a signal of noise."""
    width, depth, points, steps = size
    signal = SampledSignal(torch.rand(SIDE, SIDE, 1) * 2 - 1)
    phase = Phase(functools.partial(torch.optim.Adam, lr=1e-4, fused=True), Cosine())
    recipe = Recipe(steps, points, (phase,), evaluations=0)
    bundle = Bundle({"field": Siren(2, 1, hidden_features=width, hidden_layers=depth)})
    compilation = Compilation(size == DEFAULT, 0)
    return FieldModule(OneField(bundle, image_fit(signal)), {"field": ForwardDerivatives()}, recipe, compilation)


class Clock(pl.Callback):
    """Records the time and the steps at the end of each slice of a fit; logging of the curve is included."""

    def __init__(self) -> None:
        self.ticks: list[tuple[int, float]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Record the end of a slice."""
        self.ticks.append((trainer.global_step, time.perf_counter()))


def framework(size: tuple[int, int, int, int]) -> float:
    """Seconds per step under the Trainer, from the end of the first slice (which compiles) to the last."""
    clock = Clock()
    fitting.run(module(size), fitting.Machine(progress=False, accelerator="cpu", callbacks=(clock,)))
    (first, start), (last, end) = clock.ticks[0], clock.ticks[-1]
    return (end - start) / (last - first)


def bare(size: tuple[int, int, int, int]) -> float:
    """Seconds per step of a loop as one would write it by hand: draw rows, loss, backward, Adam."""
    width, depth, points, steps = size
    network = Siren(2, 1, hidden_features=width, hidden_layers=depth)
    signal = SampledSignal(torch.rand(SIDE, SIDE, 1) * 2 - 1)
    coords, values = signal.coords().float(), signal.values.reshape(-1, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def loss_of(coords: Tensor, values: Tensor) -> Tensor:
        return (network(coords) - values).square().mean()

    loss = torch.compile(loss_of, fullgraph=True, dynamic=False) if size == DEFAULT else loss_of

    def run_steps(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            rows = torch.randint(len(coords), (points,))
            optimizer.zero_grad(set_to_none=True)
            loss(coords[rows], values[rows]).backward()
            optimizer.step()
        return (time.perf_counter() - start) / count

    run_steps(5)
    return run_steps(steps)


def run(device: torch.device) -> dict[str, float]:
    """Measure the overhead as a fraction at the default size, and in milliseconds per step on a tiny network (CPU)."""
    default = [(framework(DEFAULT), bare(DEFAULT)) for _ in range(ROUNDS)]
    tiny = [(framework(TINY), bare(TINY)) for _ in range(ROUNDS)]
    return {
        "loop_overhead": statistics.median(ours / hand - 1 for ours, hand in default),
        "loop_overhead_tiny_ms": statistics.median(ours - hand for ours, hand in tiny) * 1e3,
    }
