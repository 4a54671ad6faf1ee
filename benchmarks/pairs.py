"""Our own steps on two commits, in turn: `python -m benchmarks.pairs base=<commit> [pairs=20]`.

Every row is a step of `python -m benchmarks steps`, or a whole command. Each side has a process of its own, which
imports its own checkout and is asked for one call at a time. Processor time of one thread is measured, so that other
load on the machine disturbs little, and both sides equally. Printed are the median of the ratio head / base and the
interval that the sign test gives it (95 %).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS = ("value 1", "gradient 1", "gradient 3", "laplacian 1")
COMMANDS = {
    "start-up": "dataset.size=16 trainer.max_steps=1 logger=none trainer.progress=false compile=false",
    "help": "--help",
}
# What a side does: it makes the step of a row, takes it three times, then measures a call for each line that it reads.
SERVER = """
import sys
import time
import torch
from benchmarks import steps
from benchmarks.timing import reuse_pages
reuse_pages()
task, channels = sys.argv[1], int(sys.argv[2])
step = steps.ours(task, channels, torch.device("cpu"))
for _ in range(3):
    step()
print("ready", flush=True)
for _ in sys.stdin:
    start = time.process_time()
    step()
    print(time.process_time() - start, flush=True)
"""


def step_pairs(row: str, sides: list[Path], pairs: int) -> list[float]:
    """Ratios head / base of single steps."""
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SERVER, *row.split()],
            cwd=side,
            env=environment(side),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for side in sides
    ]
    for server in servers:
        assert server.stdout.readline() == "ready\n", f"a side of {row} ended"
    ratios = []
    for _ in range(pairs):
        times = []
        for server in servers:
            server.stdin.write("\n")
            server.stdin.flush()
            times.append(float(server.stdout.readline()))
        ratios.append(times[1] / times[0])
    for server in servers:
        server.communicate()
    return ratios


def command_pairs(options: str, sides: list[Path], pairs: int) -> list[float]:
    """Ratios head / base of the processor time of whole commands."""
    ratios = []
    for _ in range(pairs):
        times = []
        for side in sides:
            with tempfile.TemporaryDirectory() as place:
                command = [sys.executable, str(side / "train.py"), *options.split()]
                before = sum(os.times()[2:4])
                subprocess.run(command, cwd=place, env=environment(side), check=True, capture_output=True)
                times.append(sum(os.times()[2:4]) - before)
        ratios.append(times[1] / times[0])
    return ratios


def environment(side: Path) -> dict[str, str]:
    """The environment in which a side's checkout is the one that is imported."""
    return os.environ | {"PYTHONPATH": str(side), "OMP_NUM_THREADS": "1"}


def interval(ratios: list[float]) -> tuple[float, float]:
    """The order statistics between which the median lies with 95 % confidence, by the sign test."""
    below, count = 0, len(ratios)
    chance = total = 0.5**count
    while total + (chance := chance * (count - below) / (below + 1)) < 0.025:
        below, total = below + 1, total + chance
    ordered = sorted(ratios)
    return ordered[below], ordered[count - 1 - below]


def main(base: str, pairs: int) -> None:
    """Check the base out beside the repository's head, and print a row per step and command."""
    with tempfile.TemporaryDirectory() as place:
        sides = [Path(place, "base"), ROOT]
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", sides[0], base], cwd=ROOT, check=True)
        try:
            for row, measure in (
                *((row, step_pairs) for row in STEPS),
                *((options, command_pairs) for options in COMMANDS.values()),
            ):
                start = time.time()
                ratios = measure(row, sides, pairs)
                low, high = interval(ratios)
                took = f"{pairs} pairs in {time.time() - start:.0f} s"
                print(f"{row[:40]:40s} {statistics.median(ratios):.3f}  [{low:.3f}, {high:.3f}]  {took}", flush=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", sides[0]], cwd=ROOT, check=True)


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    main(given["base"], int(given.get("pairs", "20")))
