"""A stranger's run or sweep through every command that reads one: nothing of theirs is called, shown or written."""

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from siren_pl import load
from siren_pl.errors import UserError
from siren_pl.report.__main__ import main
from siren_pl.runs.keys import conf_directory
from tests.conftest import TINY, Command, Ended, _invoke
from tests.fields import domain as domain_of
from tests.handmade_runs import handmade_run

pytestmark = pytest.mark.usefixtures("one_thread", "few_figures")

SECRET = "s3cr3t-0f-th3-r3ad3r"
PAYLOAD = {"_target_": "os.system", "command": "touch pwned"}
# What is put into a stored configuration, by key, and what the refusal names.
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "a network sized by a budget": ({"model.parameters": 1000, "model.payload": PAYLOAD}, "os.system"),
    "a source": ({"dataset.signal.source": PAYLOAD}, "os.system"),
    "a rule": ({"model.rules.omega_0": {"above": 0, "auto": "os.system"}}, "os.system"),
    "a target that is no name": ({"model.network._target_": ["os.system"]}, "_target_"),
    "the environment": ({"model.omega_0": "${oc.env:SECRET}"}, "model.omega_0"),
    "the environment, with spaces": ({"task.note": "${ oc.env : SECRET }"}, "task.note"),
    "a resolver whose name is put together": ({"task.a": "env", "task.b": "${oc.${task.a}:SECRET}"}, "task.b"),
    "text that is evaluated": (
        {"task.a": "$", "task.b": "${task.a}{oc.env:SECRET}", "task.c": "${oc.decode:${task.b}}"},
        "task.c",
    ),
    "text that two resolutions evaluate": (
        {"b": "$", "evil": ["1", "${b}{oc.env:SECRET}"], "rules.evil": {"list": [{"whole": True}, {"text": True}]}}
        | {"dataset.signal.source.name": "${evil[1]}"},
        "=${oc.env:SECRET}",
    ),
    "a command that two resolutions make": (
        {"b": "$", "evil": ["1", "${b}{oc.decode:'{_target_: os.system, command: touch pwned}'}"]}
        | {"rules.evil": {"list": [{"whole": True}, {"text": True}]}, "model.network.payload": "${evil[1]}"},
        "=${oc.decode",
    ),
    "a rule of a key with a dot": (
        {"model": {"a.b": "auto", "rules": {"a.b": {"auto": "builtins.print"}}}},
        "builtins.print by model.rules.a.b.auto",
    ),
    "a rule of an empty key": ({"model": {"": "auto", "rules": {"": {"auto": "this.x"}}}}, "this.x"),
    "a rule within a rule": ({"rules.seed": {"or": [{"auto": "os.system"}]}}, "os.system"),
    "a target without a name": ({"model.network.payload": {"_target_": ""}}, "payload._target_"),
    "a target relative to nothing": ({"model.network.payload": {"_target_": ".os.system"}}, ".os.system"),
    "the environment in a list": ({"optimizer.betas": ["${oc.env:SECRET}", 0.9]}, "optimizer.betas.0"),
    "the reader's settings of Hydra": ({"task.note": "${hydra:runtime.cwd}"}, "task.note"),
}


@pytest.fixture(autouse=True)
def nothing_of_theirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """At the end of every test no command was run, nobody saw the secret, and nothing lies outside."""
    monkeypatch.setenv("SECRET", SECRET)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    yield
    assert not list(tmp_path.rglob("pwned"))
    assert [path.name for path in outside.iterdir()] == ["kept"] and (outside / "kept").read_text() == "kept"
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes() and path.name != "credentials"]


Door = Callable[..., Ended]


@pytest.fixture
def doors(
    train: Command, evaluate: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> dict[str, Door]:
    """The commands that read a stored run, by name, each called with the run."""
    return {
        "report": lambda run, *more: _invoke(main, [run, "output=report", *more], "report", monkeypatch, capfd),
        "evaluate": lambda run, *more: evaluate(f"run={run}", *more),
        "resume": lambda run, *more: train(f"resume={run}", "trainer.max_steps=9", *more),
    }


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        return compose("train", [*TINY, "logger=none", *overrides])


def stored_run(changes: dict[str, Any]) -> Path:
    """A run that ended, whose configuration was changed; it holds what a report builds networks from."""
    run, config = handmade_run(Path("run"), {}, {"psnr": 20.0, "steps": 4.0}), composed()
    for key, value in changes.items():
        OmegaConf.update(config, key, value, merge=isinstance(value, dict) and key == "model", force_add=True)
    OmegaConf.save(config, run / ".hydra/config.yaml")
    (run / "checkpoints").mkdir()
    domain = asdict(domain_of(in_features=2, out_features=1, resolution=16.0))
    torch.save(
        {"siren_pl": {"history": [], "domains": {"field": domain}}, "state_dict": {}}, run / "checkpoints/last.ckpt"
    )
    return run


def assert_refused(ended: Ended, named: str) -> None:
    assert ended.code == 1 and "Traceback" not in ended.err
    assert named in ended.paragraph and "nothing was run" in ended.paragraph
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_configuration_is_refused_by_every_reader(hostile: str, doors: dict[str, Door]) -> None:
    changes, named = HOSTILE[hostile]
    stored_run(changes)
    for door in doors.values():
        assert_refused(door("run"), named if named != "_target_" else "os.system")
    with pytest.raises(UserError, match="nothing was run"):
        load("run")
    assert not Path("report").exists()


# A damaged or hostile value, by key, and what the paragraph names beside the file.
DAMAGED: dict[str, tuple[dict[str, Any], str]] = {
    "rules of the whole that are none": ({"rules": ["os.system"]}, "rules"),
    "rules of a model that are none": ({"model.rules": [1]}, "model.rules"),
    "a rule of another kind": ({"rules.seed": {"whole": True, "from": "x"}}, "rules.seed.from"),
    "a group that is a list": ({"dataset": ["x"]}, "dataset"),
    "a seed that is none": ({"seed": "abc", "rules": {}}, "abc"),
    "a width that is none": ({"model.network.hidden_layers": "many"}, "str"),
    "a loop": ({"task.note": "${task.note}"}, "task.note"),
    "a batch that is none": ({"dataset.batch_size": "oops", "dataset.rules": {}}, "oops"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_configuration_is_named(damage: str, doors: dict[str, Door]) -> None:
    changes, named = DAMAGED[damage]
    stored_run(changes)
    for door in (doors["evaluate"], doors["resume"]):
        ended = door("run")
        assert ended.code == 1 and "Traceback" not in ended.err
        assert (
            named in ended.paragraph
            and "restore" in ended.paragraph.lower()
            and "add debug=true" not in ended.paragraph
        )


def test_what_is_only_told_is_told_as_text(doors: dict[str, Door]) -> None:
    """The report names overrides and choices; an interpolation in them, or in multirun.yaml, stays as it is written."""
    run = stored_run({})
    OmegaConf.save(OmegaConf.create(["seed=${oc.env:SECRET}"]), run / ".hydra/overrides.yaml")
    choices = {"model": "${oc.env:SECRET}", "task": "image_fit", "dataset": "camera"}
    OmegaConf.save(OmegaConf.create({"hydra": {"runtime": {"choices": choices}}}), run / ".hydra/hydra.yaml")
    (run / "multirun.yaml").write_text(r"""hydra: {overrides: {task: ['seed=${oc.env:SECRET}', "note=\e[31m\0"]}}""")
    ended = doors["report"]("run")
    assert ended.code == 0, ended.err
    page = Path("report/report.html").read_text()
    assert "${oc.env:SECRET}" in page and r"note=\x1b[31m\x00" in page
    assert not [letter for letter in page if ord(letter) < ord(" ") and letter not in "\n\t"]


def test_files_that_would_make_objects_make_none(doors: dict[str, Door]) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, ("touch pwned",)

    run = stored_run({})
    for save in (pickle.dump, torch.save):
        with (run / "checkpoints/last.ckpt").open("wb") as file:
            save({"state_dict": Payload()}, file)
        paragraph = doors["evaluate"]("run").paragraph
        assert "weights only" in paragraph and "Python objects" in paragraph and "weights_only" not in paragraph
    assert doors["report"]("run").code == 0  # which needs no checkpoint
    (run / ".hydra/config.yaml").write_text("model: !!python/object/apply:os.system ['touch pwned']")
    for door in doors.values():
        ended = door("run")
        assert ended.code == 1 and "config.yaml cannot be read" in ended.paragraph


@pytest.mark.parametrize("link", ["evaluate", "predictions", "signals/a", "run.log", "metrics.json", ".lock", "status"])
def test_a_link_that_leads_out_of_a_run_is_refused(link: str, doors: dict[str, Door]) -> None:
    run = stored_run({})
    Path("credentials").write_text(SECRET)
    (run / link).parent.mkdir(exist_ok=True)
    (run / link).unlink(missing_ok=True)
    (run / link).symlink_to(Path("credentials" if link == "status" else "outside").resolve())
    for door in doors.values():
        assert_refused(door("run"), f"run/{link} is a symbolic link")


def test_a_real_run_keeps_its_own(train: Command, evaluate: Command, doors: dict[str, Door]) -> None:
    """Of a run that works: links inside it are followed, none out of it; logs go where the reader says."""
    assert train("hydra.run.dir=run").code == 0
    run = Path("run")
    (run / "predictions").rename(run / "kept")
    (run / "predictions").symlink_to("kept")
    assert evaluate("run=run").code == 0
    (run / "evaluate/9x9").symlink_to(Path("outside").resolve())
    assert_refused(evaluate("run=run", "size=9,9"), "run/evaluate/9x9")
    (run / "evaluate/9x9").unlink()
    place = Path("outside").resolve()
    config = OmegaConf.load(run / ".hydra/config.yaml")
    config.logger = {"name": "wandb", "project": "p", "mode": "offline", "directory": str(place), "histograms": False}
    OmegaConf.save(config, run / ".hydra/config.yaml")
    assert_refused(train("resume=run", "trainer.max_steps=6"), f"logger.directory={place}")
    ended = train("resume=run", "trainer.max_steps=6", "logger.directory=mine")
    assert ended.code == 0, ended.err
    assert list(Path("mine/wandb").glob("offline-run-*")) and not Path("outputs").exists()


def test_trust_admits_what_a_package_defines(
    train: Command, evaluate: Command, doors: dict[str, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep of one's own network: every reader asks for trust, and with it goes on; what it imports stays shut."""
    Path("theirs").mkdir()
    Path("theirs/__init__.py").write_text(
        "import os\nfrom siren_pl import Siren\ndef own(**options):\n    return Siren(**options)\n"
    )
    monkeypatch.delitem(sys.modules, "theirs", raising=False)  # of another test
    monkeypatch.syspath_prepend(str(Path.cwd()))
    began = train("-m", "model.network._target_=theirs.own", "seed=0", "hydra.sweep.dir=sweep")
    assert began.code == 0, began.err
    Path("sweep/summary.csv").unlink()
    Path("sweep/0/status").unlink()
    assert "trust=theirs" in train("sweep.resume=sweep").paragraph
    assert train("sweep.resume=sweep", "trust=theirs").code == 0
    for door in doors.values():
        assert "trust=theirs" in door("sweep/0").paragraph
        assert door("sweep/0", "trust=theirs").code == 0
    config = Path("sweep/0/.hydra/config.yaml")
    config.write_text(config.read_text().replace("theirs.own", "theirs.os.system"))
    assert_refused(evaluate("run=sweep/0", "trust=theirs"), "theirs.os.system")


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


@pytest.mark.parametrize("name", ["download_all", "data_dir", "eagle"])
def test_bundled_images_are_those_that_ship(name: str, train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import skimage.data

    monkeypatch.setattr(skimage.data, "download_all", lambda *_: Path("pwned").touch())
    ended = train(f"dataset.signal.source.name={name}")
    assert ended.code == 1 and f"dataset.signal.source.name={name}" in ended.paragraph and "camera" in ended.paragraph
