"""How a run ends when its last step is one too many, what it is said to have cost, and where it can be run at all."""

import json
import math
import mmap
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import TINY, Command

ROOT = Path(__file__).resolve().parents[2]
# Larger than float32 holds: the loss before the step is finite, and the weights after it are not.
LAST_STRAW = ("optimizer.lr=1e39", "optimizer.warmup=0", "optimizer.schedule=constant", "trainer.max_steps=1")
BALLAST = 400 * 2**20


def test_a_last_step_that_loses_the_weights_is_a_divergence(train: Command) -> None:
    ended = train(*LAST_STRAW, "hydra.run.dir=here")
    assert ended.code == 1 and "diverged" in ended.err
    metrics = json.loads(Path("here/metrics.json").read_text())
    assert (metrics["diverged"], metrics["diverged_step"]) == (1, 1)
    assert math.isfinite(metrics["train/loss"])  # the last that was seen
    state = torch.load("here/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert all(tensor.isfinite().all() for tensor in state.values())


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux forgets a process' peak")
def test_memory_is_the_jobs_own(train: Command) -> None:
    """Not what an earlier job of the same process took."""
    with mmap.mmap(-1, BALLAST) as ballast:
        for page in range(0, BALLAST, mmap.PAGESIZE):
            ballast[page] = 1
        train("hydra.run.dir=beside")
    train("hydra.run.dir=after")
    beside, after = (json.loads(Path(run, "metrics.json").read_text())["peak_memory_mb"] for run in ("beside", "after"))
    assert after < beside - 300


def test_it_runs_where_unix_has_no_say() -> None:
    """Windows has neither fcntl nor resource."""
    script = f"""
import runpy, sys
sys.modules.update(fcntl=None, resource=None)
sys.path.insert(0, {str(ROOT)!r})
def run(name, *arguments):
    sys.argv = [name, *arguments]
    try:
        runpy.run_path({str(ROOT)!r} + "/" + name, run_name="__main__")
    except SystemExit as end:
        assert not end.code, (name, end.code)
run("train.py", *{TINY!r}, "logger=none", "hydra.run.dir=here")
run("train.py", "resume=here", "trainer.max_steps=6")
run("evaluate.py", "run=here")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=".", check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(Path("here/metrics.json").read_text())["steps"] == 6
