"""Killed at any moment and continued, a run, a set and a sweep end as if nothing had happened: bit for bit."""

from __future__ import annotations

import csv
import json
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from tests.conftest import TINY
from tests.soak import killing

# What a run costs is not what it finds.
COSTS = ("wall_s", "peak_memory_mb")
SHARED = (*TINY, "logger=none", "trainer.max_steps=12", "dataset.batch_size=64", "~baselines.biharmonic")
KINDS = {
    "run": (*SHARED, "hydra.run.dir=made"),
    "set": (*SHARED, "dataset=folder", "dataset.path=photos", "hydra.run.dir=made"),
    "sweep": (*SHARED, "-m", "seed=0,1,2", "trainer.max_steps=5", "hydra.sweep.dir=made"),
}


@dataclass(frozen=True)
class Whole:
    """A command that nobody disturbed: where its files are, how often it changed one, and how long it took."""

    directory: Path
    changes: int
    seconds: float


@pytest.fixture(scope="session")
def wholes() -> dict[str, Whole]:
    """By kind, as far as they were needed."""
    return {}


@pytest.fixture
def kept(tmp_path_factory: pytest.TempPathFactory, wholes: dict[str, Whole]):
    """The undisturbed command of a kind, run once."""

    def undisturbed(kind: str) -> Whole:
        if kind not in wholes:
            started = time.monotonic()
            code, said = killing.run(KINDS[kind])
            assert code == 0, said
            seconds = time.monotonic() - started
            directory = tmp_path_factory.mktemp(kind) / "made"
            shutil.move("made", directory)
            wholes[kind] = Whole(directory, int(Path("changes").read_text()), seconds)
        return wholes[kind]

    return undisturbed


@pytest.fixture(autouse=True)
def photos() -> None:
    Path("photos").mkdir()
    levels = np.random.default_rng(0).integers(0, 256, (2, 9, 12), dtype=np.uint8)
    for name, picture in zip(("a.png", "b.png"), levels, strict=True):
        Image.fromarray(picture).save(Path("photos") / name)


def test_a_killed_command_is_continued(kill: int, kept, record_property) -> None:
    kind, rng = list(KINDS)[kill % len(KINDS)], random.Random(kill)
    whole = kept(kind)
    by_count = kill // len(KINDS) % 2 == 0
    told = []
    arguments = KINDS[kind]
    for _ in range(rng.choice((1, 1, 2))):
        moment = (
            {"changes": rng.randrange(1, whole.changes + 1)} if by_count else {"seconds": rng.random() * whole.seconds}
        )
        told.append(str((arguments, moment, killing.run(arguments, **moment))))
        arguments = continued(kind)
    code, said = killing.run(arguments)
    assert code == 0, "\n".join([*told, said])
    assert_equal(Path("made"), whole.directory, told)
    record_property("soak", f"of a {kind} continued, bit for bit")


def continued(kind: str) -> tuple[str, ...]:
    """What is typed to go on, as the messages say: the first command where nothing had been begun."""
    begun = Path("made/sweep.yaml") if kind == "sweep" else Path("made/.hydra/config.yaml")
    key = "sweep.resume" if kind == "sweep" else "resume"
    return (f"{key}=made",) if begun.exists() else KINDS[kind]


def assert_equal(one: Path, other: Path, told: list[str]) -> None:
    """Every file of one directory has the content of the other's, but for what it cost and what was logged."""
    assert listed(one) == listed(other), told
    for name in listed(one):
        assert content(one / name) == content(other / name), (str(name), told)


def listed(directory: Path) -> list[Path]:
    files = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return sorted(path for path in files if path.name not in (".lock", "run.log"))


def content(path: Path) -> object:
    """What a file holds, read whole, so that a damaged one is found."""
    if path.suffix == ".ckpt":
        checkpoint = torch.load(path, weights_only=True)
        return {name: tensor.tolist() for name, tensor in checkpoint["state_dict"].items()}
    if path.suffix == ".json":
        held = json.loads(path.read_text())
        if isinstance(held, list):
            return held
        return path.name != "costs.json" and {key: value for key, value in held.items() if key not in COSTS}
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [{key: value for key, value in row.items() if key not in COSTS} for row in csv.DictReader(file)]
    if path.suffix == ".yaml":
        return sorted(yaml.safe_load(path.read_text()) or [])
    return path.read_bytes()
