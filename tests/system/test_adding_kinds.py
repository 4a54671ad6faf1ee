"""A task, a metric and a module of one's own are a Python file and a YAML each, and all commands take them."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from siren_pl.report.__main__ import main
from tests.conftest import TINY, Command, _invoke
from tests.package_of_kinds import FILES

pytestmark = pytest.mark.usefixtures("one_thread")

# Of each task: what leads, a key out of range, and what lies beneath predictions/ and figures/.
TASKS = {
    "motion": ("endpoint", "task.shift=-1", {"motion.npy"}, {"curve.png", "lengths.png"}),
    "edges": ("edge_error", "task.weight=-1", {"camera.png"}, {"curve.png", "reconstruction.png", "derivatives.png"}),
    "absolute": ("psnr", "task.power=2", {"camera.png"}, {"curve.png", "reconstruction.png", "derivatives.png"}),
}
GIVEN = ("--config-dir", "kinds_conf", "optimizer.schedule=constant", "optimizer.lr=1e-3")


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    for name in [name for name in sys.modules if name.split(".")[0] == "kinds"]:
        monkeypatch.delitem(sys.modules, name)


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


def state(run: str) -> dict[str, torch.Tensor]:
    return torch.load(Path(run, "checkpoints/last.ckpt"), weights_only=True)["state_dict"]


@pytest.mark.parametrize("task", TASKS)
def test_a_kind_of_ones_own_is_a_run_as_any_other(
    task: str, train: Command, evaluate: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lead, beyond, files, figures = TASKS[task]
    ended = train(*GIVEN, f"task={task}", "figures=true", "hydra.run.dir=whole", "trainer.max_steps=6")
    assert ended.code == 0, ended.err
    whole = metrics("whole")
    assert whole["steps"] == 6 and whole["diverged"] == 0
    assert next(iter(json.loads(Path("whole/measures.json").read_text()))) == lead
    assert {path.name for path in Path("whole/predictions").iterdir()} == files
    assert {path.name for path in Path("whole/figures").iterdir()} == figures
    assert lead in ended.err
    refused = train(*GIVEN, f"task={task}", beyond)
    assert refused.code == 1 and beyond in refused.paragraph

    # Cut off and resumed, it ends with the same bits.
    assert train(*GIVEN, f"task={task}", "hydra.run.dir=cut", "trainer.max_steps=3").code == 0
    assert "trust=kinds" in train("resume=cut", "trainer.max_steps=6").paragraph
    again = train("resume=cut", "trainer.max_steps=6", "trust=kinds")
    assert again.code == 0, again.err
    expected, found = state("whole"), state("cut")
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert metrics("cut")[lead] == whole[lead]

    # Evaluated, it has the same scores; an unknown option names those of its kind.
    assert "trust=kinds" in evaluate("run=whole").paragraph
    told = evaluate("run=whole", "trust=kinds")
    assert told.code == 0, told.err
    (scored,) = Path("whole/evaluate").glob("*/metrics.json")
    again_scored = json.loads(scored.read_text())
    assert again_scored[lead] == whole[lead] and lead in told.out
    assert again_scored == {name: pytest.approx(whole[name], abs=1e-9) for name in again_scored}
    assert {path.name for path in scored.parent.iterdir()} >= files
    unknown = evaluate("run=whole", "trust=kinds", "tempo=3").paragraph
    assert "tempo" in unknown and ("window" in unknown) == (task != "motion")

    # Swept, its jobs are compared by what leads; the report tells of all of them.
    ended = train(*GIVEN, "-m", f"task={task}", "seed=0,1", "hydra.sweep.dir=sweep")
    assert ended.code == 0, ended.err
    with Path("sweep/summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["finished"] * 2 and all(float(row[lead]) > 0 for row in rows)
    assert Path(f"sweep/figures/{lead}_over_seed.png").is_file()
    told = _invoke(main, ["sweep", "whole", "output=report", "trust=kinds"], "report", monkeypatch, capfd)
    assert told.code == 0 and task in Path("report/report.html").read_text(), told.err


def test_two_fields_are_looked_for_and_the_warp_has_a_gradient(train: Command) -> None:
    assert train(*GIVEN, "task=motion", "hydra.run.dir=run", "trainer.max_steps=40").code == 0
    assert train(*GIVEN, "task=motion", "hydra.run.dir=first", "trainer.max_steps=1").code == 0
    moved = [name for name in state("run") if not torch.equal(state("run")[name], state("first")[name])]
    assert any(name.startswith("others.motion.") for name in moved) and any(n.startswith("network.") for n in moved)
    found = np.load("run/predictions/motion.npy")
    assert found.shape == (256, 2)
    truth = np.zeros((256, 2))
    truth[:, 1] = 2 / 16
    error = np.linalg.norm(found - truth, axis=1).mean() / (2 / 16)
    assert metrics("run")["endpoint"] == pytest.approx(error, rel=1e-5)
    assert metrics("run")["baseline/no_motion/endpoint"] == pytest.approx(1.0)
    assert not any(name.startswith("baseline/nothing") for name in metrics("run"))


def test_samples_of_no_known_kind_leave_an_array(train: Command, evaluate: Command) -> None:
    """A signal of one axis, of which nothing says how it is drawn or written."""
    options = [option for option in TINY if "dataset.size" not in option]
    given = ("dataset=tone", "recipe.batch_size=64", *options, "figures=true", "hydra.run.dir=run")
    ended = train("--config-dir", "kinds_conf", *given, tiny=False)
    assert ended.code == 0, ended.err
    found, truth = np.load("run/predictions/tone.npy"), np.sin(np.arange(64) / 5)[:, None] / 4 + 0.5
    assert found.shape == (64, 1)
    expected = -10 * np.log10(np.square(found - truth).mean())
    assert metrics("run")["psnr"] == pytest.approx(expected, abs=1e-3)
    assert [path.name for path in Path("run/figures").iterdir()] == ["curve.png"]
    assert "scale is not an option" in evaluate("run=run", "trust=kinds", "scale=2").paragraph
    assert evaluate("run=run", "trust=kinds").code == 0
    assert np.array_equal(np.load("run/evaluate/64/tone.npy"), found)


def test_rivals_are_measured_by_the_judge_of_ones_own(train: Command) -> None:
    """A grey picture differs between neighbours by what the photograph does."""
    import skimage.data
    from PIL import Image

    assert train(*GIVEN, "task=edges", "hydra.run.dir=run", "dataset.size=[64,64]").code == 0
    small = Image.fromarray((skimage.data.camera() / 255).astype(np.float32)).resize(
        (64, 64), Image.Resampling.BILINEAR
    )
    expected = np.abs(np.diff(2 * np.asarray(small, float), axis=0)).mean()
    assert metrics("run")["baseline/grey/edge_error"] == pytest.approx(expected, rel=1e-4)
    ended = train(*GIVEN, "task=edges", "hydra.run.dir=window")
    assert ended.code == 0 and "error of the edges (of 1)" in ended.err


def test_a_module_of_ones_own_that_diverges_is_a_result(train: Command) -> None:
    ended = train(*GIVEN, "task=absolute", "optimizer.lr=1e38", "hydra.run.dir=run", "trainer.max_steps=6")
    assert ended.code == 1 and Path("run/status").read_text() == "diverged\n"
    assert metrics("run")["diverged"] == 1 and metrics("run")["diverged_step"] < 6
    assert "Traceback" not in ended.err


def test_signals_that_bring_a_module_are_fitted_one_after_the_other(train: Command) -> None:
    from PIL import Image

    Path("two").mkdir()
    for name, level in (("a", 60), ("b", 200)):
        Image.new("L", (8, 8), level).save(f"two/{name}.png")
    ended = train(*GIVEN, "task=absolute", "dataset=folder", "dataset.path=two", "figures=true", "hydra.run.dir=set")
    assert ended.code == 0, ended.err
    assert len(list(Path("set/checkpoints").iterdir())) == 2
    assert metrics("set")["psnr_min"] == min(metrics(f"set/signals/{name}")["psnr"] for name in "ab")
    assert Path("set/figures/signals.png").is_file()
