"""Runs of `model=tiles`: trained, evaluated, resumed, and refused where its shapes would have to be fixed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.evaluation import load
from siren_pl.networks import Tiles
from tests.conftest import Command

TILED = ("model=tiles", "model.tiles=3")


@pytest.mark.parametrize("task", ["image_fit", "inpainting", "poisson_grad", "poisson_laplacian"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_several_tiles_run_every_kind_of_task(task: str, precision: str, train: Command) -> None:
    assert train(*TILED, f"task={task}", f"trainer.precision={precision}", "dataset.grayscale=true").code == 0


def test_a_field_on_tiles_is_found_again(train: Command, evaluate: Command) -> None:
    assert train(*TILED, "hydra.run.dir=run").code == 0
    field = load("run")
    assert isinstance(field, Tiles) and field.tiles == 3
    kept = torch.load("run/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[f"network.{name}"], tensor) for name, tensor in field.state_dict().items())
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["parameters"] == sum(parameter.numel() for parameter in field.parameters())
    assert evaluate("run=run", "scale=2").code == 0
    assert train("resume=run", "trainer.max_steps=6").code == 0


def test_a_picture_is_learned(train: Command) -> None:
    """A few hundred steps of tiny networks on 16² pixels; a constant grey has about 12 dB."""
    assert train(*TILED, "trainer.max_steps=300", "dataset=camera_128", "hydra.run.dir=run").code == 0
    assert json.loads(Path("run/metrics.json").read_text())["psnr"] > 23


def test_compilation_is_refused_where_asked_for_and_not_chosen_otherwise(train: Command) -> None:
    ended = train(*TILED, "compile=true")
    assert ended.code == 1 and "compile=auto" in ended.paragraph and "model.tiles=1" in ended.paragraph
    assert train(*TILED, "compile=auto", "hydra.run.dir=here").code == 0
    assert torch.load("here/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["compile"] is False
    assert train("model=tiles", "model.tiles=1", "compile=true").code == 0


def test_a_set_is_fitted_one_after_the_other(train: Command) -> None:
    Path("images").mkdir()
    for name in "ab":
        levels = np.random.default_rng(ord(name)).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(levels).save(f"images/{name}.png")
    ended = train(*TILED, "dataset=folder", "dataset.path=images", "dataset.size=null", "hydra.run.dir=set")
    assert ended.code == 0 and len(list(Path("set/checkpoints").iterdir())) == 2
    assert load("set/signals/b").tiles == 3


@pytest.mark.parametrize("option", ["model.tiles=0", "model.overlap=0.7", "model.overlap=0"])
def test_sizes_out_of_range_are_named(option: str, train: Command) -> None:
    ended = train("model=tiles", option)
    assert ended.code == 1 and option.split("=", maxsplit=1)[0] in ended.paragraph
