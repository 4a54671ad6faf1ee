"""A stranger's sweep is continued only if it calls, reads and writes nothing of its own."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from PIL import Image

from tests.conftest import TINY, Command
from tests.strangers import assert_refused, composed
from tests.strangers import nothing_of_theirs as nothing_of_theirs  # noqa: PLC0414 - pytest finds the fixture here

pytestmark = pytest.mark.usefixtures("one_thread", "few_figures")


def stored_sweep(*overrides: str, source: str | None = None) -> None:
    """What a killed sweep leaves first, with overrides added to it."""
    task = [*TINY, "logger=none", *(each for each in overrides if "hydra" not in each)]
    hydra = [each for each in overrides if "hydra" in each]
    sources = [{"path": source, "schema": "file", "provider": "command-line"}] if source else []
    runtime = {"cwd": str(Path.cwd()), "config_sources": sources}
    data = [each for each in overrides if each.startswith(("dataset=", "dataset.path="))]
    start: Any = OmegaConf.to_container(composed(*data), resolve=False)
    start["hydra"] = {"overrides": {"task": task, "hydra": hydra}, "runtime": runtime}
    Path("sweep").mkdir()
    OmegaConf.save(OmegaConf.create(start), "sweep/sweep.yaml")


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (("dataset.signal.source._target_=os.system", "+dataset.signal.source.command='touch pwned'"), "os.system"),
        (("model.omega_0=${oc.env:SECRET},2",), "oc.env"),
        (("logger=wandb", "logger.mode=offline", "logger.directory=outside"), "logger.directory=outside"),
        (("--experimental-rerun=stored.pickle",), "--experimental-rerun"),
        (("+hydra.callbacks.own={_target_: os.system, command: 'touch pwned'}",), "hydra.callbacks.own"),
        (("+hydra.job_logging.handlers.own.filename=../outside/log",), "hydra.job_logging"),
        (("hydra.launcher._target_=os.system",), "hydra.launcher._target_"),
        (("hydra.output_subdir=../../outside",), "hydra.output_subdir"),
        (("hydra.sweep.subdir=../outside",), "hydra.sweep.subdir"),
        (("hydra.searchpath=[file://outside]",), "hydra.searchpath"),
        (("hydra.job.env_copy=[SECRET]",), "hydra.job.env_"),
        (("hydra.sweeper.params={seed:'0,1', +note: '${oc.env:SECRET}'}",), "oc.env"),
    ],
    ids=lambda given: given[0].split("=")[0] if isinstance(given, tuple) else "",
)
def test_a_hostile_sweep_is_not_continued(overrides: tuple[str, ...], named: str, train: Command) -> None:
    stored_sweep("seed=0,1", *overrides)
    assert_refused(train("sweep.resume=sweep"), named)
    assert [path.name for path in Path("sweep").iterdir()] == ["sweep.yaml"]


@pytest.mark.parametrize(
    ("evil", "named"),
    [
        ("hydra: {job_logging: {handlers: {own: {(): os.system, command: touch pwned}}}}", "hydra.job_logging"),
        ("dataset: {signal: {source: {_target_: os.system, command: touch pwned}}}", "os.system"),
        ("dataset: {signal: {source: {name: '${oc.env:SECRET}'}}}", "dataset.signal.source.name"),
        ("b: $\nhydra: {sweeper: {params: {+note: '${b}{oc.env:SECRET}'}}}", "hydra.sweeper.params"),
        (
            "b: $\nevil: ['1', \"${b}{oc.decode:'{_target_: os.system, command: touch pwned}'}\"]\n"
            "rules: {evil: {list: [{whole: true}, {text: true}]}}\nmodel: {network: {payload: '${evil[1]}'}}",
            "=${oc.decode",
        ),
    ],
)
def test_files_beside_a_hostile_sweep_are_checked_in_every_job(evil: str, named: str, train: Command) -> None:
    """Only the second job's model brings what is not allowed, from a folder that the sweep says it was started with."""
    Path("theirs/model").mkdir(parents=True)
    Path("theirs/model/evil.yaml").write_text(f"# @package _global_\ndefaults: [/model/siren@model]\n{evil}\n")
    stored_sweep("model=siren,evil", source="theirs")
    assert_refused(train("sweep.resume=sweep"), named)


def test_a_link_out_of_a_sweep_and_a_place_that_it_chose(train: Command) -> None:
    stored_sweep("seed=0,1")
    Path("sweep/0").symlink_to(Path("outside").resolve())
    assert_refused(train("sweep.resume=sweep"), "sweep/0 is a symbolic link")
    Path("sweep/0").unlink()
    start = OmegaConf.load("sweep/sweep.yaml")
    start.hydra.runtime.cwd = str(Path("outside").resolve())
    OmegaConf.save(start, "sweep/sweep.yaml")
    assert train("sweep.resume=sweep", "logger=csv").code == 0


def test_a_sweep_does_not_choose_where_the_reader_logs(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it was started in the folder above the reader's, of which only the data are read."""
    here = Path("here").resolve()
    here.mkdir()
    Image.new("L", (8, 8)).save("photo.png")
    stored_sweep("dataset=image", "dataset.path=photo.png", "seed=0", "logger=wandb", "logger.mode=offline")
    Path("sweep").rename("here/sweep")
    monkeypatch.chdir(here)
    ended = train("sweep.resume=sweep")
    assert ended.code == 0, ended.err
    assert len(list(here.glob("outputs/wandb/offline-run-*"))) == 2  # a job and the summary
    assert sorted(path.name for path in here.parent.iterdir()) == ["caches", "here", "outside", "photo.png"]
    (here / "sweep/summary.csv").unlink()
    start = OmegaConf.load(here / "sweep/sweep.yaml")
    start.hydra.overrides.task = [*start.hydra.overrides.task[:-2], "logger=none,wandb"]
    OmegaConf.save(start, here / "sweep/sweep.yaml")
    monkeypatch.chdir(here)
    assert "add logger=none" in train("sweep.resume=sweep").paragraph


@pytest.mark.parametrize("damage", ["+model.network.payload=${evil[1]}", "hydra.job.env_set=1"])
def test_a_damaged_sweep_is_named(damage: str, train: Command) -> None:
    stored_sweep("seed=0,1", damage)
    paragraph = train("sweep.resume=sweep").paragraph
    assert "sweep.resume=sweep" in paragraph and "restore sweep.yaml" in paragraph and "Exception" not in paragraph


def test_hydras_settings_go_on_where_they_are_typed_again(train: Command) -> None:
    stored_sweep("seed=0", "+hydra.job.env_set.LEFT=here")
    assert_refused(train("sweep.resume=sweep"), "hydra.job.env_set")
    assert train("sweep.resume=sweep", "+hydra.job.env_set.LEFT=here").code == 0
