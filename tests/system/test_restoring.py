"""Small, damaged and noisy pictures from the command line: with a truth, without one, and with what cannot be."""

import csv
import dataclasses
import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.rivals import perceptual
from tests.conftest import Command
from tests.small_references import NETWORKS

RNG = np.random.default_rng(0)
FILE = ("dataset=image", "dataset.path=a.png", "dataset.size=null")
# Asked for beside the file where the picture is damaged by the run, and where it is damaged already.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "super_resolution": (("task.degrade=true", "task.scale=2.5"), ("task.scale=1.5",)),
    "inpainting": (("task.keep=0.5",), ("dataset.degrade=false", "task.mask=mask.png")),
    "denoising": (("task.noise=poisson",), ("dataset.degrade=false",)),
}


@pytest.fixture(autouse=True)
def pictures(private: None, one_thread: None) -> None:
    y, x = np.mgrid[:32, :36] / 8
    smooth = 127 + 60 * np.sin(x)[..., None] * np.cos([y, y + 1, y + 2]).transpose(1, 2, 0)
    Image.fromarray((smooth + RNG.normal(0, 5, smooth.shape)).clip(0, 255).astype(np.uint8)).save("a.png")
    Image.fromarray((RNG.random((32, 36)) > 0.5).astype(np.uint8) * 255).save("mask.png")


def metrics(path: str) -> dict[str, float]:
    return json.loads(Path(path, "metrics.json").read_text())


@pytest.mark.parametrize("task", KINDS)
def test_with_the_truth(task: str, train: Command, evaluate: Command, few_figures: None) -> None:
    """Figures, metrics, and evaluate.py finds the same again, noise and mask included."""
    ended = train(*FILE, f"task={task}", *KINDS[task][0], "hydra.run.dir=run", "figures=true", "seed=3")
    assert ended.code == 0, ended.err
    assert Path("run/figures/restoration.png").is_file()
    first = metrics("run")
    assert {"psnr", "train_psnr", "ssim"} <= first.keys() and Path("run/predictions/a.png").is_file()
    assert ("heldout_psnr" in first) == (task == "inpainting") and ("ssim_y" in first) == (task == "super_resolution")
    assert evaluate("run=run").code == 0
    again = metrics("run/evaluate/32x36")
    assert again == {name: pytest.approx(first[name], abs=1e-9) for name in again}
    assert first.keys() - again.keys() == {
        # What only a fit can tell.
        *("train_loss", "spikes", "steps", "points", "parameters", "wall_s", "peak_memory_mb", "diverged")
    }


@pytest.mark.parametrize("task", KINDS)
def test_without_the_truth(task: str, train: Command, evaluate: Command, request: pytest.FixtureRequest) -> None:
    ended = train(*FILE, f"task={task}", *KINDS[task][1], "hydra.run.dir=run", "figures=true", logger="csv")
    assert ended.code == 0, ended.err
    assert {path.name for path in Path("run/figures").iterdir()} == {"curve.png", "restoration.png", "zoom.png"}
    first = metrics("run")
    assert {name.split("/")[-1] for name in first if "psnr" in name or "ssim" in name} == {"train_psnr"}
    height, width = (48, 54) if task == "super_resolution" else (32, 36)
    with Image.open("run/predictions/a.png") as picture:
        assert picture.size == (width, height)
    request.getfixturevalue("few_figures")  # evaluate.py draws the same ones
    ended = evaluate("run=run")
    assert ended.code == 0 and "train_psnr" in ended.out
    again = metrics(f"run/evaluate/{height}x{width}")
    assert again == {name: pytest.approx(first[name], abs=1e-9) for name in again}
    assert evaluate("run=run", "scale=2").code == 0
    assert evaluate("run=run", "window=3,4,16,12", "scale=3").code == 0
    assert Path("run/evaluate/window_3_4_16_12_scale_3/figures/window.png").is_file()


def test_a_set_without_truths(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[figures.Pair] = []
    monkeypatch.setattr(figures, "contact_sheet", lambda pairs, path: shown.extend(pairs) or path)
    Path("set").mkdir()
    for name in "ab":
        Image.fromarray(RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(f"set/{name}.png")
    given = ("task=super_resolution", "dataset=folder", "dataset.path=set", "dataset.size=null", "task.scale=2")
    ended = train(*given, "hydra.run.dir=run", "figures=true", logger="csv")
    assert ended.code == 0, ended.err
    assert [(pair.left_title, pair.right_title) for pair in shown] == [("measured", "a"), ("measured", "b")]
    assert all(pair.left.shape == pair.right.shape == (18, 24, 3) for pair in shown)
    summed = metrics("run")
    assert summed["signals"] == 2 and "psnr" not in summed and "psnr_min" not in summed
    alone = train(
        "task=super_resolution", "dataset=image", "dataset.path=set/a.png", "dataset.size=null", "task.scale=2",
        "hydra.run.dir=alone",
    )  # fmt: skip
    assert alone.code == 0
    assert metrics("run/signals/a")["train_psnr"] == pytest.approx(metrics("alone")["train_psnr"], abs=1e-3)


def test_a_sweep_without_truths(train: Command) -> None:
    ended = train(
        "-m", *FILE, "task=denoising", "dataset.degrade=false", "seed=1,2", "hydra.sweep.dir=sweep", logger="wandb"
    )
    assert ended.code == 0, ended.err
    with Path("sweep/summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["finished"] * 2 and all(float(row["train_psnr"]) for row in rows)
    assert "train_psnr" in ended.err


def test_a_reference_is_the_truth(train: Command) -> None:
    """A pair of files scores as the picture that was made small on the spot, up to the eight bits of the small file."""
    with Image.open("a.png") as picture:
        picture.resize((18, 16), Image.Resampling.BICUBIC).save("small.png")
    given = ("task=super_resolution", "task.scale=2", "dataset=image", "dataset.size=null")
    assert train(*given, "dataset.path=small.png", "dataset.reference=a.png", "hydra.run.dir=pair").code == 0
    assert train(*given, "dataset.path=a.png", "task.degrade=true", "hydra.run.dir=made").code == 0
    pair, made = metrics("pair"), metrics("made")
    # At the border Pillow cuts its kernel off where the operator reflects the picture.
    assert pair == {name: pytest.approx(value, abs=0.5) for name, value in made.items()} | {
        name: pair[name] for name in ("wall_s", "peak_memory_mb")
    }


SLIPS = {
    "two masks": (("task=inpainting", "task.keep=0.5", "task.damage=text"), ("task.keep=0.5 and task.damage=text",)),
    "a mask of another size": (
        ("task=inpainting", "task.mask=small.png"),
        ("task.mask=small.png", "16 × 18", "32 × 36", "dataset.size"),
    ),
    "a black mask": (("task=inpainting", "task.mask=black.png"), ("task.mask=black.png", "white", "invert")),
    "no such mask": (("task=inpainting", "task.mask=no.png"), ("no.png", "does not exist")),
    "too little is kept": (("task=inpainting", "task.keep=1e-5"), ("task.keep=1e-05", "keep more")),
    "nothing is kept": (("task=inpainting", "task.keep=0"), ("task.keep=0", "above 0")),
    "a mask beside held-out pixels": (
        ("task=inpainting", "task.keep=0.5", "dataset.heldout=0.5"),
        ("task.keep=0.5 and dataset.heldout=0.5", "give one of them"),
    ),
    "a scale below one": (("task=super_resolution", "task.scale=0.5"), ("task.scale=0.5", "from 1")),
    "noise of 25": (("task=denoising", "task.sigma=25"), ("task.sigma=25", "25 of 255 is 0.098")),
    "no noise of that kind": (("task=denoising", "task.noise=pink"), ("task.noise=pink", "poisson")),
    "no such kernel": (("task=super_resolution", "task.kernel=cubic"), ("task.kernel=cubic", "bicubic")),
    "a truth of another size": (
        ("task=super_resolution", "task.scale=2", "dataset.reference=a.png"),
        ("dataset.reference", "32 × 36", "task.scale=2 makes 16 × 18"),
    ),
    "a truth of other channels": (
        ("task=denoising", "dataset.reference=mask.png"),
        ("dataset.reference=mask.png", "1 channels", "3", "dataset.grayscale=true"),
    ),
    "no such truth": (("task=denoising", "dataset.reference=no.png"), ("no.png", "does not exist")),
    "a rival of another layout": (
        ("task=super_resolution", "task.reference=strange.pt", "task.degrade=true"),
        ("strange.pt", "no layout known"),
    ),
    "a rival of another scale": (
        ("task=super_resolution", "task.scale=2", "task.reference=rfdn.pt"),
        ("rfdn.pt", "×4", "not ×2"),
    ),
    "a rival and a scale between": (
        ("task=super_resolution", "task.scale=2.5", "task.reference=rfdn.pt"),
        ("task.reference=rfdn.pt", "whole numbers", "task.scale=2.5"),
    ),
    "no such weights": (
        ("task=super_resolution", "task.perceptual=0.1", "task.perceptual_weights=no.pth"),
        ("no.pth", "task.perceptual_weights=FILE"),
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_with_its_cure(slip: str, train: Command) -> None:
    """Before anything is fitted: no checkpoint is there."""
    Image.new("L", (18, 16), 255).save("small.png")
    Image.new("L", (36, 32)).save("black.png")
    torch.save({"weight": torch.zeros(3)}, "strange.pt")
    torch.save(NETWORKS["RFDN"]().state_dict(), "rfdn.pt")
    options, words = SLIPS[slip]
    ended = train(*FILE, *options, "hydra.run.dir=run")
    assert ended.code == 1 and "Traceback" not in ended.err
    assert all(word in ended.paragraph for word in words), ended.paragraph
    assert not Path("run/checkpoints").exists()


def test_no_weights_and_no_network(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        url = f"http://127.0.0.1:{held.getsockname()[1]}/vgg19.pth"
        monkeypatch.setattr(perceptual, "VGG19", dataclasses.replace(perceptual.VGG19, url=url))
        ended = train(*FILE, "task=super_resolution", "task.perceptual=0.1", "hydra.run.dir=run")
    assert ended.code == 1 and "Traceback" not in ended.err
    assert "could not be downloaded" in ended.paragraph and "task.perceptual_weights=FILE" in ended.paragraph
    assert not Path("run/checkpoints").exists()
