"""A sweep directory read back: its jobs in order, what each was given, which keys differ between them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from siren_pl import run_directory as directory_of


def job_directories(directory: Path) -> list[Path]:
    """The run directories of a sweep, in the order of their numbers; empty if it is no sweep."""
    found = (path.parents[1] for path in directory.glob("*/.hydra/overrides.yaml"))
    return sorted(found, key=lambda job: _number(job.name))


def overrides_of(job: Path) -> dict[str, str]:
    """What was typed for a run, by key; empty where Hydra left no list."""
    file = job / ".hydra" / "overrides.yaml"
    typed = [str(item).lstrip("+").partition("=") for item in OmegaConf.load(file)] if file.is_file() else []
    return {key: value for key, _, value in typed}


def summary_rows(directory: Path) -> list[dict[str, Any]]:
    """A row per job of a sweep: number, status, overrides by key, metrics."""
    return [
        {
            "job": job.name,
            "status": directory_of.read_status(job),
            **overrides_of(job),
            **directory_of.read_metrics(job),
        }
        for job in job_directories(directory)
    ]


def swept_keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The override keys whose value differs between jobs, in the order in which they were typed."""
    names = dict.fromkeys(key for row in rows for key, value in row.items() if isinstance(value, str))
    keys = [key for key in names if key not in ("job", "status")]
    return [key for key in keys if len({row.get(key) for row in rows}) > 1]


def _number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (sys.maxsize, name)
