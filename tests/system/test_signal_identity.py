"""A field goes on, and is judged, on the picture that it was fitted to: by name and content, never by number."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siren_pl.report.__main__ import main
from tests.conftest import Command, Ended, _invoke

# evaluate.py draws wherever it scores, which is not looked at here.
pytestmark = pytest.mark.usefixtures("few_figures")

GIVEN = ("dataset=folder", "dataset.path=images", "dataset.size=null", "trainer.max_steps=30", "optimizer.lr=3e-3")


def picture(path: str, level: int) -> None:
    """A ramp of a mean of its own: a field of another one is far off."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.arange(48).reshape(8, 6) // 2 + level).astype(np.uint8)).save(path)


@pytest.fixture
def images() -> None:
    for level, name in ((40, "b"), (120, "c"), (200, "more/d")):
        picture(f"images/{name}.png", level)


def psnr(run: str) -> float:
    return json.loads(Path(run, "metrics.json").read_text())["psnr"]


def evaluated(run: str) -> float:
    (file,) = Path(run).glob("evaluate/*/metrics.json")
    return json.loads(file.read_text())["psnr"]


def refused(ended: Ended, *words: str) -> None:
    assert ended.code == 1 and "Traceback" not in ended.err
    assert all(word in ended.paragraph for word in words), ended.paragraph


@pytest.fixture
def runs(images: None, train: Command) -> tuple[str, str, str]:
    """A set, one of its members, and a run of one file of the folder by its number; then the numbers move."""
    assert train(*GIVEN, "hydra.run.dir=set").code == 0
    assert train(*GIVEN, "dataset.index=1", "hydra.run.dir=alone").code == 0
    picture("images/a.png", 10)
    return "set", "set/signals/c", "alone"


def test_a_folder_that_gained_a_file(
    runs: tuple[str, str, str],
    train: Command,
    evaluate: Command,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    whole, member, alone = runs
    for run in (member, alone):
        assert evaluate(f"run={run}").code == 0
        assert evaluated(run) == pytest.approx(psnr(run), abs=1e-3)
    before = {run: psnr(run) for run in (member, alone)}
    assert _invoke(main, [whole, "output=here"], "report", monkeypatch, capfd).code == 0
    # The report draws no picture of a field beside another target.
    assert "Pictures of" not in Path("here/report.html").read_text()
    for run in (alone, whole):
        ended = train(f"resume={run}", "trainer.max_steps=34")
        assert ended.code == 0, ended.err
    assert sorted(path.name for path in Path("set/signals").iterdir()) == ["b", "c", "d"]
    for run in (member, alone):
        assert psnr(run) > before[run] - 3 and Path(run, "predictions/c.png").is_file()
    assert train(f"resume={member}", "trainer.max_steps=38").code == 0 and psnr(member) > before[member] - 3


def test_a_folder_that_lost_or_changed_a_file(runs: tuple[str, str, str], train: Command, evaluate: Command) -> None:
    _, member, alone = runs
    before = {run: Path(run, "metrics.json").read_bytes() for run in runs}
    Path("images/c.png").rename("images/renamed.png")
    for run in runs:
        refused(train(f"resume={run}", "trainer.max_steps=34"), "c.png", "images")
    for run in (member, alone):
        refused(evaluate(f"run={run}"), "c.png", "images")
    picture("images/c.png", 121)
    for run in runs:
        refused(train(f"resume={run}", "trainer.max_steps=34"), "fitted to another c", "SHA-256")
    for run in (member, alone):
        refused(evaluate(f"run={run}"), "fitted to another c", "dataset.path=FILE")
    assert before == {run: Path(run, "metrics.json").read_bytes() for run in runs}
    shutil.move("images/renamed.png", "images/c.png")
    for run in (member, alone):
        assert evaluate(f"run={run}").code == 0


def test_data_that_have_moved_are_found_and_another_picture_may_be_named(
    runs: tuple[str, str, str], train: Command, evaluate: Command
) -> None:
    _, member, alone = runs
    shutil.move("images", "moved")
    for run in (member, alone):
        ended = evaluate(f"run={run}", "dataset.path=moved")
        assert ended.code == 0 and evaluated(run) == pytest.approx(psnr(run), abs=1e-3)
        assert "another" not in ended.err
    picture("one.png", 40)
    picture("other.png", 200)
    assert train("dataset=image", "dataset.path=one.png", *GIVEN[2:], "hydra.run.dir=run").code == 0
    ended = evaluate("run=run", "dataset.path=other.png")
    assert ended.code == 0 and evaluated("run") < psnr("run") - 3
    assert "fitted to another one: here is other" in ended.err
    picture("one.png", 41)
    refused(evaluate("run=run"), "run was fitted to another one", "SHA-256")


def test_the_truth_and_the_mask_belong_to_a_signal(images: None, train: Command, evaluate: Command) -> None:
    Image.fromarray(np.tile(np.uint8([0, 255]), (8, 3))).save("mask.png")
    given = ("task=inpainting", "model=siren", "dataset=image", "dataset.path=images/b.png", "task.mask=mask.png")
    assert train(*given, "dataset.size=null", "hydra.run.dir=run").code == 0
    assert evaluate("run=run").code == 0
    Image.fromarray(np.tile(np.uint8([255, 0]), (8, 3))).save("mask.png")
    refused(evaluate("run=run"), "task.mask")
    refused(train("resume=run", "trainer.max_steps=8"), "task.mask")


def test_a_damaged_record_is_named(runs: tuple[str, str, str], train: Command, evaluate: Command) -> None:
    for text in ("{", '[{"name": "c", "index": {"_target_": "os.system"}, "place": null, "sha256": {}}]', "[1]"):
        Path("alone/signals.json").write_text(text)
        refused(evaluate("run=alone"), "signals.json is damaged")
        refused(train("resume=alone"), "signals.json is damaged")
