"""Run and sweep directories as read by the report: configuration, metrics, curve, and a list of unfinished runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from siren_pl.errors import UserError
from siren_pl.field.domain import Domain
from siren_pl.runs import directory as directory_of
from siren_pl.runs import identity, stored
from siren_pl.runs.autos import SettledField, settle
from siren_pl.runs.sweeps import job_directories, overrides_of
from siren_pl.training.checkpoints import LAST, read_checkpoint
from siren_pl.training.judge import Measure

# Folder in which a run of a set keeps a run directory per signal.
MEMBERS = "signals"
ENDED = (directory_of.FINISHED, directory_of.DIVERGED)


@dataclass(frozen=True)
class Run:
    """A run that has ended, whether it finished or diverged.

    Attributes:
        directory: Directory of the run.
        status: How it ended.
        overrides: The values that the user typed, by key.
        packages: The user's own packages that its configuration may name.
    """

    directory: Path
    status: str
    overrides: dict[str, str]
    packages: tuple[str, ...] = ()

    @cached_property
    def config(self) -> dict[str, Any]:
        """The saved configuration as plain data, resolved and checked for trust."""
        with stored.built_from(self.directory):
            return stored.admitted(stored.configuration(self.directory), self.packages)

    @cached_property
    def choices(self) -> dict[str, str]:
        """The member that Hydra chose from each group: the names of model, task and dataset."""
        return stored.choices(self.directory)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Everything that was measured."""
        return directory_of.read_metrics(self.directory)

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """How its judge wants the metrics to be read."""
        return directory_of.read_measures(self.directory)

    @cached_property
    def checkpoint(self) -> dict[str, Any]:
        """The curve and sizes in the checkpoint, without the weights; empty if it is missing or unreadable."""
        try:
            return read_checkpoint(self.directory / "checkpoints" / LAST).get("siren_pl", {})
        except UserError:
            return {}

    @cached_property
    def settled(self) -> SettledField | None:
        """The settled value of each `auto` of the leading field; None without a checkpoint, which holds its domain."""
        domains = self.checkpoint.get("domains")
        with stored.built_from(self.directory):
            known = {name: Domain(**each) for name, each in (domains or {}).items()}
            return settle(self.config, known).leading if known else None

    @property
    def history(self) -> list[dict[str, float]]:
        """Rows of the curve."""
        return self.checkpoint.get("history", [])

    @property
    def shares_its_curve(self) -> bool:
        """Whether its signal was fitted together with others of a set; their curve is the mean over all signals."""
        return self.directory.parent.name == MEMBERS

    @cached_property
    def image(self) -> tuple[str, ...]:
        """The identity of its signal: the data set with the signal's name and content, or else its number."""
        known = identity.read(self.directory)
        own = [each.name + each.sha256.get("dataset", "") for each in known] or [self.value("dataset.index")]
        return (self.value("dataset"), *own)

    @property
    def diverged(self) -> bool:
        """Whether the loss stopped being finite."""
        return self.status == directory_of.DIVERGED

    def value(self, key: str) -> str:
        """The value of a key: as typed, else as chosen from a group, else as configured."""
        if known := self.overrides.get(key) or self.choices.get(key):
            return known
        found: Any = self.config
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return str(found.get("_target_", "")).rpartition(".")[2] if isinstance(found, dict) else str(found)


@dataclass(frozen=True)
class Sweep:
    """Runs that belong together: the jobs of one sweep, or the single runs of one report.

    Attributes:
        name: The name for the section's title.
        directories: One sweep directory, or several run directories.
        runs: The runs that have ended.
        left_out: (path, status) of those that have not.
    """

    name: str
    directories: tuple[Path, ...]
    runs: tuple[Run, ...]
    left_out: tuple[tuple[Path, str], ...]


def read(directories: Sequence[Path], packages: tuple[str, ...] = ()) -> list[Sweep]:
    """Read the sweeps among the directories in the given order, then all single runs as one sweep.

    Args:
        directories: Directories of runs and sweeps.
        packages: The user's own packages that saved configurations may name.

    Raises:
        UserError: A directory holds neither runs nor sweeps, or no run that has ended, or a run cannot be trusted.
    """
    found, singles = [], []
    for directory in directories:
        if (directory / ".hydra" / "config.yaml").is_file():
            singles.append(directory)
        elif jobs := job_directories(directory):
            found.append(_gathered(directory.name, (directory,), jobs, packages))
        else:
            raise UserError(
                f"{directory} is neither a run nor a sweep: it has no .hydra/config.yaml, nor has any folder in it. "
                "Give the directory that train.py named at its end, or a sweep's, which holds multirun.yaml."
            )
    if singles:
        found.append(_gathered("single runs", tuple(singles), singles, packages))
    return found


def _gathered(name: str, directories: tuple[Path, ...], jobs: Sequence[Path], packages: tuple[str, ...]) -> Sweep:
    runs = [run for job in jobs for run in _fields(job, packages)]
    ended = tuple(run for run in runs if run.status in ENDED)
    if not ended:
        raise UserError(
            f"{', '.join(map(str, directories))} holds no run that has ended, only "
            f"{', '.join(sorted({run.status for run in runs}))} ones: continue them with "
            f"train.py resume={runs[0].directory}, or wait for them."
        )
    return Sweep(name, directories, ended, tuple((r.directory, r.status) for r in runs if r.status not in ENDED))


def _fields(job: Path, packages: tuple[str, ...]) -> list[Run]:
    """The run of a job; for a set, one run per signal, since each has its own metrics."""
    stored.require_no_way_out(job)
    overrides = overrides_of(job)
    members = sorted(path.parents[1] for path in job.glob(f"{MEMBERS}/*/.hydra/config.yaml"))
    typed = {key: value for key, value in overrides.items() if key != "dataset.index"} if members else overrides
    return [Run(home, directory_of.read_status(home), typed, packages) for home in members or [job]]
