"""Runs of `model=tiles`: trained, evaluated, resumed, and refused where its shapes would have to be fixed."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.commands.evaluate import load
from siren_pl.field.networks import Tiles
from siren_pl.problems.pictures.images import bundled, image_signal
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.metrics import psnr
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
    """A few hundred steps of tiny networks on 16² pixels are closer than the means of its blocks of 2 × 2, 22.9 dB."""
    assert train(*TILED, "trainer.max_steps=300", "dataset=camera_128", "hydra.run.dir=run").code == 0
    pixels = to_unit(image_signal(bundled("camera"), size=16).values)[..., 0]
    blocks = pixels.reshape(8, 2, 8, 2).mean((1, 3)).repeat(2, 0).repeat(2, 1)
    assert json.loads(Path("run/metrics.json").read_text())["psnr"] > psnr(blocks, pixels)


@pytest.mark.parametrize("chosen", [(), ("model=siren",)])
def test_inpainting_takes_tiles_unless_told_otherwise(chosen: tuple[str, ...], train: Command) -> None:
    """The rules at 128² pixels with nine tenths known: two tiles a side, two members, no penalty, 256 points each."""
    ended = train(*chosen, "task=inpainting", "task.keep=0.9", "dataset.size=128", "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    field = load("run")
    assert "4 steps of 2048 points" in ended.err
    if chosen:
        assert not isinstance(field, Tiles)
    else:
        assert isinstance(field, Tiles) and (field.tiles, field.members) == (2, 2)


@pytest.mark.parametrize(("keep", "believed"), [(0.1, True), (0.5, False), (0.9, False)])
def test_a_penalty_is_for_samples_with_no_neighbour(keep: float, believed: bool, train: Command) -> None:
    assert train("task=inpainting", f"task.keep={keep}", "hydra.run.dir=run").code == 0
    history = torch.load("run/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["history"]
    assert any("total_variation" in name for row in history for name in row) == believed


def test_members_have_as_many_passes_each(train: Command) -> None:
    """64² points in batches of 1,024, four passes: 16 steps for one field, 32 for two."""
    pixels = ("model=tiles", "model.tiles=1", "dataset.size=64", "recipe.batch_size=1024")
    length = ("recipe.passes=4", "recipe.fewest_steps=1", "trainer.max_steps=auto")
    for members, steps in ((1, 16), (2, 32)):
        assert train(*pixels, *length, f"model.members={members}", f"hydra.run.dir=run{members}").code == 0
        assert json.loads(Path(f"run{members}/metrics.json").read_text())["steps"] == steps


def test_a_batch_grows_with_the_networks(train: Command) -> None:
    """Six by four of 6² tiles are filled by the picture: 2 · 24 · 256 points."""
    levels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    Image.fromarray(levels).save("a.png")
    options = ("dataset=image", "dataset.path=a.png", "dataset.size=null", "model=tiles", "model.tiles=6")
    ended = train(*options, "model.members=2", "recipe.batch_size=auto")
    assert ended.code == 0 and "4 steps of 12288 points" in ended.err


@pytest.mark.parametrize("batch", ["full", "100"])
def test_members_go_on_as_if_nothing_had_happened(batch: str, train: Command) -> None:
    """Two halves and the whole end with the same weights."""
    options = (*TILED, "model.members=2", f"recipe.batch_size={batch}", "optimizer.schedule=constant")
    assert train(*options, "trainer.max_steps=4", "hydra.run.dir=halves").code == 0
    assert train("resume=halves", "trainer.max_steps=8").code == 0
    assert train(*options, "trainer.max_steps=8", "hydra.run.dir=whole").code == 0
    halves, whole = (load(run).state_dict() for run in ("halves", "whole"))
    assert all(torch.equal(halves[name], tensor) for name, tensor in whole.items())


def test_compilation_is_refused_where_asked_for_and_not_chosen_otherwise(
    train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = train(*TILED, "compile=true")
    assert ended.code == 1 and "compile=auto" in ended.paragraph and "model.tiles=1" in ended.paragraph
    assert train(*TILED, "compile=auto", "hydra.run.dir=here").code == 0
    assert torch.load("here/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["compile"] is False
    # One tile is one graph to the compiler; whether machine code is made of graphs is tested elsewhere.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    ended = train("model=tiles", "model.tiles=1", "compile=true", "hydra.run.dir=one")
    assert ended.code == 0 and "uncompiled" not in ended.err
    assert torch.load("one/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["compile"] is True


def test_a_set_is_fitted_one_after_the_other(train: Command) -> None:
    Path("images").mkdir()
    for name in "ab":
        levels = np.random.default_rng(ord(name)).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(levels).save(f"images/{name}.png")
    ended = train(*TILED, "dataset=folder", "dataset.path=images", "dataset.size=null", "hydra.run.dir=set")
    assert ended.code == 0 and len(list(Path("set/checkpoints").iterdir())) == 2
    assert load("set/signals/b").tiles == 3


@pytest.mark.parametrize("option", ["model.tiles=0", "model.members=0", "model.overlap=0.7", "model.overlap=0"])
def test_sizes_out_of_range_are_named(option: str, train: Command) -> None:
    ended = train("model=tiles", option)
    assert ended.code == 1 and option.split("=", maxsplit=1)[0] in ended.paragraph
