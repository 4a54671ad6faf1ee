"""Run directories written by hand, so that what a report makes of them can be worked out beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from omegaconf import OmegaConf

from siren_pl.problems.sampled.measures import MEASURES, shown
from siren_pl.runs.directory import write_measures


def handmade_run(
    directory: Path,
    overrides: dict[str, object],
    metrics: dict[str, float],
    status: str = "finished",
    tune: str | None = None,
    history: Sequence[dict[str, float]] = (),
) -> Path:
    """A run directory with nothing in it but what a report reads."""
    config = OmegaConf.create({"seed": 0, "sweep": {"tune": tune}, "dataset": {"size": 32}, "optimizer": {"lr": 1e-3}})
    for key, value in overrides.items():
        if "." in key or key == "seed":
            OmegaConf.update(config, key, value)
    choices = {"model": "siren", "task": "image_fit", "dataset": "camera"}
    choices |= {key: str(value) for key, value in overrides.items() if key in choices}
    (directory / ".hydra").mkdir(parents=True)
    OmegaConf.save(config, directory / ".hydra" / "config.yaml")
    typed = [f"{key}={value}" for key, value in overrides.items()]
    OmegaConf.save(OmegaConf.create(typed), directory / ".hydra" / "overrides.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": {"runtime": {"choices": choices}}}), directory / ".hydra" / "hydra.yaml")
    (directory / "metrics.json").write_text(json.dumps(metrics))
    write_measures(directory, shown(MEASURES, metrics))
    (directory / "status").write_text(status)
    if history:
        (directory / "checkpoints").mkdir()
        torch.save({"siren_pl": {"history": list(history)}}, directory / "checkpoints" / "last.ckpt")
    return directory


def handmade_sweep(directory: Path, jobs: Sequence[tuple[dict[str, object], dict[str, float]]], **options: str) -> Path:
    """A sweep of runs by (overrides, metrics)."""
    for number, (overrides, metrics) in enumerate(jobs):
        handmade_run(directory / str(number), overrides, metrics, **options)
    return directory
