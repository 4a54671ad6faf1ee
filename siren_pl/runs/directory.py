"""A run directory: what one run leaves behind, and how it is read back.

`.hydra/` (the configuration), `checkpoints/last.ckpt`, `metrics.json`, `measures.json` (how they are read), `status`,
`figures/`, `predictions/`, the log.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from siren_pl.errors import UserError
from siren_pl.training.judge import Measure
from siren_pl.training.whole_files import write_text as write_text  # noqa: PLC0414 - callers find it here

RUNNING, FINISHED, DIVERGED, FAILED, INTERRUPTED = "running", "finished", "diverged", "failed", "interrupted"


def write_metrics(directory: Path, metrics: dict[str, float]) -> None:
    """Write metrics as one flat JSON object, leaving out those that are not finite."""
    finite = {key: value for key, value in metrics.items() if math.isfinite(value)}
    write_text(directory / "metrics.json", json.dumps(finite, indent=2) + "\n")


def read_metrics(directory: Path) -> dict[str, float]:
    """The metrics of a run; empty until it has some.

    Raises:
        UserError: The file is damaged.
    """
    path = directory / "metrics.json"
    try:
        metrics = json.loads(path.read_text()) if path.is_file() else {}
        if not isinstance(metrics, dict) or not all(isinstance(value, (int, float)) for value in metrics.values()):
            raise ValueError("names with numbers were expected")
        return metrics
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error}): delete it; resume={directory} judges the run again and writes it anew."
        ) from error


def write_measures(directory: Path, measures: Mapping[str, Measure]) -> None:
    """Write how to read the metrics of a run, in the order of its table (`Findings.measures`)."""
    told = {name: measure._asdict() for name, measure in measures.items()}
    write_text(directory / "measures.json", json.dumps(told, indent=2) + "\n")


def read_measures(directory: Path) -> dict[str, Measure]:
    """How to read the metrics of a run; empty until it has some, and if the file is damaged."""
    try:
        told = json.loads((directory / "measures.json").read_text())
        return {str(name): Measure(**fields) for name, fields in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_status(directory: Path, status: str) -> None:
    """Write the run's status, one word."""
    write_text(directory / "status", status + "\n")


def read_status(directory: Path) -> str:
    """The run's status; `failed` if it never began or the word is damaged."""
    path = directory / "status"
    word = path.read_text(errors="replace").strip() if path.is_file() else FAILED
    return word if word in (RUNNING, FINISHED, DIVERGED, INTERRUPTED) else FAILED


# Characters that some file system does not take as part of a name.
_UNSAFE = re.compile(r'[/\\<>:"|?*\x00-\x1f\x7f\ud800-\udfff]|^\.|[. ]$')
# The longest name in bytes; it leaves room for a suffix and a number within the 255 that file systems allow.
_MOST_BYTES = 200


def safe_name(name: str) -> str:
    """A signal's name made fit for a file or directory: one path component, not hidden, not too long."""
    while (safe := _UNSAFE.sub("_", name)) != name:
        name = safe
    return name.encode()[:_MOST_BYTES].decode(errors="ignore") or "_"


def is_used(directory: Path) -> bool:
    """Whether a run or a sweep already lives here."""
    # .hydra alone does not count: a run killed before its configuration was complete can only be started again.
    traces = (".hydra/config.yaml", "checkpoints", "metrics.json", "sweep.yaml", "multirun.yaml")
    return any((directory / name).exists() for name in traces)


def require_one_field(directory: Path, key: str) -> None:
    """Refuse a directory that does not hold the run of a single field.

    Raises:
        UserError: Naming the key and what was found instead.
    """
    require_run(directory, key)
    signals = sorted(path.parents[1] for path in directory.glob("signals/*/.hydra/config.yaml"))
    if signals:
        raise UserError(f"{key}={directory} holds {len(signals)} fields: name one of them, such as {signals[0]}.")


def require_run(directory: Path, key: str) -> None:
    """Refuse a directory that holds no run.

    Raises:
        UserError: Naming the key and what was found instead.
    """
    if (directory / ".hydra" / "config.yaml").is_file():
        return
    jobs = sorted(path.parent.parent for path in directory.glob("*/.hydra/config.yaml"))
    hint = f" It holds a sweep: name one of its jobs, such as {jobs[0]}." if jobs else ""
    raise UserError(f"{key}={directory} is not a run directory: it has no .hydra/config.yaml.{hint}")
