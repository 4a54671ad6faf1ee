"""What is found of a field is written down: metrics and files first, then what is compared, then what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from siren_pl.runs import directory as directory_of
from siren_pl.training.attempts import attempt
from siren_pl.training.judge import Findings, Judge, Metrics, Rival, Write


class Left(NamedTuple):
    """What was left behind of a field.

    Attributes:
        metrics: Everything that was measured, of the classical methods too, and what it cost.
        findings: What the judge found.
        rivals: Classical methods that had an answer.
        files: What was written for a user.
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
    """Judge an answer and write its metrics and files, and only then what it is compared with.

    Args:
        judge: Judges the field and the methods alike.
        answer: The field's.
        methods: Classical methods, which may take long, or fail.
        directory: Where the metrics go.
        place: Where the files go.
        costs_now: What the run has cost up to the moment of the call.
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
    directory_of.write_metrics(directory, metrics)
    return Left(metrics, findings, rivals, [file for file in files if file is not None])


def draw(left: Left, directory: Path) -> list[Path]:
    """Draw every figure into a directory; one that fails is left out with a warning."""
    paths = []
    for name, figure in left.findings.figures.items():
        with attempt(f"figures/{name}"):
            paths.append(_written(lambda path, figure=figure: figure(path, left.rivals), directory / _safe(name)))
    return [path for path in paths if path is not None]


def _written(write: Write, path: Path) -> Path | None:
    """The file that came of it; None where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = write(path)
    return said if isinstance(said, Path) else path if path.is_file() else None


def _safe(name: str) -> str:
    """A file's name whose stem is one that every file system takes."""
    stem, dot, suffix = name.rpartition(".")
    return f"{directory_of.safe_name(stem)}{dot}{suffix}"
