"""Many signals in one run: fitted together, judged apart, and left behind as if each had been a run of its own.

Signals of one shape are trained as one batched network, in chunks that fit the memory. Every signal gets a run
directory beneath `signals/`, with a checkpoint split off the chunk's, so that `evaluate.py`, `load` and `resume` know
no difference.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from siren_pl import plots
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.images import read_image
from siren_pl.problems.pictures.judging import judge
from siren_pl.problems.pictures.judging.restorations import laid_out, measured
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.runs import build, claims, identity
from siren_pl.runs import directory as directory_of
from siren_pl.runs.job import Job
from siren_pl.runs.layer_statistics import Layers, after_training, before_training
from siren_pl.runs.result_table import report
from siren_pl.runs.results import Outcome, costs, leave, of_divergence, own_curve, say_settled
from siren_pl.training import fitting
from siren_pl.training.attempts import attempt
from siren_pl.training.callbacks import remind
from siren_pl.training.checkpoints import LAST, AtomicCheckpointIO, read_checkpoint
from siren_pl.training.meter import Meter
from siren_pl.training.module import DivergenceError, FieldModule

log = logging.getLogger(__name__)

Row = dict[str, float]
# Pairs of target and result on the contact sheet: what still fits a page.
MOST_PAIRS = 12
# What would mean nothing as a mean over signals: costs, of which the largest is kept, and marks of divergence.
_COSTS = ("steps", "points", "parameters", "wall_s", "peak_memory_mb")
_MARKS = ("diverged", "diverged_step")


def train(
    config: build.Plain,
    plans: Sequence[build.Plan],
    job: Job,
    sinks: list,
    meter: Meter,
) -> tuple[Outcome, list[Path]]:
    """Fit every signal of a set; continues where an earlier start was cut off.

    Args:
        config: The run's configuration.
        plans: One per signal.
        job: Where to write, and what to call it.
        sinks: Loggers that receive the curves.
        meter: Reads what the job has cost.
    """
    signals = [plan.signal for plan in plans]
    homes = [job.directory / "signals" / name for name in _names(signals)]
    pictures: list[Path] = []
    parts = list(chunks(plans))
    for number, part in enumerate(parts):
        place = job.directory / "checkpoints" / f"{number:03d}"
        if all(_is_done(homes[i], plans[i].settled.max_steps) for i in part):
            if (place / LAST).is_file():
                remind(read_checkpoint(place / LAST)["siren_pl"]["history"], sinks)
            continue
        module = build.module([plans[i] for i in part])
        if len(parts) > 1:
            log.info("chunk %d of %d", number + 1, len(parts))
        say_settled(module, plans[part[0]].settled)
        # All fields of a chunk begin with the same weights.
        first, wanted = plans[part[0]].signal, config["layer_statistics"]
        initial = before_training(module.fields.split()[0].network, first) if wanted else None
        try:
            fitting.run(module, build.machine(config), place, sinks, meter)
        except DivergenceError as divergence:
            log.error("every field of this chunk diverged: %s; try a lower optimizer.lr or model.omega_0.", divergence)
            # Spawned processes tell this one the last step alone.
            module.diverged = dict.fromkeys(range(len(part)), divergence.step) | module.diverged
        _leave_behind(module, [plans[i] for i in part], [homes[i] for i in part], place / LAST, meter, initial)
        if config["figures"]:
            path = job.directory / "figures" / f"curve_{number:03d}.png"
            with attempt(f"figures/{path.name}"):
                pictures.append(plots.curve(module.history, path))
    rows = {home.name: directory_of.read_metrics(home) for home in homes}
    metrics = _summed_up(rows)
    directory_of.write_metrics(job.directory, metrics)
    table = _write_table(rows, job.directory / "signals.csv")
    if config["figures"]:
        with attempt("figures/signals.png"):
            pictures.insert(0, _contact_sheet(homes, signals, job.directory / "figures" / "signals.png"))
    with attempt("the table of results"):
        report(metrics, [table, *pictures], job)
    status = directory_of.DIVERGED if metrics["diverged"] else directory_of.FINISHED
    return Outcome(status, metrics), pictures


def are_done(plans: Sequence[build.Plan], directory: Path) -> bool:
    """Whether every signal has finished with as many steps as its configuration asks for."""
    homes = [directory / "signals" / name for name in _names([plan.signal for plan in plans])]
    return all(_is_done(home, plan.settled.max_steps) for home, plan in zip(homes, plans, strict=True))


def chunks(plans: Sequence[build.Plan]) -> Iterator[list[int]]:
    """Numbers of the signals that are trained together: of one shape and type, and no more than memory holds."""
    groups: dict[Any, list[int]] = {}
    for index, plan in enumerate(plans):
        groups.setdefault((plan.signal.stored.dtype, *plan.signal.stored.shape), []).append(index)
    for group in groups.values():
        size = build.together(plans[group[0]])
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _is_done(home: Path, max_steps: int) -> bool:
    ended = directory_of.read_status(home) in (directory_of.FINISHED, directory_of.DIVERGED)
    return ended and directory_of.read_metrics(home).get("steps", 0) >= max_steps


def _names(signals: Sequence[SampledSignal]) -> list[str]:
    """A directory name per signal: its own, with its number before it where names repeat.

    Some file systems hold `A` and `a` for one.
    """
    names = [directory_of.safe_name(signal.name) for signal in signals]
    taken = [name.casefold() for name in names]
    for index, name in enumerate(names):
        unique = name
        while taken.count(unique.casefold()) > (unique == name):
            unique = f"{index:04d}_{unique}"
        names[index], taken[index] = unique, unique.casefold()
    return names


def _leave_behind(
    module: FieldModule,
    plans: Sequence[build.Plan],
    homes: Sequence[Path],
    checkpoint: Path,
    meter: Meter,
    initial: Layers | None,
) -> None:
    """Write every field of a chunk as a run directory of its own."""
    whole, devices = read_checkpoint(checkpoint), plans[0].config["trainer"]["devices"]
    own = set(module.fields.bundle.own())
    stacked = {name: name in own for name, _ in module.fields.bundle.named_parameters()}
    fields = module.fields.split()
    for index, (plan, home, field) in enumerate(zip(plans, homes, fields, strict=True)):
        claims.hand_down(checkpoint.parents[2], home, plan.config)
        identity.keep([plan], home)
        part = whole if len(homes) == 1 else split_checkpoint(whole, index, stacked)
        if all(tensor.isfinite().all() for tensor in part["state_dict"].values()):  # or the last finite one stands
            AtomicCheckpointIO().save_checkpoint(part, home / "checkpoints" / LAST)
        if index in module.diverged:
            directory_of.write_metrics(home, of_divergence(module, module.diverged[index], meter, devices, index))
            directory_of.write_status(home, directory_of.DIVERGED)
            log.error("%s diverged at step %d", home.name, module.diverged[index])
            continue
        network, strategy = field.network.float().cpu(), module.derivatives[module.fields.bundle.leading]
        judgement = judge(network, plan.problem, plan.signal, strategy, {})
        leave(judgement, home, build.baselines(plan.config), partial(costs, module, meter, devices, index))
        after_training(initial, network, plan.signal, home)
        directory_of.write_status(home, directory_of.FINISHED)


def split_checkpoint(whole: dict[str, Any], index: int, stacked: Mapping[str, bool]) -> dict[str, Any]:
    """The checkpoint that field `index` would have written alone.

    Args:
        whole: A chunk's checkpoint.
        index: Which field.
        stacked: Whether a weight has a leading axis of signals, else all share it; in the order of the optimisers'.
    """

    def part(value: Any, is_stacked: bool) -> Any:
        # A counter of steps has no axes; the running moments have those of their weights.
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
    history = list(own_curve(kept["history"], kept.get("each", []), index))
    own = kept | {"diverged": {}, "names": [kept["names"][index]], "history": history, "each": []}
    return whole | {"state_dict": state, "optimizer_states": optimizers, "siren_pl": own}


def _summed_up(rows: dict[str, Row]) -> Row:
    """Means over the signals that did not diverge, the worst PSNR, how many there are, and what the whole took."""
    sound = [row for row in rows.values() if not row.get("diverged")]
    names = dict.fromkeys(name for row in sound for name in row if name not in (*_COSTS, *_MARKS))
    means = {name: sum(row[name] for row in sound if name in row) / sum(name in row for row in sound) for name in names}
    score = next((name for name in ("psnr_mean_aligned", "psnr") if all(name in row for row in sound)), None)
    worst = {"psnr_min": min(row[score] for row in sound)} if sound and score else {}
    told = [name for name in _COSTS if all(name in row for row in rows.values())]
    largest = {name: max(row[name] for row in rows.values()) for name in told}
    return means | worst | largest | {"signals": float(len(rows)), "diverged": float(len(rows) - len(sound))}


def _write_table(rows: dict[str, Row], path: Path) -> Path:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["signal", *columns])
        writer.writeheader()
        writer.writerows({"signal": name, **row} for name, row in rows.items())
    return path


def _contact_sheet(homes: Sequence[Path], signals: Sequence[SampledSignal], path: Path) -> Path:
    """The first signals, or what was measured of them, beside their fields' pictures, as they were written."""
    pairs = []
    for home, signal in list(zip(homes, signals, strict=True))[:MOST_PAIRS]:
        picture = home / "predictions" / f"{directory_of.safe_name(signal.name)}.png"
        if picture.is_file():
            metrics = directory_of.read_metrics(home)
            psnr = metrics.get("psnr_mean_aligned", metrics.get("psnr"))
            title = signal.name if psnr is None else f"{signal.name}, {psnr:.1f} dB"
            pairs.append(figures.Pair(*_given(signal), title, read_image(picture)))
    return figures.contact_sheet(pairs, path)


def _given(signal: SampledSignal) -> tuple[str, figures.Array]:
    """What a field is shown beside: its target, or the data where that is not known."""
    if signal.known:
        return "target", to_unit(signal.values)
    return "measured", measured(signal, laid_out(signal), ())
