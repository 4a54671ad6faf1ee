"""Two processes that share every batch end where one process with the doubled batch does."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from siren_pl.runs import directory as run_directory
from tests.conftest import PATIENCE, TINY, Command

ROOT = Path(__file__).resolve().parents[2]
TWO = ("trainer.devices=2", "trainer.accelerator=cpu")
# The README's; its test leaves it to the first one here, whose batch suits a tiny picture.
TWO_PROCESSES = f"train.py {' '.join(TWO)} dataset.batch_size=1024"


def weights(run: str) -> dict[str, torch.Tensor]:
    return torch.load(Path(run) / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def test_two_processes_equal_one_with_the_doubled_batch(train: Command) -> None:
    ended = train(*TWO, "dataset.batch_size=32", "trainer.max_steps=30", "hydra.run.dir=two", logger="csv")
    assert ended.code == 0, ended.err
    train("dataset.batch_size=64", "trainer.max_steps=30", "hydra.run.dir=one", logger="csv")
    for name, tensor in weights("one").items():
        torch.testing.assert_close(weights("two")[name], tensor, atol=1e-5, rtol=1e-4)  # sums in another order
    one, two = (json.loads(Path(run, "metrics.json").read_text()) for run in ("one", "two"))
    assert two["steps"] == one["steps"] == 30 and two["points"] == one["points"]
    assert two["psnr"] == pytest.approx(one["psnr"], abs=1e-3)
    assert two["peak_memory_mb"] > one["peak_memory_mb"] + 100  # each of the others holds torch for itself
    # The curve reaches the loggers of this process.
    assert Path("two/csv/metrics.csv").read_text().count("\n") == Path("one/csv/metrics.csv").read_text().count("\n")


def test_divergence_in_a_spawned_process_is_a_result(train: Command) -> None:
    ended = train(*TWO, "optimizer.lr=1e30", "optimizer.warmup=0", "trainer.max_steps=20", "hydra.run.dir=two")
    assert ended.code == 1 and "diverged" in ended.err and "Traceback" not in ended.err
    assert json.loads(Path("two/metrics.json").read_text())["diverged"] == 1


def test_sigterm_reaches_the_spawned_processes() -> None:
    """They stop after the same step, with a checkpoint."""
    options = (*TINY, *TWO, "logger=none", "dataset.batch_size=64", "trainer.max_steps=100000", "hydra.run.dir=ended")
    command = [sys.executable, str(ROOT / "train.py"), *options]
    with Path("said").open("w") as said:
        process = subprocess.Popen(command, stderr=said)
    while not Path("ended/checkpoints/last.ckpt").exists():
        assert process.poll() is None, Path("said").read_text()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143, Path("said").read_text()
    assert run_directory.read_status(Path("ended")) == run_directory.INTERRUPTED
    assert 0 < torch.load("ended/checkpoints/last.ckpt", weights_only=True)["global_step"] < 100000
