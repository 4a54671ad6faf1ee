"""Many signals together against one by one: in the training loops alone, and as whole commands."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.loops import configuration, noise, stepper
from benchmarks.timing import Competitor, medians
from siren_pl import build

SIGNALS, WIDTH, REPEATS = 64, 64, 7
# One by one is timed on this many and multiplied: they are all alike.
SAMPLED = 8
# The jobs of the multirun that are timed; the others take as long.
JOBS = 3


def run(device: torch.device) -> dict[str, float]:
    """Ratios of time, one by one over together."""
    results = {}
    for points, name in ((1024, "signals_batched_vs_sequential"), (64, "signals_batched_vs_sequential_64_points")):
        config = configuration(
            f"model.hidden_features={WIDTH}", f"dataset.batch_size={points}", "trainer.max_steps=800"
        )
        together = stepper(build.module([config] * SIGNALS, noise(SIGNALS)), device)
        alone = [stepper(build.module([config], [signal]), device) for signal in noise(SAMPLED)]
        steps = {
            "together": Competitor(lambda together=together: together(0)),
            "alone": Competitor(lambda alone=alone: [step(0) for step in alone]),
        }
        times = medians(steps, REPEATS)
        results[name] = times["alone"] * SIGNALS / SAMPLED / times["together"]
    return results | commands()


def commands() -> dict[str, float]:
    """`train.py dataset=folder` over a set, against a multirun of single fits; every other option as it comes."""
    import numpy as np
    from PIL import Image

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "images"
        folder.mkdir()
        for index, signal in enumerate(noise(SIGNALS)):
            pixels = ((signal.values + 1) * 127.5).numpy().round().astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{index:02d}.png")
        base = [sys.executable, "train.py", f"model.hidden_features={WIDTH}", f"logger.directory={place}"]
        base += ["dataset=folder", f"dataset.path={folder}"]
        jobs = ",".join(map(str, range(JOBS)))
        whole = duration([*base, f"hydra.run.dir={place}/together"])
        one = duration([*base, "-m", "dataset.index=0", f"hydra.sweep.dir={place}/one"])
        several = duration([*base, "-m", f"dataset.index={jobs}", f"hydra.sweep.dir={place}/several"])
    each = (several - one) / (JOBS - 1)
    return {"signals_batched_vs_multirun": (one + each * (SIGNALS - 1)) / whole}


def duration(command: list[str]) -> float:
    """Seconds of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
