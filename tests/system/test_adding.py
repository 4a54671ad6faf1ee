"""What a user adds is one Python file and one YAML, and lives as long a life as what siren_pl brings.

Each addition of tests/additions is copied into a package of its own, in a directory where nothing else is edited. There
it is trained once, for all the tests that follow, for STEPS steps at a constant rate, so that a run that stops earlier
takes the same steps. The sweep's first value is the YAML's own, hence its first job is the same run once more.
"""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from pypdf import PdfReader

from siren_pl.problems.pictures import figures
from siren_pl.report.__main__ import main as report_main
from tests import own_package
from tests.conftest import Command, _invoke, empty_figure
from tests.fields import kept, tensors

ADDITIONS = Path(__file__).resolve().parents[1] / "additions"
SIDE, STEPS = 16, 40
OPTIONS = (
    f"trainer.max_steps={STEPS}",
    "optimizer.schedule=constant",
    "optimizer.factor=3",  # forty steps are few
    "trainer.evaluations=1",
)
# The best constant picture is the mean; a fit that learnt anything has less than half of its squared error.
MARGIN_DB = 3.0


def photo() -> NDArray:
    """A smooth picture, (H, W) in [0, 1]."""
    y, x = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2, indexing="ij")
    return np.round(255 * (0.5 + 0.2 * x + 0.25 * np.sin(3 * y + x))) / 255


def rings() -> NDArray:
    """The picture of `dataset/rings.yaml`, written down once more."""
    y, x = np.meshgrid(*[(2 * np.arange(SIDE) + 1 - SIDE) / SIDE] * 2, indexing="ij")
    return np.sin(np.pi * 0.8 * np.sqrt(x**2 + y**2)) ** 2


@dataclass(frozen=True)
class Addition:
    """A file of tests/additions and what is asked of it.

    Attributes:
        group: The configuration group that it adds a member to.
        name: Of the member.
        key: A key that it brings.
        refused: A value out of the key's range.
        swept: The YAML's own value or what its `auto` comes to, and another.
        stop: After how many steps a run is cut off.
        picture: What is to be found.
    """

    group: str
    name: str
    key: str
    refused: str
    swept: tuple[str, str]
    stop: int = 15
    picture: Callable[[], NDArray] = photo

    @property
    def overrides(self) -> tuple[str, ...]:
        data = () if self.group == "dataset" else ("dataset=image", "dataset.path=photo.png")
        return ("--config-dir", "my_conf", f"{self.group}={self.name}", *data, *OPTIONS)

    def files(self) -> dict[str, str]:
        source = ADDITIONS / self.group / self.name
        return {
            f"mine/{self.name}.py": source.with_suffix(".py").read_text(),
            f"my_conf/{self.group}/{self.name}.yaml": source.with_suffix(".yaml").read_text(),
        }


CASES = [
    Addition("optimizer", "lion", "optimizer.decay", "1", ("0.99", "0.5")),
    # Its `auto` comes to 2 where 16 samples lie along an axis.
    Addition("model", "hermite", "model.scale", "0", ("2", "3")),
    Addition("task", "blurred", "task.width", "0", ("0.5", "0.8")),
    # Its tables are made anew at steps 3, 6, …, 15, 18: this is between the last two.
    Addition("task", "hardest", "task.every", "0", ("3", "7"), stop=17),
    Addition("task", "row_means", "task.rows", "0.5", ("2", "4")),
    Addition("dataset", "rings", "dataset.rings", "-1", ("0.8", "0.4"), picture=rings),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name, scope="module")
def case(request: pytest.FixtureRequest) -> Addition:
    return request.param


@pytest.fixture(autouse=True)
def trained(
    case: Addition,
    train: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    one_thread: None,
) -> None:
    """Work where the addition lies; the first test trains it, with figures, into `whole`."""
    home = tmp_path_factory.getbasetemp() / f"adding_{case.name}"
    home.mkdir(exist_ok=True)
    monkeypatch.chdir(home)
    own_package.import_from_here(monkeypatch)
    if not Path("whole/metrics.json").exists():
        own_package.write(case.files())
        Image.fromarray(np.uint8(255 * photo() + 0.5)).save("photo.png")
        for name in ("derivatives", "zooms"):  # a second each
            monkeypatch.setattr(figures, name, empty_figure)
        ended = train(*case.overrides, "hydra.run.dir=whole", "figures=true")
        assert ended.code == 0, ended.err


def metrics(file: str) -> dict[str, float]:
    return json.loads(Path(file).read_text())


def test_it_is_trained_judged_and_drawn(case: Addition) -> None:
    found = metrics("whole/metrics.json")
    assert found["steps"] == STEPS and found["diverged"] == 0
    assert found["psnr"] > -10 * math.log10(case.picture().var()) + MARGIN_DB
    for name in ("curve.png", "reconstruction.png"):
        with Image.open(Path("whole/figures", name)) as figure:
            assert len(figure.convert("L").getcolors() or range(256)) > 2  # not blank
    with Image.open(next(Path("whole/predictions").glob("*.png"))) as image:
        error = np.square(np.asarray(image) / 255 - case.picture()).mean()
    assert found["psnr_8bit"] == pytest.approx(-10 * math.log10(error), abs=0.05)


def test_a_value_out_of_its_range_is_refused(case: Addition, train: Command) -> None:
    ended = train(*case.overrides, f"{case.key}={case.refused}", "hydra.run.dir=refused")
    assert ended.code == 1 and "Traceback" not in ended.err
    assert f"{case.key}={case.refused} must be" in ended.paragraph
    assert not Path("refused/status").exists()  # Hydra makes the directory, the job never began


def test_a_run_that_was_cut_off_ends_as_an_undisturbed_one(case: Addition, train: Command) -> None:
    stopped = [*case.overrides, f"trainer.max_steps={case.stop}", "hydra.run.dir=parts"]
    assert train(*stopped).code == 0
    assert kept(Path("parts/checkpoints"))["global_step"] == case.stop
    assert "trust=mine" in train("resume=parts", f"trainer.max_steps={STEPS}").paragraph
    assert train("resume=parts", f"trainer.max_steps={STEPS}", "trust=mine").code == 0
    mine, wanted = (kept(Path(run, "checkpoints")) for run in ("parts", "whole"))
    for of in (lambda c: c["state_dict"], lambda c: c["optimizer_states"], lambda c: c["siren_pl"]["tables"]):
        pairs = list(zip(tensors(of(mine)), tensors(of(wanted)), strict=True))
        assert all(torch.equal(one, other) for one, other in pairs)
    scores, whole = metrics("parts/metrics.json"), metrics("whole/metrics.json")
    costs = {
        "wall_s",
        "peak_memory_mb",
        "train_loss",
        "spikes",
    }  # the last two are of the curve, which ends differently
    assert scores.keys() == whole.keys() and all(scores[name] == whole[name] for name in scores.keys() - costs)


@pytest.mark.usefixtures("few_figures")
def test_it_is_evaluated_on_trust(case: Addition, evaluate: Command) -> None:
    ended = evaluate("run=whole")
    assert ended.code == 1 and "trust=mine" in ended.paragraph
    assert evaluate("run=whole", "trust=mine").code == 0
    assert metrics(f"whole/evaluate/{SIDE}x{SIDE}/metrics.json")["psnr"] == metrics("whole/metrics.json")["psnr"]


def test_it_is_swept_and_reported(
    case: Addition, train: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    values = ",".join(case.swept)
    assert train(*case.overrides, "-m", f"{case.key}={values}", "hydra.sweep.dir=sweep").code == 0
    with Path("sweep/summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row[case.key] for row in rows] == list(case.swept)
    assert [row["status"] for row in rows] == ["finished", "finished"]
    own, other = (float(row["psnr"]) for row in rows)
    assert own == metrics("whole/metrics.json")["psnr"] != other

    def report(*arguments: str):
        return _invoke(report_main, ["sweep", *arguments], "report", monkeypatch, capfd)

    assert "trust=mine" in report("output=distrusted").paragraph
    assert report("trust=mine", "output=pages").code == 0
    text = " ".join(" ".join(page.extract_text() for page in PdfReader("pages/report.pdf").pages).split())
    assert f"{own:.2f}" in text and f"{other:.2f}" in text and f"{case.key}={values}" in text
    assert Path("pages/report.html").stat().st_size > 0
