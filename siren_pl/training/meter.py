"""What a job has cost so far, in time and memory: all of its stretches, all of its processes, and nothing before it.

A job that is interrupted and continued has several stretches. What each has cost stands in its directory, written with
every checkpoint, so that a kill loses no more of it than of the work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import torch

from siren_pl.training.whole_files import write_text

COSTS = "costs.json"
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter:
    """The clock and the memory of one job; several jobs may follow each other in one process.

    Args:
        directory: Of the job.
        started: `time.time()` when it, or the process, began.
    """

    def __init__(self, directory: Path, started: float) -> None:
        self._path, self._started, self._process = directory / COSTS, started, os.getpid()
        _forget_peak()

    def note(self, workers_mb: float = 0.0) -> dict[str, dict[str, float]]:
        """Write this stretch down beside the earlier ones, and return all of them.

        Args:
            workers_mb: Peak memory of the processes that it spawned, added up; told by one of them.
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
        """`wall_s`, the stretches' added up, and `peak_memory_mb`, the largest; without the latter where none tells."""
        stretches = self.note().values()
        memory = [each["own_mb"] + each["workers_mb"] for each in stretches if "own_mb" in each]
        return {"wall_s": sum(each["wall_s"] for each in stretches)} | (
            {"peak_memory_mb": max(memory)} if memory else {}
        )


def peak_mb() -> float | None:
    """Most memory that this process has held since its job began, resident or on a GPU; None where the system is mute.

    Outside Linux it is the most since the process began.
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
    """Let the peak begin anew at what is held now."""
    with suppress(OSError):  # Linux's way to ask for it
        _CLEAR.write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
