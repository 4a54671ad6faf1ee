"""evaluate.py renders a window of the field at any scale: the part of the whole, with its figure, or says why not."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl import load
from siren_pl.problems.pictures.judging import reconstructions
from siren_pl.problems.sampled import signal as sampled
from tests.conftest import Command


@pytest.fixture
def run(trained: Callable[..., Path]) -> Path:
    return trained("run", "dataset=coffee", "dataset.size=[12,16]")


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image, int)


@pytest.mark.parametrize(("scale", "rows", "columns"), [("4", (8, 28), (12, 36)), ("2.5", (5, 17), (7, 22))])
@pytest.mark.parametrize(("task", "grid"), [("image_fit", "centres"), ("poisson_grad", "corners")])
def test_a_window_is_a_part_of_the_whole(scale, rows, columns, task, grid, train: Command, evaluate: Command) -> None:
    options = ("dataset=coffee", "dataset.size=[12,16]", f"dataset.grid={grid}")
    assert train(f"task={task}", *options, "hydra.run.dir=run").code == 0
    assert evaluate("run=run", f"scale={scale}").code == 0
    (whole,) = Path("run/evaluate").glob("*/coffee.png")
    ended = evaluate("run=run", "window=2,3,5,6", f"scale={scale}")
    assert ended.code == 0
    made = f"run/evaluate/window_2_3_5_6_scale_{scale}"
    assert f"{made}/figures/window.png" in ended.out and f"{made}/coffee.png" in ended.out
    part = pixels(f"{made}/coffee.png")
    expected = pixels(str(whole))[slice(*rows), slice(*columns)]
    assert part.shape == expected.shape
    assert np.abs(part - expected).max() <= 1  # other batches of float32; a tie may be rounded either way
    # Scored is the whole field, at its own samples.
    again, first = (json.loads(Path(place, "metrics.json").read_text())["psnr"] for place in (made, "run"))
    assert again == pytest.approx(first, abs=1e-6)
    with Image.open(f"{made}/figures/window.png") as figure:
        assert figure.width > 2 * figure.height  # three panels


def test_a_window_of_a_size_is_the_field_at_the_centres_of_its_pixels(run: Path, evaluate: Command) -> None:
    assert evaluate("run=run", "window=[1.25,2.5,4,10]", "size=6,9").code == 0
    y = 1.25 + (np.arange(6) + 0.5) * 4 / 6
    x = 2.5 + (np.arange(9) + 0.5) * 10 / 9
    # By the contract: sample i of n lies at (2i + 1 - n) / N, its centre at i + 1/2 samples.
    coords = np.stack(np.meshgrid((2 * y - 12) / 16, (2 * x - 16) / 16, indexing="ij"), -1)
    with torch.no_grad():
        values = load(run)(torch.tensor(coords.reshape(-1, 2)).float()).numpy().reshape(6, 9, 3)
    found = pixels("run/evaluate/window_1.25_2.5_4_10_size_6x9/coffee.png")
    assert np.abs(found - np.clip(np.round((values + 1) * 127.5), 0, 255)).max() <= 1


def test_one_side_sets_the_size_and_no_scale_is_one(run: Path, evaluate: Command, few_figures: None) -> None:
    assert evaluate("run=run", "window=0,0,4,8", "size=32").code == 0
    assert pixels("run/evaluate/window_0_0_4_8_size_16x32/coffee.png").shape == (16, 32, 3)
    assert evaluate("run=run").code == 0
    assert evaluate("run=run", "window=1,2,4,8").code == 0
    whole = pixels("run/evaluate/12x16/coffee.png")
    part = pixels("run/evaluate/window_1_2_4_8_scale_1/coffee.png")
    assert np.abs(part - whole[1:5, 2:10]).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("window=0,0,13,4",), ("window=0,0,13,4", "12 rows and 16 columns", "coffee")),
        (("window=-1,0,3,4",), ("window=-1,0,3,4", "12 rows")),
        (("window=0,0,3",), ("window=0,0,3", "four numbers")),
        (("window=0,0,a,3",), ("window=0,0,a,3", "top,left,height,width")),
        (("window=0,0,nan,3",), ("four numbers",)),
        (("window=0,0,3,3", "scale=0.01"), ("no pixel", "scale=0.01")),
        (("window=0,0,3,3", "scale=1e9"), ("2^31",)),
        (("window=0,0,3,3", "scale=2", "size=4"), ("not both",)),
    ],
)
def test_slips(arguments: tuple[str, ...], words: tuple[str, ...], run: Path, evaluate: Command) -> None:
    ended = evaluate("run=run", *arguments)
    assert ended.code == 1 and "Traceback" not in ended.err
    assert all(word in ended.paragraph for word in words)
    assert not Path("run/evaluate").exists()


def test_a_window_of_a_large_image(train: Command, evaluate: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("a.npy", np.random.default_rng(0).integers(0, 65536, (40, 56, 3), dtype=np.uint16))
    given = ("dataset=image", "dataset.path=a.npy", "dataset.size=null", "dataset.batch_size=64", "figures=true")
    monkeypatch.setattr(sampled, "MOST_NUMBERS", 1000)
    monkeypatch.setattr(reconstructions, "THUMBNAIL", 20)
    assert train(*given, "hydra.run.dir=run").code == 0
    assert Path("run/figures/zoom.png").is_file()
    assert Path("run/predictions/a.png").read_bytes()[24] == 16  # bits per sample: the header's ninth byte
    assert evaluate("run=run", "window=10,10,8,8", "scale=3").code == 0
    assert Path("run/evaluate/window_10_10_8_8_scale_3/figures/window.png").is_file()


def test_the_usage_tells_of_windows(evaluate: Command) -> None:
    assert "window=" in evaluate().out
