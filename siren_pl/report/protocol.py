"""The protocol as it was configured: what all runs share, what a sweep adds, and what it varies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from siren_pl.report.blocks import Table
from siren_pl.report.runs import Run
from siren_pl.report.settings import REPLICATE_KEYS

# Groups of the configuration that decide a result, in the order of telling, and what the document calls them.
GROUPS = {
    "task": "Task",
    "dataset": "Data",
    "model": "Network",
    "init": "Initialisation",
    "optimizer": "Optimiser",
    "trainer": "Training",
    "derivatives": "Derivatives",
    "seed": "Seed",
}
# Keys that only feed another key, which is told, or that change no number.
UNTOLD = ("model.init", "init.lr_factor", "dataset.root", "dataset.index", "trainer.progress", "trainer.memory_gb")
# What a `_target_` is told as: the last of its dotted name.
KIND = "kind"
# Values of a varying key that are listed.
LISTED = 20


def common(runs: Sequence[Run]) -> Table:
    """What all runs of the document share."""
    shared = _constant([settings_of(run) for run in runs])
    return Table(
        ("part", "settings"), tuple(_told(shared)), "Settings that all runs share; keys are those of the command line."
    )


def own(runs: Sequence[Run], everybody: Sequence[Run], swept: Sequence[str]) -> Table | None:
    """What the runs of one sweep share beyond the document's common settings, and what varies between them."""
    found = [settings_of(run) for run in runs]
    shared, before = _constant(found), _constant([settings_of(run) for run in everybody])
    rows = list(_told({key: value for key, value in shared.items() if key not in before}))
    varying = [key for key in dict.fromkeys(key for each in found for key in each) if key not in shared]
    for key in varying:
        values = list(dict.fromkeys(each[key] for each in found if key in each))
        more = f", and {len(values) - LISTED} more" if len(values) > LISTED else ""
        is_replicate = key in REPLICATE_KEYS and (key in swept or key != "dataset")
        why = "replicates" if is_replicate else "swept" if key in swept else "follows"
        rows.append((f"{key} ({why})", ", ".join(values[:LISTED]) + more))
    if not rows:
        return None
    return Table(
        ("part", "settings"), tuple(rows), "Settings of this comparison: what it keeps, sweeps, and what follows."
    )


def settings_of(run: Run) -> dict[str, str]:
    """Every setting that decides a run's result, by its key on the command line; every `auto` as it was settled."""
    told = dict(_flat("", {name: run.config[name] for name in GROUPS if name in run.config}))
    for group in ("task", "dataset", "model"):
        told[group] = run.value(group)
    if "dataset.index" in run.overrides or run.config.get("dataset", {}).get("index") is not None:
        told["dataset.index"] = run.value("dataset.index")
    autos = {"trainer.max_steps": run.metrics.get("steps")} if not run.diverged else {}
    if settled := run.settled:
        autos |= {f"model.{key}": value for key, value in settled.network.items() if isinstance(value, (int, float))}
        autos["optimizer.lr"] = settled.lr / run.config["optimizer"]["factor"]
        told |= {f"init.{key}": settled.init[key] for key in ("first", "hidden")}
    told |= {key: f"{value:.4g} (auto)" for key, value in autos.items() if told.get(key) == "auto" and value}
    if "parameters" in run.metrics:
        told["model.parameters"] = f"{run.metrics['parameters']:,.0f}"
    return told


def _flat(prefix: str, node: Mapping) -> Iterator[tuple[str, str]]:
    """Dotted keys and their values as text; what is null is off and not told."""
    for name, value in node.items():
        key = f"{prefix}{name}"
        if key in UNTOLD or name == "rules" or value is None:
            continue
        if name == "_target_":
            yield f"{prefix}{KIND}", str(value).rpartition(".")[2]
        elif prefix and isinstance(value, dict) and "_target_" in value:
            # Made of the keys beside it. What is made for a task, a dataset or a model is said by their names.
            yield from _flat(prefix, {"_target_": value["_target_"]} if name == "make" else {})
        elif isinstance(value, dict):
            yield from _flat(f"{key}.", value)
        else:
            yield key, f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')


def _constant(found: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The settings that are the same in all runs."""
    return {key: value for key, value in found[0].items() if all(each.get(key) == value for each in found)}


def _told(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A row per group of settings: its name first where it has one, then key and value."""
    for group, title in GROUPS.items():
        named = [settings[group]] if group in settings else []
        own = {key.partition(".")[2]: value for key, value in settings.items() if key.startswith(f"{group}.")}
        kind = [own.pop(KIND)] if KIND in own else []
        inside = [*kind, *(f"{key} {value}" for key, value in own.items())]
        if named or inside:
            yield title, "; ".join([*named, *inside])
