"""Inputs as a careless user or a bad disk might give them: a command line, and the files that it names, by a number."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from siren_pl.runs.keys import conf_directory, nodes
from siren_pl.runs.rules import Rule, checked
from tests.soak.spoiling import SHAPE, good_file, odd_file, spoil

STEPS = "trainer.max_steps=1"
SMALL = (STEPS, "trainer.evaluations=0", "recipe.fewest_steps=1", "dataset.size=8")
TASKS = (
    "image_fit",
    "denoising",
    "inpainting",
    "super_resolution",
    "poisson_grad",
    "poisson_laplacian",
    "poisson_edit",
)
VALUES = (
    *("true", "false", "null", "nan", "inf", "-inf", "-1", "0", "1", "0.5", "1.5", "-0.0", "1e-300", "1e300", "3e0"),
    *("1000000000000", "99999999999999999999999", "[]", "[1]", "[1,2]", "[0,0,4,4]", "[2,2,99,1]", "[-1,2]", "[[1]]"),
    *("[true,2]", "[nan,1]", "{a:1}", "abc", "''", "'3'", "'${nope}'", "'${seed}'", "'???'", "é", "/", "."),
    *("auto", "all", "full", "gaussian", "siren", "camera", "~", "'a b'", "'a\\nb'", "'$x$'", "'[red]'"),
)
# Keys whose large values are no slip but a long wait, or very many processes.
_PATIENT = ("trainer.max_steps", "trainer.devices", "trainer.evaluations", "recipe.passes", "recipe.fewest_steps")
_MODELS = ("siren", "relu_pe", "fourier_features", "wire", "hash_grid", "tensor_product", "bacon", "mfn_gabor", "tiles")


@dataclass(frozen=True)
class Case:
    """A command that may fail, if it says why.

    Attributes:
        command: train or evaluate.
        arguments: What is typed.
        said: What is wrong, in words.
    """

    command: str
    arguments: tuple[str, ...]
    said: str


def make(number: int, sound_run: Path) -> Case:
    """The case of this number; its files are written into the working directory."""
    rng = random.Random(number)
    kinds = (
        *(_picture,) * 3,
        _folder,
        _mask,
        _reference,
        _sources,
        *(_overrides,) * 4,
        _stored,
        _stored,
        _experiment,
        _window,
    )
    # Cases in a row are of different kinds, so that a few of them show most.
    return kinds[number % len(kinds)](rng, sound_run)


def _train(said: str, *arguments: str) -> Case:
    return Case("train", (*SMALL, *arguments), said)


def _picture(rng: random.Random, _: Path) -> Case:
    path, said = odd_file(rng)
    size = rng.choice(("null", "6", "[5,9]"))
    return _train(
        said, f"task={rng.choice(TASKS[:6])}", "dataset=image", f"dataset.path={path}", f"dataset.size={size}"
    )


def _folder(rng: random.Random, _: Path) -> Case:
    Path("photos").mkdir()
    for stem in ("one_", "two_"):
        path = good_file(rng, stem)
        path.rename(Path("photos") / path.name)
    path, said = odd_file(rng)
    if path.exists() or path.is_symlink():
        path.rename(Path("photos") / path.name)
    index = rng.choice(("all", "all", "[0,1]", "2", "7", "[]", "[1,1]"))
    return _train(f"{said}, index={index}", "dataset=folder", "dataset.path=photos", f"dataset.index={index}")


def _mask(rng: random.Random, _: Path) -> Case:
    path, said = odd_file(rng)
    task = rng.choice(("inpainting", "poisson_edit"))
    size = rng.choice((f"[{SHAPE[0]},{SHAPE[1]}]", "8"))
    return _train(f"mask {said}", f"task={task}", "dataset=camera", f"dataset.size={size}", f"task.mask={path}")


def _reference(rng: random.Random, _: Path) -> Case:
    Path("small").mkdir()
    measured = good_file(rng).rename("small/measured.png") if rng.random() < 0.2 else good_file(rng, "measured_")
    path, said = odd_file(rng)
    task = rng.choice(("denoising", "super_resolution", "inpainting", "image_fit"))
    options = (f"dataset.path={measured}", f"dataset.reference={path}", "dataset.size=null")
    return _train(f"reference {said}", f"task={task}", "dataset=image", "dataset.degrade=false", *options)


def _sources(rng: random.Random, _: Path) -> Case:
    path, said = odd_file(rng)
    mode = rng.choice(("clone", "fuse", "mixed"))
    offset = rng.choice(("[0,0]", "[3,-2]", "[99,0]"))
    return _train(
        f"source {said}", "task=poisson_edit", f"task.mode={mode}", f"task.sources=[{path}]", f"task.offset={offset}"
    )


def _overrides(rng: random.Random, _: Path) -> Case:
    """One or two keys of a task and a model, with values that are none of theirs, or admitted and extreme."""
    task, model = rng.choice(TASKS), rng.choice(_MODELS)
    typed = [f"task={task}", f"model={model}"]
    ruled = _ruled(*typed)
    for key in rng.sample(sorted(ruled), rng.choice((1, 1, 2))):
        values = VALUES if key not in _PATIENT else [value for value in VALUES if not value[-1:].isdigit()]
        admitted = [value for value in values if _is_admitted(ruled[key], value)] if rng.random() < 0.5 else []
        typed.append(f"{key}={rng.choice(admitted or values)}")
    return _train(" ".join(typed), *typed)


def _is_admitted(rule: Rule, value: str) -> bool:
    try:
        checked(yaml.safe_load(value), rule)
    except (ValueError, yaml.YAMLError):
        return False
    return True


def _ruled(*overrides: str) -> dict[str, Rule]:
    """The keys that have a rule in what is composed, but those of sweeps and sets."""
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        plain = OmegaConf.to_container(compose("train", list(overrides)), resolve=False)
    found = {
        f"{place}{name}": rule
        for place, node in nodes(plain)
        for name, rule in (node.get("rules") or {}).items()
        if name in node
    }
    left_out = ("sweep.", "logger.histograms", "logger.mode", "dataset.index")
    return {key: rule for key, rule in found.items() if not key.startswith(left_out)}


def _stored(rng: random.Random, sound_run: Path) -> Case:
    """A run whose files have suffered, continued or looked at again."""
    shutil.copytree(sound_run, "run")
    files = sorted(path for path in Path("run").rglob("*") if path.is_file() and path.name != ".lock")
    path = rng.choice([*files, *(file for file in files if file.suffix in (".yaml", ".json", ".ckpt"))])
    if rng.random() < 0.2:
        path.unlink()
        said = f"{path} removed"
    else:
        said = spoil(path, rng)
    if rng.random() < 0.6:
        return Case("train", ("resume=run", "trainer.max_steps=3"), said)
    return Case("evaluate", ("run=run",), said)


def _experiment(rng: random.Random, _: Path) -> Case:
    """A configuration of one's own, spoilt."""
    path = Path("mine/experiment/mine.yaml")
    path.parent.mkdir(parents=True)
    path.write_text(
        "# @package _global_\ndefaults:\n  - override /task: image_fit\n  - override /model: siren\n"
        "dataset: {size: 8, heldout: 0.1}\nmodel: {omega_0: 30.0, hidden_layers: 1}\nseed: 3\n"
        "task:\n  total_variation: 1.0e-3\n"
    )
    return Case("train", ("--config-dir", "mine", *SMALL, "experiment=mine"), spoil(path, rng))


def _window(rng: random.Random, sound_run: Path) -> Case:
    shutil.copytree(sound_run, "run")
    key = rng.choice(("run", "size", "scale", "window", "zoom", "output"))
    typed = f"{key}={rng.choice(VALUES)}"
    return Case("evaluate", (*(() if key == "run" else ("run=run",)), typed), typed)
