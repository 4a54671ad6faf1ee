"""A stranger's run through every command that reads one: nothing of theirs is called, shown or written."""

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from siren_pl import load
from siren_pl.errors import UserError
from siren_pl.report.__main__ import main
from tests.conftest import Command, Ended, _invoke
from tests.fields import domain as domain_of
from tests.handmade_runs import handmade_run
from tests.strangers import SECRET, assert_refused, composed
from tests.strangers import nothing_of_theirs as nothing_of_theirs  # noqa: PLC0414 - pytest finds the fixture here

pytestmark = pytest.mark.usefixtures("one_thread", "few_figures")

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


@pytest.mark.parametrize("name", ["download_all", "data_dir", "eagle"])
def test_bundled_images_are_those_that_ship(name: str, train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import skimage.data

    monkeypatch.setattr(skimage.data, "download_all", lambda *_: Path("pwned").touch())
    ended = train(f"dataset.signal.source.name={name}")
    assert ended.code == 1 and f"dataset.signal.source.name={name}" in ended.paragraph and "camera" in ended.paragraph
