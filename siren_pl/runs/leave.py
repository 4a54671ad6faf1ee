"""Writes down what was found of a field: metrics and files first, then the comparisons, then the figures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from siren_pl.runs import directory as directory_of
from siren_pl.runs.attempts import attempt
from siren_pl.training.judge import Findings, Judge, Metrics, Rival, Write

log = logging.getLogger(__name__)

# A fit of fewer optimiser steps has not failed, it has hardly begun.
ENOUGH_STEPS = 100


class Left(NamedTuple):
    """What a run leaves behind for one field.

    Attributes:
        metrics: All metrics of the field and of the classical methods, and the costs.
        findings: What the judge found.
        rivals: The classical methods that had an answer.
        files: The files that were written for the user.
    """

    metrics: Metrics
    findings: Findings
    rivals: Mapping[str, Rival]
    files: list[Path]


def leave(
    judge: Judge,
    answer: Any,
    methods: Mapping[str, Callable[[], Any]],
    directory: Path,
    place: Path,
    costs_now: Callable[[], Metrics] = dict,
) -> Left:
    """Judge an answer and write its metrics and files; only then judge the methods that it is compared with.

    Args:
        judge: Judges the field and the methods alike.
        answer: The field's answer.
        methods: Classical methods by name, which may be slow or fail.
        directory: Where the metrics go.
        place: Where the files go.
        costs_now: Returns what the run has cost so far.
    """
    findings = judge.judge(answer)
    directory_of.write_measures(directory, findings.measures)
    directory_of.write_metrics(directory, findings.metrics | costs_now())
    files = [_written(write, place / _safe(name)) for name, write in findings.files.items()]
    rivals: dict[str, Rival] = {}
    for name, method in methods.items():
        with attempt(f"baseline/{name}"):
            found = method()
            if found is not None:
                rivals[name] = Rival(found, judge.judge(found).metrics)
    compared = {
        f"baseline/{name}/{key}": value for name, rival in rivals.items() for key, value in rival.metrics.items()
    }
    metrics = findings.metrics | compared | costs_now()
    if findings.failure and metrics.get("steps", 0) >= ENOUGH_STEPS:
        log.error("%s", findings.failure)
        metrics["diverged"] = 1.0
    directory_of.write_metrics(directory, metrics)
    return Left(metrics, findings, rivals, [file for file in files if file is not None])


def draw(left: Left, directory: Path) -> list[Path]:
    """Draw every figure into a directory; one that fails is skipped with a warning."""
    paths = []
    for name, figure in left.findings.figures.items():
        with attempt(f"figures/{name}"):
            paths.append(_written(lambda path, figure=figure: figure(path, left.rivals), directory / _safe(name)))
    return [path for path in paths if path is not None]


def _written(write: Write, path: Path) -> Path | None:
    """The file that was written; None if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = write(path)
    return said if isinstance(said, Path) else path if path.is_file() else None


def _safe(name: str) -> str:
    """The file name with its stem made safe for every file system."""
    stem, dot, suffix = name.rpartition(".")
    return f"{directory_of.safe_name(stem)}{dot}{suffix}"
