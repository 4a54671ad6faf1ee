"""Rows of a comparison: runs that differ only in seed and signal, and the choice of a row's tuned value."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from siren_pl.report.estimates import Estimate, estimate
from siren_pl.report.runs import Run, Sweep
from siren_pl.runs.claims import WITHOUT_TRACE
from siren_pl.runs.sweeps import swept_keys

# Keys of replicates, over which means are taken: the seed of weights and batches, and the signal.
REPLICATE_KEYS = ("seed", "dataset", "dataset.index")
# Keys that change what a run reports, but not its result, besides those that leave no trace.
_SILENT_KEYS = ("figures", "trainer.progress")
# The form of a switch in a label: its name if it is on, nothing if it is off.
_OF_SWITCHES = {"true": "{}", "false": ""}
# Criteria for a tuned value, of which the first that all runs have is used. +1 means that more is better.
CRITERIA = (("train_loss", -1), ("train_psnr", 1), ("psnr", 1))


@dataclass(frozen=True)
class Setting:
    """One row: a combination of swept values and its runs.

    Attributes:
        values: The swept keys and their values.
        units: Finished runs by replicate: by image if there are several images, else by seed.
        diverged: The runs that diverged, over all values tried.
        chosen: The tuned value, if there is a tuned key.
        tried: Number of values of the tuned key that were tried.
        started: Number of runs, over all values tried.
    """

    values: tuple[tuple[str, str], ...]
    units: dict[Hashable, list[Run]]
    diverged: tuple[Run, ...]
    chosen: str | None = None
    tried: int = 1
    started: int = 0

    @property
    def runs(self) -> list[Run]:
        """All finished runs."""
        return [run for unit in self.units.values() for run in unit]

    @property
    def label(self) -> str:
        """A name for tables and legends, made of chosen members, other values with keys, and names of switches."""
        if not self.values:
            return [*self.runs, *self.diverged][0].value("model")
        leaves = [key.rpartition(".")[2] for key, _ in self.values]
        parts = []
        for (key, value), leaf in zip(self.values, leaves, strict=True):
            short = leaf if leaves.count(leaf) == 1 else key
            parts.append(value if "." not in key else _OF_SWITCHES.get(value.lower(), "{}={}").format(short, value))
        return ", ".join(part for part in parts if part) or ", ".join(f"no {leaf}" for leaf in leaves)

    def scores(self, metric: str) -> dict[Hashable, float]:
        """A metric by replicate; several seeds on one image are averaged."""
        found = {
            unit: estimate(r.metrics[metric] for r in runs if metric in r.metrics) for unit, runs in self.units.items()
        }
        return {unit: mean.mean for unit, mean in found.items() if mean is not None}

    def estimate(self, metric: str) -> Estimate | None:
        """A metric's mean and standard error over the replicates."""
        return estimate(self.scores(metric).values())


@dataclass(frozen=True)
class Comparison:
    """One table: the settings that share a task.

    Attributes:
        task: The name of the task.
        settings: The rows, each at its chosen value.
        grid: The rows for every value of the tuned key; equal to `settings` if nothing was tuned.
        tune: The tuned key, if there is one.
        criterion: The metric that chose its value.
    """

    task: str
    settings: tuple[Setting, ...]
    grid: tuple[Setting, ...]
    tune: str | None = None
    criterion: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The swept keys in which rows differ."""
        return tuple(key for key, _ in self.settings[0].values)

    def switched(self, key: str) -> list[tuple[Setting, Setting]]:
        """Pairs of rows, off and on, that differ only in this key; empty if the key is not a switch."""
        sides: dict[tuple[tuple[str, str], ...], dict[str, Setting]] = {}
        for row in self.settings:
            rest = tuple(pair for pair in row.values if pair[0] != key)
            sides.setdefault(rest, {})[dict(row.values)[key].lower()] = row
        return [(pair["false"], pair["true"]) for pair in sides.values() if set(pair) == {"false", "true"}]

    @property
    def mixes_models(self) -> bool:
        """Whether rows compare different models at fixed learning rates, which is no fair comparison of models."""
        models = {run.value("model") for row in self.settings for run in [*row.runs, *row.diverged]}
        return self.tune is None and len(models) > 1

    @property
    def ranked(self) -> tuple[Setting, ...]:
        """The rows that may be called best, which have most values tried and most finished runs; none if only one."""
        if self.mixes_models:
            return ()
        tried, replicates = max(row.tried for row in self.settings), max(len(row.runs) for row in self.settings)
        rows = tuple(row for row in self.settings if (row.tried, len(row.runs)) == (tried, replicates) and replicates)
        return rows if len(rows) > 1 else ()


def is_silent(key: str) -> bool:
    """Whether a key changes what is said about a run, and not its result."""
    return key in _SILENT_KEYS or key.split(".", maxsplit=1)[0] in WITHOUT_TRACE


def compare(sweep: Sweep) -> list[Comparison]:
    """Make a comparison per task of a sweep."""
    differing = swept_keys([run.overrides for run in sweep.runs])
    keys = [key for key in differing if key not in (*REPLICATE_KEYS, "task") and not is_silent(key)]
    tune = next((run.config.get("sweep", {}).get("tune") for run in sweep.runs if run.config.get("sweep")), None)
    tune = tune if tune in keys else None
    tasks = dict.fromkeys(run.value("task") for run in sweep.runs)
    return [_comparison(name, [run for run in sweep.runs if run.value("task") == name], keys, tune) for name in tasks]


def _comparison(task: str, runs: Sequence[Run], keys: Sequence[str], tune: str | None) -> Comparison:
    grid = _grouped(runs, keys)
    if tune is None:
        return Comparison(task, grid, grid)
    finished = [run for run in runs if not run.diverged]
    criterion, sign = next((c for c in CRITERIA if all(c[0] in run.metrics for run in finished)), CRITERIA[-1])
    rows: dict[tuple[tuple[str, str], ...], list[Setting]] = {}
    for setting in grid:
        rows.setdefault(tuple(pair for pair in setting.values if pair[0] != tune), []).append(setting)
    chosen = tuple(_choose(values, tried, tune, criterion, sign) for values, tried in rows.items())
    return Comparison(task, chosen, grid, tune, criterion)


def _choose(
    values: tuple[tuple[str, str], ...], tried: Sequence[Setting], tune: str, criterion: str, sign: int
) -> Setting:
    """Choose the row's best value among those with most finished runs, since one that may diverge is no choice."""
    most = max(len(setting.runs) for setting in tried)
    scored = [(mean.mean * sign, s) for s in tried if len(s.runs) == most and (mean := s.estimate(criterion))]
    best = max(scored, key=lambda pair: pair[0])[1] if scored else tried[0]
    diverged = tuple(run for setting in tried for run in setting.diverged)
    chosen = dict(best.values)[tune] if scored else None
    started = sum(setting.started for setting in tried)
    return replace(best, values=values, diverged=diverged, chosen=chosen, tried=len(tried), started=started)


def _grouped(runs: Sequence[Run], keys: Sequence[str]) -> tuple[Setting, ...]:
    """Group runs by their values of the keys, then by replicate."""
    rows: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        rows.setdefault(tuple((key, run.value(key)) for key in keys), []).append(run)
    images = {run.image for run in runs}
    found = []
    for values, members in rows.items():
        units: dict[Hashable, list[Run]] = {}
        for run in members:
            if not run.diverged:
                units.setdefault(run.image if len(images) > 1 else run.value("seed"), []).append(run)
        found.append(Setting(values, units, tuple(run for run in members if run.diverged), started=len(members)))
    return tuple(found)
