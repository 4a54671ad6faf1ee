"""docs/extending.md is run as it stands: its files are written out, and what they add does what the guide says."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from siren_pl.runs import directory as run_directory
from tests import own_package
from tests.conftest import Command

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
SIDE, STEPS = 16, 150
# The best constant picture is the mean; a fit that learnt anything has less than half of its squared error.
MARGIN_DB = 3.0


@pytest.fixture(autouse=True)
def written_out(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    found = re.findall(r"```(?:python|yaml)\n# file: (\S+)\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    own_package.write(dict(found))
    Image.fromarray(np.uint8(255 * truth() + 0.5)).save("photo.png")
    own_package.import_from_here(monkeypatch)


def truth() -> NDArray:
    """The smooth picture that is looked for, (H, W) in [0, 1]."""
    y, x = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2, indexing="ij")
    return np.round(255 * (0.5 + 0.2 * x + 0.25 * np.sin(3 * y + x))) / 255


def fitted(train: Command, *overrides: str, run: str = "here") -> dict[str, float]:
    """The metrics of a run on the picture, unless the overrides name other data."""
    data = ("dataset=image", "dataset.path=photo.png") if not any("dataset=" in each for each in overrides) else ()
    ended = train("--config-dir", "my_conf", *data, *overrides, f"trainer.max_steps={STEPS}", f"hydra.run.dir={run}")
    assert ended.code == 0, ended.err
    return json.loads(Path(run, "metrics.json").read_text())


def assert_learnt(psnr: float, picture: NDArray) -> None:
    assert psnr > -10 * math.log10(picture.var()) + MARGIN_DB


def roughness(run: str) -> float:
    """Mean length of the steps between neighbouring pixels of a run's picture."""
    with Image.open(next(Path(run, "predictions").glob("*.png"))) as image:
        pixels = np.asarray(image) / 255
    return float(np.hypot(np.diff(pixels, axis=0)[:, :-1], np.diff(pixels, axis=1)[:-1]).mean())


def test_the_guides_network_is_as_sharp_as_its_rule_says(train: Command) -> None:
    """`a` is the number of samples along an axis over 16."""
    found = fitted(train, "model=quadratic", "optimizer=adam")
    assert_learnt(found["psnr"], truth())
    assert fitted(train, "model=quadratic", "model.a=1", "optimizer=adam", run="said")["psnr"] == found["psnr"]
    assert fitted(train, "model=quadratic", "model.a=2", "optimizer=adam", run="sharper")["psnr"] != found["psnr"]
    assert "model.a=0 must be" in train("--config-dir", "my_conf", "model=quadratic", "model.a=0").paragraph


def test_the_guides_network_fits_a_laplacian(train: Command) -> None:
    found = fitted(train, "model=quadratic", "task=poisson_laplacian")
    assert_learnt(found["psnr_mean_aligned"], truth())


def test_the_guides_penalty_makes_pictures_smoother(train: Command) -> None:
    assert_learnt(fitted(train, "task=robust_fit")["psnr"], truth())
    fitted(train, "task=robust_fit", "task.variation=1", run="smooth")
    assert roughness("smooth") < roughness("here")
    curve = torch.load("here/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["history"]
    assert curve[-1]["train/absolute"] < curve[0]["train/absolute"] / 2 and curve[-1]["train/variation"] > 0


def test_the_guides_dataset_has_as_many_squares_as_it_is_told(train: Command) -> None:
    found = fitted(train, "dataset=checkerboard", "dataset.squares=2", "model=quadratic", "task=robust_fit")
    quadrants = np.kron([[0, 1], [1, 0]], np.ones((SIDE // 2, SIDE // 2)))
    assert_learnt(found["psnr"], quadrants)


def test_the_guides_optimiser_moves_every_weight_by_the_whole_rate(train: Command) -> None:
    assert_learnt(fitted(train, "optimizer=signs")["psnr"], truth())
    options = ("optimizer=signs", "optimizer.lr=1e-3", "optimizer.factor=1", "optimizer.schedule=constant")
    states = []
    for steps in (4, 5):
        last = (*options, f"trainer.max_steps={steps}", f"hydra.run.dir=until{steps}")
        assert train("--config-dir", "my_conf", *last).code == 0
        states.append(torch.load(f"until{steps}/checkpoints/last.ckpt", weights_only=True)["state_dict"])
    for before, after in zip(*(state.values() for state in states), strict=True):
        torch.testing.assert_close((after - before).abs(), torch.full_like(before, 1e-3), rtol=1e-3, atol=0)


def test_the_guides_observation_withholds_rows(train: Command) -> None:
    found = fitted(train, "task=rows", "model=siren")
    known = np.arange(SIDE) % 3 == 0
    assert found["points"] == STEPS * known.sum() * SIDE
    with Image.open(next(Path("here/predictions").glob("*.png"))) as image:
        error = np.square(np.asarray(image) / 255 - truth())
    assert found["train_psnr"] == pytest.approx(-10 * math.log10(error[known].mean()), abs=0.5)
    assert found["heldout_psnr"] == pytest.approx(-10 * math.log10(error[~known].mean()), abs=0.5)
    assert_learnt(found["heldout_psnr"], truth())


@pytest.mark.parametrize("task", ["spectrum_fit", "worst_fit"])
def test_the_guides_judge_and_module(task: str, train: Command) -> None:
    assert train("--config-dir", "my_conf", f"task={task}", "figures=true", "hydra.run.dir=here").code == 0
    metrics = run_directory.read_metrics(Path("here"))
    assert metrics[next(iter(run_directory.read_measures(Path("here"))))] > 0
    if task == "spectrum_fit":
        assert Path("here/predictions/spectrum.npy").is_file() and Path("here/figures/spectrum.png").is_file()


def test_the_guides_run_is_evaluated_on_trust(train: Command, evaluate: Command) -> None:
    found = fitted(train, "model=quadratic", "optimizer=adam")
    assert "trust=mine" in evaluate("run=here").paragraph
    assert evaluate("run=here", "trust=mine").code == 0
    again = json.loads(Path(f"here/evaluate/{SIDE}x{SIDE}/metrics.json").read_text())
    assert again["psnr"] == found["psnr"]
