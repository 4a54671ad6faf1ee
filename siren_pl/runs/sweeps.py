"""A sweep's directory: how the sweep was started, how each of its jobs ended, and whether anything is left to do.

It holds `sweep.yaml` (how the sweep was started), a run directory per job, and `summary.csv` (written last, so its
presence says that everything is done).
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from siren_pl.errors import UserError
from siren_pl.runs import directory as directory_of
from siren_pl.runs import stored
from siren_pl.training import whole_files
from siren_pl.training.judge import leading

Row = dict[str, Any]

# Hydra writes multirun.yaml in place, where a kill leaves half a file; sweep.yaml is written first, and atomically.
STARTED, HYDRAS_OWN, SUMMARY = "sweep.yaml", "multirun.yaml", "summary.csv"
# The file in a job's directory that says why the job was refused (see `claims`), and the status of such a job.
REFUSAL, REFUSED = "refused", "refused"
# Statuses that count as results; jobs with any other are tried again.
ENDED = (directory_of.FINISHED, directory_of.DIVERGED)


@dataclass(frozen=True)
class Start:
    """How a sweep was started.

    Attributes:
        task: Overrides of the configuration as typed, lists of values included.
        hydra: Overrides of Hydra's own keys, the launcher's included.
        config_directory: The folder that `--config-dir` named, if any.
        working_directory: Where the command was typed; relative paths in the configuration start there.
        config: The whole configuration, plain and unresolved, without the values that single jobs set.
    """

    task: tuple[str, ...]
    hydra: tuple[str, ...]
    config_directory: str | None
    working_directory: Path
    config: Any

    @property
    def allow_divergence(self) -> bool:
        """Whether a diverged job counts as a success."""
        return bool(stored.at(self.config, "sweep.allow_divergence"))


def write_start(directory: Path, config: Any) -> None:
    """Save Hydra's configuration of the whole sweep before anything else is written."""
    whole_files.sweep_partial(directory)
    directory_of.write_text(directory / STARTED, OmegaConf.to_yaml(config))


def read_start(directory: Path) -> Start:
    """Read how the sweep in a directory was started.

    A file that a kill left half written is skipped.

    Raises:
        UserError: There is no sweep, or none of its files can be read.
    """
    files = [directory / name for name in (STARTED, HYDRAS_OWN) if (directory / name).is_file()]
    if not files:
        cure = (
            f"It holds a run: resume={directory} continues that."
            if directory_of.is_used(directory)
            else "A sweep that was ended before it wrote them is started by its first command again, with -m."
        )
        raise UserError(
            f"sweep.resume={directory} is not a sweep's directory: it has neither {STARTED} nor {HYDRAS_OWN}. {cure}"
        )
    for file in files:
        with suppress(UserError, ValueError, TypeError, KeyError):
            return _parse(stored.read(file))
    raise UserError(
        f"sweep.resume={directory}: the overrides of this sweep cannot be read from {' or '.join(map(str, files))}. "
        "Restore that file, or start the sweep again in an empty directory by its first command, with -m."
    )


def _parse(config: Any) -> Start:
    task, hydra = (stored.at(config, f"hydra.overrides.{name}") for name in ("task", "hydra"))
    sources = stored.at(config, "hydra.runtime.config_sources")
    typed = [str(source["path"]) for source in sources if source["provider"] == "command-line"]
    return Start(
        task=tuple(map(str, task)),
        hydra=tuple(map(str, hydra)),
        config_directory=typed[0] if typed else None,
        working_directory=Path(stored.at(config, "hydra.runtime.cwd")),
        config=config,
    )


def job_directories(directory: Path) -> list[Path]:
    """The run directories of a sweep in the order of their numbers; empty if the directory holds no sweep."""
    found = (path.parents[1] for path in directory.glob("*/.hydra/overrides.yaml"))
    return sorted(found, key=lambda job: _number(job.name))


def overrides_of(job: Path) -> dict[str, str]:
    """The overrides typed for a run, by key; empty if they were not recorded."""
    file = job / ".hydra" / "overrides.yaml"
    typed = [str(item).lstrip("+").partition("=") for item in stored.read(file)] if file.is_file() else []
    return {key: value for key, _, value in typed}


def summary_rows(directory: Path) -> list[Row]:
    """A row for each job of a sweep: number, status, overrides by key, metrics."""
    return [
        {"job": job.name, "status": status_of(job), **overrides_of(job), **directory_of.read_metrics(job)}
        for job in job_directories(directory)
    ]


def swept_keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The override keys whose values differ between jobs, in the order in which they were typed."""
    names = dict.fromkeys(key for row in rows for key, value in row.items() if isinstance(value, str))
    keys = [key for key in names if key not in ("job", "status")]
    return [key for key in keys if len({row.get(key) for row in rows}) > 1]


def status_of(job: Path) -> str:
    """The status of a job of a sweep: its run's status, or `refused`."""
    return REFUSED if (job / REFUSAL).exists() else directory_of.read_status(job)


def _number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (sys.maxsize, name)


def write_summary(directory: Path, rows: list[Row]) -> None:
    """Write `summary.csv` with a line per job and a column per override and metric."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    whole_files.sweep_partial(directory)
    directory_of.write_text(directory / SUMMARY, text.getvalue())


def compared_by(measures: Iterable[str], measured: Mapping[str, Any], wanted: str = "auto") -> str | None:
    """The metric that jobs are compared by: the one wanted, or for `auto` the leading one."""
    return leading(measures, measured) if wanted == "auto" else wanted


def is_finished(directory: Path) -> bool:
    """Whether every job has ended in a result, the summary says so, and all the jobs' directories still exist."""
    if not (directory / SUMMARY).is_file():
        return False
    with (directory / SUMMARY).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return all(row["status"] in ENDED and row["status"] == status_of(directory / row["job"]) for row in rows)


def is_accepted(status: str, allow_divergence: bool) -> bool:
    """Whether a job with this status leaves the sweep's exit code at 0."""
    return status == directory_of.FINISHED or (allow_divergence and status == directory_of.DIVERGED)
