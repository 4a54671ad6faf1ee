"""Runs of task=poisson_edit as a user starts them, and the slips that a user makes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Command

CLONE = {"inside_psnr", "outside_psnr", "boundary_error", "boundary_max", "guidance_error", "psnr"}
WHOLE = {"psnr_mean_aligned", "guidance_error", "psnr"}


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


@pytest.mark.parametrize(
    ("options", "expected", "baselines"),
    [
        (("task.mixed=true", "task.offset=[1,-2]"), CLONE, {"direct", "paste"}),
        (("task.integrated=false", "dataset.grayscale=true"), CLONE, {"direct", "paste"}),
        (("task.mode=fuse", "task.weights=[0.3,0.7]"), WHOLE, {"direct"}),
        (("task.mode=mixed", "task.sources=[coffee,chelsea]", "task.stencil=sobel"), WHOLE, {"direct"}),
    ],
)
def test_every_mode_is_run_scored_and_drawn(options, expected, baselines, train: Command) -> None:
    ended = train("task=poisson_edit", *options, "figures=true", "hydra.run.dir=here")
    assert ended.code == 0
    found = metrics("here")
    assert expected <= set(found) and not {"train_psnr", "heldout_psnr"} & set(found)
    assert ("inside_psnr" in found) == (expected is CLONE)
    named = {name.split("/")[1] for name in found if name.startswith("baseline/")} - {"seamless_clone"}
    assert named == baselines
    assert found["baseline/direct/psnr"] > 140  # it is the truth of an edit, up to float32's 1e-7
    figure = np.asarray(Image.open("here/figures/poisson_edit.png"))
    assert figure.shape[1] > 1000 and figure.std() > 0
    assert Path("here/figures/reconstruction.png").exists()


def test_an_edit_is_scored_again_as_it_was(train: Command, evaluate: Command, few_figures: None) -> None:
    assert train("task=poisson_edit", "hydra.run.dir=here").code == 0
    assert evaluate("run=here").code == 0
    (again,) = Path("here/evaluate").glob("*/metrics.json")
    for name, value in json.loads(again.read_text()).items():
        assert metrics("here")[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name


@pytest.mark.parametrize("mode", ["clone", "mixed"])
def test_a_source_goes_into_every_picture_of_a_folder(mode: str, train: Command) -> None:
    """Mapped over many fields, each ends where it would have ended alone."""
    Path("photos").mkdir()
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(f"photos/{name}.png")
    options = ("task=poisson_edit", f"task.mode={mode}", "task.mixed=false")
    assert train(*options, "dataset=folder", "dataset.path=photos", "hydra.run.dir=many").code == 0
    assert train(*options, "dataset=image", "dataset.path=photos/b.png", "hydra.run.dir=one").code == 0
    together = metrics(f"many/signals/b_chelsea_{mode}")
    for name in ("psnr", "guidance_error"):
        assert together[name] == pytest.approx(metrics("one")[name], rel=1e-3)


SLIPS = {
    "task.mode=blend": ("task.mode=blend", "clone, fuse or mixed"),
    "task.sources=[]": ("task.sources=[]", "chelsea"),
    "task.sources=[nothing.png]": ("task.sources=nothing.png", "check the path"),
    "task.mask=nothing.png": ("task.mask=nothing.png", "check the path"),
    "task.mask=small.png": ("task.mask=small.png", "4 × 4", "11 × 16", "dataset.size"),
    "task.mask=black.png": ("task.mask", "empty"),
    "task.mask=white.png": ("task.mask", "touches nothing"),
    "task.offset=[1]": ("task.offset", "[rows,columns]"),
    "task.weights=[1]": ("task.weights=[1]", "2 pictures"),
    "task.weights=[-1,1]": ("task.weights", "from 0"),
    "dataset.reference=truth.png": ("dataset.reference", "leave it out"),
    "dataset.heldout=0.5": ("dataset.heldout=0.5", "needs all of them"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_with_its_cure(slip: str, train: Command) -> None:
    Image.new("L", (4, 4), 255).save("small.png")
    Image.new("RGB", (16, 11)).save("truth.png")
    for name, level in (("black", 0), ("white", 255)):
        Image.new("L", (16, 11), level).save(f"{name}.png")
    ended = train("task=poisson_edit", slip)
    assert ended.code == 1 and "Traceback" not in ended.err
    for word in SLIPS[slip]:
        assert word in ended.paragraph
