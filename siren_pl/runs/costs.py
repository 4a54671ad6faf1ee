"""What a fit is about to do and what it has cost: its settings, curve, steps, time and memory."""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from siren_pl.runs.autos import Settled
from siren_pl.runs.meter import Meter
from siren_pl.training.module import FieldModule

log = logging.getLogger(__name__)

Curve = Sequence[Mapping[str, float]]


# A network that falls short of its parameter budget by a larger fraction is reported.
BUDGET_TOLERANCE = 0.02


def say_settled(module: FieldModule, settled: Settled) -> None:
    """Log what each `auto` was settled to, so that nobody has to guess."""
    recipe, problems = module.recipe, module.fields.problems
    points = "all points" if recipe.batch_size is None else f"{recipe.batch_size} points"
    omega = settled.leading.network.get("omega_0")
    log.info(
        "%s: %s (%d measurements, %d channels), %d parameters%s, %d steps of %s, learning rate %.2g",
        problems[0].name,
        problems[0].data if len(problems) == 1 else f"{len(problems)} signals",
        problems[0].domain.measurements,
        problems[0].domain.out_features,
        _parameters(module),
        "" if omega is None else f", omega_0 {omega:.3g}",
        recipe.max_steps,
        points,
        settled.leading.lr,
    )
    budgets = [each.parameters for each in settled.fields.values()]
    budget = None if None in budgets else sum(filter(None, budgets))
    if budget is not None and _parameters(module) < (1 - BUDGET_TOLERANCE) * budget:
        log.warning("model.parameters=%d: the nearest network below it has %d", budget, _parameters(module))


def costs(module: FieldModule, meter: Meter, devices: int, index: int = 0) -> dict[str, float]:
    """The cost of one field (`steps`, `points`, `parameters`, its own curve) and the whole job's time and memory."""
    recipe, observed = module.recipe, module.fields.problem.domain.measurements
    points = min(recipe.batch_size * devices if recipe.batch_size else observed, observed)
    return {
        **of_curve(own_curve(module.history, module.losses_by_signal, index)),
        "steps": float(module.steps_done),
        "points": float(module.steps_done * points),
        "parameters": float(_parameters(module)),
        **meter.readings(),
        "diverged": float(index in module.diverged),
    }


def own_curve(history: Curve, each: Sequence[Sequence[float]], index: int) -> Curve:
    """One field's curve: its own losses if several were trained together, else the whole history."""
    return [{"step": row[0], "train/loss": row[1 + index]} for row in each] if each else history


# The final training loss is averaged over this last share of the curve, to even out the noise of the batches.
LAST_SHARE = 0.1
# A spike is a logged loss above SPIKE_RATIO times the median of the SPIKE_ROWS rows before it, far above batch noise.
SPIKE_RATIO, SPIKE_ROWS = 10.0, 10


def of_curve(history: Curve) -> dict[str, float]:
    """`train_loss`, the mean over the last tenth of the logged curve, and `spikes`; empty without a curve."""
    losses = _losses(history)
    if not losses:
        return {}
    last = losses[-max(1, round(LAST_SHARE * len(losses))) :]
    return {"train_loss": sum(last) / len(last), "spikes": float(spikes(history))}


def spikes(history: Curve) -> int:
    """How often the logged training loss leapt up; adjacent rows of one leap count once."""
    losses = _losses(history)
    leaps = [
        losses[i] > SPIKE_RATIO * statistics.median(losses[max(0, i - SPIKE_ROWS) : i]) for i in range(1, len(losses))
    ]
    return sum(now and not before for before, now in pairwise([False, *leaps]))


def _losses(history: Curve) -> list[float]:
    return [row["train/loss"] for row in history if math.isfinite(row.get("train/loss", math.nan))]


def _parameters(module: FieldModule) -> int:
    """Number of weights of one field."""
    return sum(parameter.numel() for parameter in module.fields.bundle.parameters()) // len(module.fields.problems)


def of_divergence(module: FieldModule, index: int = 0) -> dict[str, float]:
    """For a field whose loss became infinite: the step where it did, and the last finite numbers before it."""
    seen: dict[str, float] = {}
    for row in own_curve(module.history, module.losses_by_signal, index):
        seen |= {name.removeprefix("eval/"): value for name, value in row.items() if math.isfinite(value)}
    seen.pop("step", None)
    return {"diverged_step": float(module.diverged[index]), **seen}
