"""A multirun is a table: every job a row, every failure named, every job a W&B run of its own."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Command
from tests.system.test_sweep_resume import SEEDS


def rows(directory: str = "sweep") -> list[dict[str, str]]:
    with (Path(directory) / "summary.csv").open() as file:
        return list(csv.DictReader(file))


def test_summary_holds_overrides_status_and_metrics(train: Command) -> None:
    ended = train("-m", "model.omega_0=5,30", "hydra.sweep.dir=sweep")
    assert ended.code == 0
    table = rows()
    assert [row["model.omega_0"] for row in table] == ["5", "30"]
    assert {row["status"] for row in table} == {"finished"}
    for row in table:
        assert float(row["psnr"]) == json.loads((Path("sweep") / row["job"] / "metrics.json").read_text())["psnr"]
    assert (Path("sweep/figures/psnr_over_model.omega_0.png")).is_file()
    assert "model.omega_0" in ended.err  # the table is printed


def test_a_failing_job_is_named_at_once_and_the_others_run(train: Command) -> None:
    ended = train("-m", "dataset.heldout=0.2,1.5,0.3", "hydra.sweep.dir=sweep")
    assert ended.code == 1
    assert [row["status"] for row in rows()] == ["finished", "failed", "finished"]
    complaint = next(line for line in ended.err.splitlines() if "job 1" in line)
    assert "dataset.heldout=1.5" in complaint
    assert "Traceback" not in ended.err


def test_divergence_is_a_result(train: Command) -> None:
    """A huge rate makes the loss infinite: a row with its step, exit code 1 unless the sweep allows it."""
    arguments = ("-m", "optimizer.lr=1e-3,1e30", "trainer.max_steps=20", "optimizer.warmup=0")
    assert train(*arguments, "hydra.sweep.dir=strict").code == 1
    assert train(*arguments, "hydra.sweep.dir=sweep", "sweep.allow_divergence=true").code == 0
    good, bad = rows()
    assert (good["status"], bad["status"]) == ("finished", "diverged")
    assert float(bad["diverged"]) == 1 and 0 < float(bad["diverged_step"]) < 20


def test_every_job_is_a_wandb_run_of_its_own(train: Command) -> None:
    assert train("-m", "model.omega_0=5,30", "hydra.sweep.dir=sweep", logger="wandb").code == 0
    every = [inspect(path) for path in sorted(Path("outputs/wandb").glob("offline-run-*"))]
    runs = [run for run in every if "summary" not in run["tags"]]
    assert len(every) == 3
    assert sorted(run["config"]["model"]["omega_0"] for run in runs) == [5, 30]
    for run in runs:
        assert run["state"] == "finished" and run["exit_code"] == 0
        job = "0" if run["config"]["model"]["omega_0"] == 5 else "1"
        assert run["summary"]["psnr"] == json.loads(Path("sweep", job, "metrics.json").read_text())["psnr"]
        assert run["config"]["overrides"]


def test_a_failed_job_is_a_failed_wandb_run(train: Command) -> None:
    code = train("optimizer.lr=1e30", "trainer.max_steps=20", "optimizer.warmup=0", logger="wandb").code
    (run,) = [inspect(path) for path in Path("outputs/wandb").glob("offline-run-*")]
    assert code == 1 and run["exit_code"] == 1


def inspect(directory: Path) -> dict:
    """What W&B itself reads back from a run's directory."""
    tool = Path(sys.executable).parent / "wandb"
    answer = subprocess.run(
        [tool, "leet", "inspect", "--summary", "--json", directory], capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr.decode()
    return json.loads(answer.stdout)


def test_a_used_sweep_directory_is_refused(train: Command, trained: Callable[..., Path]) -> None:
    trained("sweep", *SEEDS)
    again = train(*SEEDS, "hydra.sweep.dir=sweep")
    assert again.code == 1 and "hydra.sweep.dir=sweep" in again.paragraph
