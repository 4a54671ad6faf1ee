"""A file that cannot be read or written is named with the cure, in one paragraph, exit code 1, no traceback."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import Command


@pytest.mark.parametrize("text", [b"seed: {1", b"seed: 1 # \xff", b"seed: \0", b"# @package\nseed: 1"])
def test_a_configuration_of_ones_own_that_cannot_be_read(text: bytes, train: Command) -> None:
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/mine.yaml").write_bytes(text)
    paragraph = train("--config-dir", "mine", "experiment=mine").paragraph
    assert "configuration cannot be read" in paragraph and "--config-dir" in paragraph


def test_a_group_that_became_a_word_is_named(train: Command) -> None:
    """A file of one's own that was cut off in the middle of a key."""
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/mine.yaml").write_text("# @package _global_\ntask:\n  total_variati")
    paragraph = train("--config-dir", "mine", "experiment=mine").paragraph
    assert "task=total_variati must hold keys" in paragraph and "debug=true" not in paragraph


def test_a_checkpoint_without_its_first_bytes_is_named(train: Command) -> None:
    assert train("hydra.run.dir=here").code == 0
    checkpoint = Path("here/checkpoints/last.ckpt")
    checkpoint.write_bytes(checkpoint.read_bytes()[40:])
    paragraph = train("resume=here", "trainer.max_steps=9").paragraph
    assert "last.ckpt is not a checkpoint of siren_pl" in paragraph and "debug=true" not in paragraph


def test_damaged_results_are_named_and_made_again(train: Command) -> None:
    assert train("hydra.run.dir=here").code == 0
    Path("here/metrics.json").write_text("{")
    assert "here/metrics.json is damaged" in train("resume=here").paragraph
    Path("here/metrics.json").unlink()
    Path("here/status").write_bytes(b"fin\xff")
    assert train("resume=here").code == 0
    assert json.loads(Path("here/metrics.json").read_text())["steps"] == 4


def truncated(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1000])


FILES = {
    "missing.png": (lambda path: None, "does not exist"),
    "short.png": (truncated, "truncated"),
    "prose.png": (lambda path: path.write_text("not an image"), "is not an image"),
    "folder.png": (Path.mkdir, "is a folder"),
    "nan.npy": (lambda path: np.save(path, np.full((8, 8), np.nan)), "NaN"),
    "strange.npy": (lambda path: np.save(path, np.zeros((2, 3, 4, 5))), "shape"),
    "wide.npy": (lambda path: np.save(path, np.zeros((8, 8), np.uint32)), "32 bits"),
    "objects.npy": (lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True), "not a readable"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_named(name: str, train: Command) -> None:
    make, complaint = FILES[name]
    make(Path(name))
    ended = train("dataset=image", f"dataset.path={name}")
    assert ended.code == 1 and "Traceback" not in ended.err
    assert Path(name).stem in ended.paragraph and complaint in ended.paragraph


def test_a_full_disk_leaves_the_earlier_checkpoint(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    train("hydra.run.dir=here")
    before = Path("here/checkpoints/last.ckpt").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    ended = train("resume=here", "trainer.max_steps=9")
    assert ended.code == 1 and "last.ckpt" in ended.paragraph and "No space left" in ended.paragraph
    assert "resume=here" in ended.paragraph
    assert Path("here/checkpoints/last.ckpt").read_bytes() == before


def test_odd_file_names_work_quoted(train: Command) -> None:
    name = "a photo, no. 1 (copy)=x.png"
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(name)
    assert train("dataset=image", f"dataset.path='{name}'", "dataset.size=null").code == 0
