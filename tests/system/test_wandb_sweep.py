"""What W&B gets of a sweep: a run per job with group, tags and configuration, one of the whole; and its own sweeps."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from wandb.sdk.launch.sweeps import utils

from tests.conftest import TINY, Command, only_run
from tests.system.test_sweep_resume import ROOT
from tests.system.test_sweeps import inspect
from tests.wandb_file import history, run_of

FILE = ROOT / "docs/examples/wandb_sweep.yaml"
LAYERS = {f"weights/layers.{layer}.{kind}" for layer in range(3) for kind in ("weight", "bias")}


def runs() -> list[Path]:
    return sorted(Path("outputs/wandb").glob("offline-run-*"))


def test_jobs_and_the_summary_share_a_group(train: Command) -> None:
    assert train("-m", "model.omega_0=5,30", "hydra.sweep.dir=mine/sweep", logger="wandb").code == 0
    said = {run_of(run).job_type: run for run in runs()}
    assert len(runs()) == 3 and said.keys() == {"image_fit", "summary"}
    assert {run_of(run).run_group for run in runs()} == {"sweep"}
    assert list(run_of(said["image_fit"]).tags) == ["image_fit", "siren"]
    told = inspect(said["image_fit"])["config"]  # nested
    assert told["task"]["problem"]["_target_"] == "siren_pl.problems.derivatives.sobolev.image_fit"
    whole = inspect(said["summary"])
    assert (whole["state"], whole["exit_code"]) == ("finished", 0)
    assert "figures/psnr_over_model.omega_0" in whole["summary"]
    table = json.loads((said["summary"] / "files" / whole["summary"]["sweep"]["path"]).read_text())
    with Path("mine/sweep/summary.csv").open() as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert table["columns"] == reader.fieldnames
    column = table["columns"].index("psnr")
    assert [row[column] for row in table["data"]] == [float(row["psnr"]) for row in rows]


def test_a_sweep_with_failed_jobs_has_a_table_all_the_same(train: Command) -> None:
    """Cells that a job has no value for are empty."""
    assert train("-m", "dataset.heldout=0.2,1.5", "hydra.sweep.dir=sweep", logger="wandb").code == 1
    whole = next(run for run in runs() if run_of(run).job_type == "summary")
    (path,) = whole.glob("files/media/table/*.json")
    table = json.loads(path.read_text())
    cells = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [cell["status"] for cell in cells] == ["finished", "failed"]
    assert cells[1]["psnr"] is None and cells[1]["dataset.heldout"] == 1.5


def test_the_agents_command_is_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `wandb agent` would make of our file, and in the surroundings it would start it in; only offline."""
    sweep = yaml.safe_load(FILE.read_text())
    values = {name: {"value": options["values"][0]} for name, options in sweep["parameters"].items()}
    macros = utils.create_sweep_command_args({"args": values})
    macros |= {"env": ["/usr/bin/env"], "interpreter": ["python"], "program": [str(ROOT / sweep["program"])]}
    command = [word for part in sweep["command"] for word in macros.get(part[2:-1], [part])]
    assert command[-2:] == ["model.omega_0=5", "seed=0"]
    Path("parameters.yaml").write_text(yaml.safe_dump({"wandb_version": 1, **values}))
    surroundings = {
        "WANDB_MODE": "offline",
        "WANDB_SWEEP_ID": "mysweep1",
        "WANDB_RUN_ID": "therun01",
        "WANDB_SWEEP_PARAM_PATH": str(Path("parameters.yaml").resolve()),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    ended = subprocess.run([*command, *TINY, "dataset.heldout=0.2"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    metrics = json.loads((only_run() / "metrics.json").read_text())
    (run,) = runs()
    seen = inspect(run)
    assert (run_of(run).sweep_id, seen["run_id"], seen["state"]) == ("mysweep1", "therun01", "finished")
    assert seen["config"]["model"]["omega_0"] == 5
    assert seen["summary"][sweep["metric"]["name"]] == metrics[sweep["metric"]["name"]]


@pytest.mark.parametrize("task", ["image_fit", "poisson_grad", "poisson_laplacian"])
def test_panels_have_the_same_names_for_every_task(task: str, train: Command, few_figures: None) -> None:
    """Only the terms of a loss have names of their own."""
    assert (
        train(f"task={task}", "dataset.heldout=0", "logger.histograms=true", "figures=true", logger="wandb").code == 0
    )
    names = {name for row in history(runs()[0]) for name in row if not name.startswith("_")}
    terms = {name for name in names if name.startswith("train/") and name != "train/loss"}
    figures = {f"figures/{name}" for name in ("curve", "derivatives", "reconstruction")}
    assert names - terms == {"train/loss", "eval/psnr", "trainer/global_step", "metrics", *figures, *LAYERS}


def test_histograms_are_of_the_weights_at_the_evaluations(train: Command) -> None:
    assert train("logger.histograms=true", "hydra.run.dir=run", logger="wandb").code == 0
    rows = [row for row in history(runs()[0]) if LAYERS & row.keys()]
    assert [row["trainer/global_step"] for row in rows] == [2, 4]
    weights = torch.load("run/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    for name in LAYERS:
        last, drawn = weights[f"network.{name.removeprefix('weights/')}"], rows[-1][name]
        assert sum(drawn["values"]) == last.numel()
        if last.numel() > 1:
            assert (drawn["bins"][0], drawn["bins"][-1]) == pytest.approx((float(last.min()), float(last.max())))


def test_histograms_in_tensorboard(train: Command) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert train("logger.histograms=true", "hydra.run.dir=run", logger="tensorboard").code == 0
    events = EventAccumulator("run/tensorboard", size_guidance={"histograms": 0})
    events.Reload()
    assert set(events.Tags()["histograms"]) == LAYERS
    assert [event.step for event in events.Histograms("weights/layers.1.weight")] == [2, 4]


@pytest.mark.parametrize("logger", ["csv", "none"])
def test_other_loggers_say_that_they_keep_no_histograms(logger: str, train: Command) -> None:
    ended = train("logger.histograms=true", logger=logger)
    assert ended.code == 0
    assert ended.err.count("keeps no histograms") == 1


def test_no_histograms_unless_asked_for(train: Command) -> None:
    train(logger="wandb")
    assert not any(LAYERS & row.keys() for row in history(runs()[0]))
