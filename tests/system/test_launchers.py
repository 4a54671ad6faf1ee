"""Hydra's launchers run a sweep as its own loop does: same table, same exit code, a W&B run per job."""

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import joblib
import pytest

from siren_pl.commands import launchers
from siren_pl.commands.guard import explain
from tests.conftest import TINY, Command, end_a_fresh_one_at
from tests.system.test_sweep_resume import ROOT, assert_same
from tests.system.test_sweeps import inspect

# A source that says, in a file beside the sweep, how many threads the process has that reads it.
PROBE = """import os, torch
from siren_pl import bundled

def source(name):
    with open(f"threads_{os.getpid()}", "a") as file:
        file.write(f"{torch.get_num_threads()}\\n")
    return bundled(name)
"""
SWEEP = ("-m", "dataset.signal.source._target_=probe.source", "hydra.sweep.dir=sweep")


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("probe.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()), prepend=os.pathsep)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def check_the_sweep(*heldout: float) -> None:
    """1.5 is no fraction: that job failed. Every other is one finished W&B run, and so is the sweep."""
    with Path("sweep/summary.csv").open() as file:
        ended = [(float(row["dataset.heldout"]), row["status"]) for row in csv.DictReader(file)]
    assert ended == [(fraction, "failed" if fraction > 1 else "finished") for fraction in heldout]
    runs = [inspect(path) for path in Path("outputs/wandb").glob("offline-run-*")]
    jobs = [run["config"]["dataset"]["heldout"] for run in runs if "summary" not in run["tags"]]
    assert sorted(jobs) == sorted(fraction for fraction in heldout if fraction < 1)
    assert len(runs) == len(jobs) + 1
    assert all(run["state"] == "finished" and run["exit_code"] == 0 for run in runs)


def seen_threads() -> dict[str, set[str]]:
    return {path.name: set(path.read_text().split()) for path in Path().glob("threads_*")}


def test_joblib_divides_the_threads_among_the_jobs(train: Command) -> None:
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    ended = train(*SWEEP, "dataset.heldout=0.2,1.5,0.3", *launcher, logger="wandb")
    assert ended.code == 1
    check_the_sweep(0.2, 1.5, 0.3)
    assert "dataset.heldout=1.5" in ended.err and "Traceback" not in ended.err
    seen = seen_threads()
    assert f"threads_{os.getpid()}" not in seen
    assert set().union(*seen.values()) == {str(max(1, joblib.cpu_count() // 2))}


def test_submitit_on_this_machine(train: Command) -> None:
    assert train(*SWEEP, "dataset.heldout=0.2,1.5", "hydra/launcher=submitit_local", logger="wandb").code == 1
    check_the_sweep(0.2, 1.5)


@pytest.mark.skipif("ray" not in launchers.installed(), reason="hydra-ray-launcher is not installed")
def test_ray_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, with which Ray's end."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # it would leave a token in the home directory
    command = [sys.executable, str(ROOT / "train.py"), *SWEEP, *TINY, "dataset.heldout=0.2,1.5", "hydra/launcher=ray"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    check_the_sweep(0.2, 1.5)


@pytest.mark.usefixtures("one_thread")
def test_a_requeued_job_continues_where_it_was(train: Command) -> None:
    """USR2 is what submitit gets before a job's time is up; the job is put into the queue again, then starts anew."""
    options = ("seed=0", "dataset.batch_size=64", "trainer.max_steps=60", "trainer.evaluations=6")
    launcher = ("hydra/launcher=submitit_local", "hydra.sweep.dir=sweep")
    # The worker is the one process in which there are optimiser steps.
    moment = "sweep/0/checkpoints/last.ckpt"
    assert end_a_fresh_one_at(moment, signal.SIGUSR2, "-m", *TINY, "logger=none", *options, *launcher, steps=7) == 0
    (folder,) = Path("sweep/.submitit").glob("[0-9]*")
    assert "Requeued job" in "".join(path.read_text() for path in folder.glob("*.err"))
    assert train("-m", *options, "hydra.sweep.dir=whole").code == 0
    assert_same(Path("sweep"), Path("whole"), jobs=1)


def test_a_launcher_that_is_not_installed_names_its_package() -> None:
    from hydra.errors import MissingConfigException

    for name, extra in launchers.EXTRAS.items():
        text = f"In 'hydra/config': Could not find 'hydra/launcher/{name}'\n\nAvailable options in 'hydra/launcher':"
        assert f"pip install siren-pl[{extra}]" in explain(MissingConfigException(text, name))


@pytest.mark.skipif("ray" in launchers.installed(), reason="hydra-ray-launcher is installed")
def test_the_command_names_the_missing_package(train: Command) -> None:
    ended = train("-m", "seed=1,2", "hydra/launcher=ray")
    assert ended.code == 1 and "pip install siren-pl[ray]" in ended.paragraph


def test_every_launcher_is_an_extra_of_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra in launchers.EXTRAS.values():
        assert re.match(rf"hydra-{extra}-launcher", extras[extra][0])


DOCUMENTED = re.findall(
    r"^    python train\.py -m ((?:.*\\\n)*.*)$", (ROOT / "docs/sweeps.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("command", DOCUMENTED)
def test_documented_sweeps_are_accepted(command: str) -> None:
    """Their first jobs are composed; nothing is put into a queue."""
    from hydra import compose, initialize_config_dir

    overrides = [override.split(",")[0] for override in shlex.split(command.replace("\\\n", ""))]
    launcher = next((item.split("=")[1] for item in overrides if item.startswith("hydra/launcher=")), None)
    if launcher is not None and launcher not in launchers.installed():
        pytest.skip(f"{launcher} is not installed")
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        compose("train", overrides)
