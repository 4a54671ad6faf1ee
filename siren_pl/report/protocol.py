"""The protocol of the runs: the settings that all runs share, those that a sweep adds, and those that it varies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from siren_pl.report.blocks import Table
from siren_pl.report.runs import Run
from siren_pl.report.settings import REPLICATE_KEYS

# Groups of the configuration that affect a result, in the document's order, with their names there.
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
# Keys that are not listed, since they only set another key, which is listed, or change no number.
UNTOLD = ("model.init", "init.lr_factor", "dataset.root", "dataset.index", "trainer.progress", "trainer.memory_gb")
# The key for a `_target_`, whose value is the last part of its dotted name.
KIND = "kind"
# Most values of a varying key to list.
LISTED = 20


def common(runs: Sequence[Run]) -> Table:
    """The settings that all runs of the document share."""
    shared = _constant([settings_of(run) for run in runs])
    return Table(
        ("part", "settings"), tuple(_told(shared)), "Settings that all runs share; keys are those of the command line."
    )


def own(runs: Sequence[Run], everybody: Sequence[Run], swept: Sequence[str]) -> Table | None:
    """The settings that one sweep's runs share beyond the document's common ones, and those that vary between them."""
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
    """Every setting that affects a run's result, by its key on the command line; each `auto` as it was settled."""
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
    """Yield dotted keys and their values as text, except null values, which mean off."""
    for name, value in node.items():
        key = f"{prefix}{name}"
        if key in UNTOLD or name == "rules" or value is None:
            continue
        if name == "_target_":
            yield f"{prefix}{KIND}", str(value).rpartition(".")[2]
        elif prefix and isinstance(value, dict) and "_target_" in value:
            # This child is made from the keys next to it; those of tasks, datasets and models are known by name.
            yield from _flat(prefix, {"_target_": value["_target_"]} if name == "make" else {})
        elif isinstance(value, dict):
            yield from _flat(f"{key}.", value)
        else:
            yield key, f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')


def _constant(found: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The settings that are the same in all runs."""
    return {key: value for key, value in found[0].items() if all(each.get(key) == value for each in found)}


def _told(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield a row per setting or group: its name if it has one, then keys and values."""
    for group, title in GROUPS.items():
        named = [settings[group]] if group in settings else []
        own = {key.partition(".")[2]: value for key, value in settings.items() if key.startswith(f"{group}.")}
        kind = [own.pop(KIND)] if KIND in own else []
        inside = [*kind, *(f"{key} {value}" for key, value in own.items())]
        if named or inside:
            yield title, "; ".join([*named, *inside])
