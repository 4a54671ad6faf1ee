"""The time and memory that a job has cost so far, over all its stretches and processes.

A job that is interrupted and resumed has several stretches. The cost of each is written to the job's directory with
every checkpoint, so that a kill loses as little of the record as of the work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from siren_pl.training.whole_files import write_text

COSTS = "costs.json"
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter(pl.Callback):
    """The clock and the memory of one job; a process may run several jobs in succession.

    As a callback it notes the cost with every checkpoint.

    Args:
        directory: Directory of the job.
        started: `time.time()` at the beginning of the job or of the process.
    """

    def __init__(self, directory: Path, started: float) -> None:
        self._path, self._started, self._process = directory / COSTS, started, os.getpid()
        _forget_peak()

    def on_save_checkpoint(self, trainer: pl.Trainer, *_: Any) -> None:
        """Note the cost so far, with the memory of the processes that train together."""
        workers = 0.0
        if trainer.world_size > 1:
            workers = float(trainer.strategy.reduce(torch.tensor(peak_mb() or 0.0), reduce_op="sum"))
        if trainer.is_global_zero:
            self.note(workers)

    def note(self, workers_mb: float = 0.0) -> dict[str, dict[str, float]]:
        """Record the cost of this stretch with that of the earlier ones, and return all of them.

        Args:
            workers_mb: Sum of the peak memory of the processes that it spawned, reported by one of them.
        """
        stretches: dict[str, dict[str, float]] = {}
        with suppress(OSError, ValueError):
            stretches = json.loads(self._path.read_text())
        this = stretches.setdefault(repr(self._started), {})
        this["wall_s"] = time.time() - self._started
        this["workers_mb"] = max(workers_mb, this.get("workers_mb", 0.0))
        if os.getpid() == self._process and (peak := peak_mb()) is not None:
            this["own_mb"] = peak
        write_text(self._path, json.dumps(stretches, indent=2) + "\n")
        return stretches

    def readings(self) -> dict[str, float]:
        """`wall_s`, summed over the stretches, and `peak_memory_mb`, the largest of them, if the system reports any."""
        stretches = self.note().values()
        memory = [each["own_mb"] + each["workers_mb"] for each in stretches if "own_mb" in each]
        return {"wall_s": sum(each["wall_s"] for each in stretches)} | (
            {"peak_memory_mb": max(memory)} if memory else {}
        )


def peak_mb() -> float | None:
    """The peak memory of this process, resident or on a GPU, since the job began; None if the system reports none.

    Outside Linux it is the peak since the process began.
    """
    found = []
    with suppress(OSError, StopIteration):
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        found.append(float(line.split()[1]) / 2**10)
    if not found:
        with suppress(ImportError):
            import resource

            unit = 2**20 if sys.platform == "darwin" else 2**10
            found.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
    if torch.cuda.is_available():
        found.append(torch.cuda.max_memory_allocated() / 2**20)
    return max(found, default=None)


def _forget_peak() -> None:
    """Reset the peak to the current use."""
    with suppress(OSError):  # only Linux has this file
        _CLEAR.write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
