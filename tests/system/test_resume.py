"""Interrupting a run, in whatever way, leaves no trace in its result."""

import csv
import json
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from siren_pl.commands import train as commands
from siren_pl.commands.guard import guarded
from tests import forked
from tests.conftest import TINY, Command, end_at

# Each evaluation ends a slice of steps, so that a run looks up in time from those that are left after a signal.
LONG = (*TINY, "logger=none", "trainer.max_steps=60", "trainer.evaluations=6", "dataset.batch_size=64")
LAST = "run/checkpoints/last.ckpt"


def weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def assert_same(one: Path, other: Path) -> None:
    left, right = weights(one), weights(other)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("task", ["image_fit", "poisson_grad", "poisson_laplacian"])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_longer_by_resume_equals_long_at_once(task: str, schedule: str, train: Command) -> None:
    """A constant rate does not depend on the run's length, so 4 + 5 steps must equal 9; a cosine is only continued."""
    options = (
        f"task={task}",
        f"optimizer.schedule={schedule}",
        "dataset.batch_size=64" if task == "image_fit" else "seed=3",
    )
    assert train(*options, "hydra.run.dir=whole", "trainer.max_steps=9").code == 0
    assert train(*options, "hydra.run.dir=parts", "trainer.max_steps=4").code == 0
    config = Path("parts/.hydra/config.yaml").read_bytes()
    assert train("resume=parts", "trainer.max_steps=9").code == 0
    assert Path("parts/.hydra/config.yaml").read_bytes() == config
    metrics = json.loads(Path("parts/metrics.json").read_text())
    assert metrics["steps"] == 9
    if schedule == "constant":
        assert_same(Path("whole"), Path("parts"))
        assert metrics["psnr"] == json.loads(Path("whole/metrics.json").read_text())["psnr"]


def test_double_precision_is_resumed_without_loss(train: Command) -> None:
    options = ("trainer.precision=64-true", "optimizer.schedule=constant")
    train(*options, "hydra.run.dir=whole", "trainer.max_steps=9")
    train(*options, "hydra.run.dir=parts", "trainer.max_steps=4")
    assert train("resume=parts", "trainer.max_steps=9").code == 0
    assert all(tensor.dtype == torch.float64 for tensor in weights(Path("parts")).values())
    assert_same(Path("whole"), Path("parts"))


def test_a_resumed_run_keeps_its_table_and_adds_up_its_time(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    train("hydra.run.dir=parts", "trainer.max_steps=4", logger="csv")
    first = json.loads(Path("parts/metrics.json").read_text())["wall_s"]
    monkeypatch.setattr(commands, "STARTED", time.time())  # as in a process of its own
    assert train("resume=parts", "trainer.max_steps=9").code == 0
    assert json.loads(Path("parts/metrics.json").read_text())["wall_s"] > first
    with Path("parts/csv/metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["train/loss"]]
    kept = torch.load("parts/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["history"]
    assert [(int(row["step"]), float(row["train/loss"])) for row in rows] == [
        (row["step"], row["train/loss"]) for row in kept
    ]
    assert [row["step"] for row in kept] == list(range(1, 10))


def test_resuming_a_finished_run_does_nothing_and_succeeds(train: Command) -> None:
    train("hydra.run.dir=here")
    before = Path("here/checkpoints/last.ckpt").read_bytes()
    ended = train("resume=here")
    assert ended.code == 0 and "finished" in ended.err
    assert Path("here/checkpoints/last.ckpt").read_bytes() == before


def test_resume_admits_few_changes_and_names_them(train: Command) -> None:
    train("hydra.run.dir=here")
    ended = train("resume=here", "model.omega_0=5")
    assert ended.code == 1
    assert "model.omega_0=5" in ended.paragraph and "trainer.max_steps" in ended.paragraph


def test_resume_of_no_run(train: Command) -> None:
    assert "resume=nowhere is not a run directory" in train("resume=nowhere").paragraph


def test_kill_and_resume_equals_uninterrupted(train: Command) -> None:
    """SIGTERM leaves a checkpoint, from which a resumed run is killed; the third one ends as an undisturbed run."""
    assert end_at(LAST, signal.SIGTERM, *LONG, "hydra.run.dir=run", steps=7) == 143
    assert Path("run/status").read_text().strip() == "interrupted"
    assert 0 < torch.load(LAST, weights_only=True)["global_step"] < 60
    assert end_at(LAST, signal.SIGKILL, "resume=run", steps=7) == -signal.SIGKILL
    assert not Path("run/metrics.json").exists()
    assert train("resume=run").code == 0
    assert train(*LONG[-4:], "hydra.run.dir=whole").code == 0
    assert_same(Path("run"), Path("whole"))


def test_ctrl_c_exits_130() -> None:
    assert end_at(LAST, signal.SIGINT, *LONG, "hydra.run.dir=run", steps=7) == 130
    assert "Traceback" not in Path("said").read_text()


def started(arguments: tuple[str, ...]) -> int:
    sys.argv = ["train.py", *arguments]
    return guarded(commands._train, list(arguments))


def test_two_runs_started_in_one_second_do_not_share_a_directory(tmp_path: Path) -> None:
    arguments = (*TINY, "logger=none", "trainer.max_steps=1")
    pair = [forked.start(started, arguments) for _ in range(2)]
    for process in pair:
        process.join()
    assert [process.exitcode for process in pair] == [0, 0], Path("said").read_text()
    assert len(list((tmp_path / "outputs").rglob("metrics.json"))) == 2
