"""The signals of a run: which are fitted together, where each leaves its results, and how a set is summed up.

Signals of one shape are trained as one batched network, in chunks that fit the memory. Every signal of a set gets a run
directory beneath `signals/`, with a checkpoint split off the chunk's, so `evaluate.py`, `load` and `resume` treat it as
any other run.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siren_pl.field.networks.bundle import Bundle
from siren_pl.runs import build, claims, identity
from siren_pl.runs import directory as directory_of
from siren_pl.runs.costs import own_curve
from siren_pl.training.checkpoints import LAST, AtomicCheckpointIO, read_checkpoint
from siren_pl.training.judge import Measure, leading

Row = dict[str, float]
# Metrics whose mean over signals is meaningless: costs, of which the largest is kept, and marks of divergence.
_COSTS = ("steps", "points", "parameters", "wall_s", "peak_memory_mb")
_MARKS = ("diverged", "diverged_step")


@dataclass(frozen=True)
class Chunk:
    """Signals that are fitted together.

    Attributes:
        directory: The run's directory.
        plans: One plan per signal.
        homes: Where each signal leaves its results: the run's own directory, unless it belongs to a set.
        place: Where the checkpoint is kept.
        curve: Name of the figure that shows the chunk's curve.
    """

    directory: Path
    plans: Sequence[build.Plan]
    homes: Sequence[Path]
    place: Path
    curve: str

    @property
    def is_of_a_set(self) -> bool:
        """Whether the signals have directories of their own."""
        return self.directory not in self.homes

    @property
    def is_done(self) -> bool:
        """Whether every signal has run the number of steps that its configuration asks for."""
        return all(map(_is_done, self.homes, (plan.settled.max_steps for plan in self.plans)))


def chunks(config: build.Plain, plans: Sequence[build.Plan], directory: Path) -> list[Chunk]:
    """The chunks of a run in the order in which they are fitted; a run of one signal is one chunk."""
    if not build.is_set(config):
        return [Chunk(directory, plans, [directory], directory / "checkpoints", "curve.png")]
    homes = homes_of(plans, directory)
    return [
        Chunk(
            directory,
            [plans[i] for i in part],
            [homes[i] for i in part],
            directory / "checkpoints" / f"{number:03d}",
            f"curve_{number:03d}.png",
        )
        for number, part in enumerate(_together(plans))
    ]


def homes_of(plans: Sequence[build.Plan], directory: Path) -> list[Path]:
    """The directory of each signal of a set."""
    return [directory / "signals" / name for name in _names([plan.problem.data for plan in plans])]


def _together(plans: Sequence[build.Plan]) -> list[list[int]]:
    """Indices of signals that are trained together: their problems are alike, and no more than memory holds."""
    groups: list[list[int]] = []
    for index, plan in enumerate(plans):
        alike = (group for group in groups if plans[group[0]].problem.is_like(plan.problem))
        group = next(alike, None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    parts = []
    for group in groups:
        size = build.together(plans[group[0]])
        parts += [group[start : start + size] for start in range(0, len(group), size)]
    return parts


def _is_done(home: Path, max_steps: int) -> bool:
    ended = directory_of.read_status(home) in (directory_of.FINISHED, directory_of.DIVERGED)
    return ended and directory_of.read_metrics(home).get("steps", 0) >= max_steps


def _names(given: Sequence[str]) -> list[str]:
    """A directory name for each signal: its own name, with its number in front if names repeat.

    Some file systems do not tell `A` from `a`.
    """
    names = [directory_of.safe_name(name) for name in given]
    taken = [name.casefold() for name in names]
    for index, name in enumerate(names):
        unique = name
        while taken.count(unique.casefold()) > (unique == name):
            unique = f"{index:04d}_{unique}"
        names[index], taken[index] = unique, unique.casefold()
    return names


def hand_out(chunk: Chunk, bundle: Bundle) -> None:
    """Give every signal of a set what it needs to be a run of its own: configuration, identity, checkpoint."""
    whole, own = read_checkpoint(chunk.place / LAST), set(bundle.own())
    stacked = {name: name in own for name, _ in bundle.named_parameters()}
    for index, (plan, home) in enumerate(zip(chunk.plans, chunk.homes, strict=True)):
        claims.hand_down(chunk.directory, home, plan.config)
        identity.keep([plan], home)
        part = whole if len(chunk.homes) == 1 else split_checkpoint(whole, index, stacked)
        if all(tensor.isfinite().all() for tensor in part["state_dict"].values()):  # else the last finite one is kept
            AtomicCheckpointIO().save_checkpoint(part, home / "checkpoints" / LAST)


def split_checkpoint(whole: dict[str, Any], index: int, stacked: Mapping[str, bool]) -> dict[str, Any]:
    """The checkpoint that field `index` would have written if trained alone.

    Args:
        whole: The checkpoint of a chunk.
        index: Number of the field in the chunk.
        stacked: For each weight by name, whether it has a leading axis of signals; if not, all signals share it. The
            order is that of the optimisers.
    """

    def part(value: Any, is_stacked: bool) -> Any:
        # A counter of steps has no axes; running moments have those of their weights.
        return value[index].clone() if is_stacked and getattr(value, "ndim", 0) else value

    state = {name: part(tensor, stacked.get(name, False)) for name, tensor in whole["state_dict"].items()}
    in_order, optimizers = list(stacked.values()), []
    for optimizer in whole["optimizer_states"]:
        moments = {
            number: {key: part(value, in_order[number]) for key, value in entry.items()}
            for number, entry in optimizer["state"].items()
        }
        optimizers.append(optimizer | {"state": moments})
    kept = whole["siren_pl"]
    history = list(own_curve(kept["history"], kept["losses_by_signal"], index))
    own = kept | {"diverged": {}, "names": [kept["names"][index]], "history": history, "losses_by_signal": []}
    return whole | {"state_dict": state, "optimizer_states": optimizers, "siren_pl": own}


def summed_up(rows: Mapping[str, Row], measures: Mapping[str, Measure]) -> tuple[Row, dict[str, Measure]]:
    """Sum up the metrics of a set.

    Args:
        rows: The metrics of every signal.
        measures: How to read the metrics.

    Returns:
        Means over the signals that did not diverge, the worst value of the leading metric among them, the number of
        signals and the cost of the whole; and how to read these.
    """
    sound = [row for row in rows.values() if not row.get("diverged")]
    names = dict.fromkeys(name for row in sound for name in row if name not in (*_COSTS, *_MARKS))
    means = {name: sum(row[name] for row in sound if name in row) / sum(name in row for row in sound) for name in names}
    told = [name for name in _COSTS if all(name in row for row in rows.values())]
    largest = {name: max(row[name] for row in rows.values()) for name in told}
    count = {"signals": float(len(rows)), "diverged": float(len(rows) - len(sound))}
    worst, read = {}, dict(measures)
    lead = leading(measures, means)
    if lead is not None and all(lead in row for row in sound):
        measure, values = measures[lead], [row[lead] for row in sound]
        name, worst_of = (f"{lead}_max", max) if measure.better < 0 else (f"{lead}_min", min)
        name = f"{name}_of_set" if name in means else name  # a video has a worst frame already
        says = "of the set; the other rows are means over its signals"
        worst[name], read[name] = worst_of(values), measure._replace(name=f"{measure.name}, worst signal", says=says)
    return means | worst | largest | count, read


def write_table(rows: Mapping[str, Row], path: Path) -> Path:
    """Write a line per signal with a column per metric; return the file."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["signal", *columns])
        writer.writeheader()
        writer.writerows({"signal": name, **row} for name, row in rows.items())
    return path
