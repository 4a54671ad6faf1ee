"""A large image is trained, judged, resumed and evaluated as a small one is, though nothing of it is held as floats."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.problems.pictures.judging import reconstructions
from siren_pl.problems.sampled import judge, values
from siren_pl.problems.sampled import signal as sampled
from tests.conftest import Command

OPTIONS = ("dataset=image", "dataset.size=null", "dataset.batch_size=64", "figures=true", "baselines={}")


@pytest.fixture
def picture() -> np.ndarray:
    y, x = np.mgrid[:40, :56]
    pixels = (120 + 60 * np.sin(y / 7) + 50 * np.cos(x / 9)).astype(np.uint8)
    Image.fromarray(pixels).save("a.png")
    np.save("a.npy", pixels)
    return pixels


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits below the picture's 2,240 pixels."""
    monkeypatch.setattr(sampled, "MOST_NUMBERS", 1000)
    monkeypatch.setattr(values, "MOST_LAID_OUT", 1000)
    monkeypatch.setattr(judge, "QUICK_SAMPLES", 1000)
    monkeypatch.setattr(reconstructions, "THUMBNAIL", 20)


def weights(run: str) -> dict[str, torch.Tensor]:
    return torch.load(f"{run}/checkpoints/last.ckpt", weights_only=True)["state_dict"]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image, int)


def test_a_large_image_ends_where_it_would_if_it_counted_as_small(picture, train: Command, request) -> None:
    given = (*OPTIONS, "dataset.path=a.png", "dataset.heldout=0.3")
    assert train(*given, "hydra.run.dir=small").code == 0
    request.getfixturevalue("small_limits")
    assert train(*given, "hydra.run.dir=large").code == 0
    small, large = weights("small"), weights("large")
    assert all(torch.equal(small[name], large[name]) for name in small)
    expected, found = (json.loads(Path(run, "metrics.json").read_text()) for run in ("small", "large"))
    for name in ("psnr", "train_psnr", "heldout_psnr", "psnr_8bit", "psnr_y", "points"):
        assert found[name] == pytest.approx(expected[name], abs=1e-4)  # float32 products in another order
    assert "ssim" not in found
    names = {"curve.png", "reconstruction.png", "restoration.png", "zoom.png"}
    assert {path.name for path in Path("large/figures").iterdir()} == names
    one, other = (pixels(Path(run, "predictions/a.png")) for run in ("small", "large"))
    assert abs(one - other).max() <= 1


@pytest.mark.usefixtures("small_limits")
def test_arrays_resume_and_evaluation(picture, train: Command, evaluate: Command) -> None:
    given = (*OPTIONS, "dataset.path=a.npy", "optimizer.schedule=constant")
    assert train(*given, "trainer.max_steps=6", "hydra.run.dir=whole").code == 0
    assert train(*given, "trainer.max_steps=3", "hydra.run.dir=cut").code == 0
    assert train("resume=cut", "trainer.max_steps=6").code == 0
    whole, cut = weights("whole"), weights("cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert evaluate("run=whole").code == 0
    again = json.loads(Path("whole/evaluate/40x56/metrics.json").read_text())
    first = json.loads(Path("whole/metrics.json").read_text())
    assert again == {name: pytest.approx(first[name], abs=1e-9) for name in again}
    assert evaluate("run=whole", "size=10,14").code == 0
    for height, width in ((40, 56), (10, 14)):
        with Image.open(f"whole/evaluate/{height}x{width}/a.png") as image:
            assert image.size == (width, height)


@pytest.mark.usefixtures("small_limits")
def test_derivatives_of_a_large_image_are_refused_in_a_paragraph(picture, train: Command) -> None:
    ended = train("task=poisson_grad", "dataset=image", "dataset.size=null", "dataset.path=a.png")
    assert ended.code == 1 and "Traceback" not in ended.err
    assert "40 × 56" in ended.paragraph and "dataset.size" in ended.paragraph
