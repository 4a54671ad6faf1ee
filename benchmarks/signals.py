"""Many signals fitted together compared with one by one, in bare training loops and as whole commands."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.loops import configuration, noise, stepper
from benchmarks.steps import in_bf16
from benchmarks.timing import Competitor, Step, medians
from siren_pl.runs import build

SIGNALS, WIDTH, REPEATS = 64, 64, 7
# One by one, only this many are timed, and the time is scaled up: all signals are alike, and torch compiles a loss for
# at most eight modules.
SAMPLED = 4
# Number of jobs of the multirun that are timed; the others take the same time.
JOBS = 3


def run(device: torch.device) -> dict[str, float]:
    """Measure ratios of times, one by one over together, in float32 on both sides and in bf16 on both."""
    results = {}
    for points, name in ((1024, "signals_batched_vs_sequential"), (64, "signals_batched_vs_sequential_64_points")):
        results[name] = in_loops(points, device, lambda step: step)
        results[f"{name}_bf16"] = in_loops(points, device, lambda step: in_bf16(step, device))
    for precision, suffix in (("32-true", ""), ("bf16-mixed", "_bf16")):
        results[f"signals_batched_vs_multirun{suffix}"] = commands(f"trainer.precision={precision}")
    return results


def in_loops(points: int, device: torch.device, prepared: Callable[[Step], Step]) -> float:
    """The ratio of times, one by one over together, in bare training loops."""
    config = configuration(f"model.hidden_features={WIDTH}", f"dataset.batch_size={points}", "trainer.max_steps=800")
    plans = [build.plan(config, signal) for signal in noise(SIGNALS)]
    together = prepared(functools.partial(stepper(build.module(plans), device), 0))
    alone = [prepared(functools.partial(stepper(build.module([plan]), device), 0)) for plan in plans[:SAMPLED]]
    steps = {"together": Competitor(together), "alone": Competitor(lambda: [step() for step in alone])}
    times = medians(steps, REPEATS)
    return times["alone"] * SIGNALS / SAMPLED / times["together"]


def commands(*options: str) -> float:
    """The ratio of times, a multirun of single fits over one `train.py dataset=folder`, with default options."""
    import numpy as np
    from PIL import Image

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "images"
        folder.mkdir()
        for index, signal in enumerate(noise(SIGNALS)):
            pixels = ((signal.values + 1) * 127.5).numpy().round().astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{index:02d}.png")
        base = [sys.executable, "train.py", f"model.hidden_features={WIDTH}", f"logger.directory={place}"]
        base += ["dataset=folder", f"dataset.path={folder}", *options]
        jobs = ",".join(map(str, range(JOBS)))
        whole = duration([*base, f"hydra.run.dir={place}/together"])
        one = duration([*base, "-m", "dataset.index=0", f"hydra.sweep.dir={place}/one"])
        several = duration([*base, "-m", f"dataset.index={jobs}", f"hydra.sweep.dir={place}/several"])
    each = (several - one) / (JOBS - 1)
    return (one + each * (SIGNALS - 1)) / whole


def duration(command: list[str]) -> float:
    """Run a command and return the seconds that it took."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
