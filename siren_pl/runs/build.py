"""From a configuration to objects: the only place below the commands that reads one."""

from __future__ import annotations

import functools
import logging
import math
import sys
from collections.abc import Callable, Sequence

from hydra.utils import get_object
from torch import Tensor, nn

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutoDerivatives, Derivatives
from siren_pl.field.domain import Domain
from siren_pl.field.networks.bundle import Bundle
from siren_pl.problems.pictures.rivals.enlargement import usable
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.observations import Downsampling
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.runs.models import Plain, auto_lr, create, network, settled_model
from siren_pl.runs.models import plain as plain  # noqa: PLC0414 - callers find all of it here
from siren_pl.training.compilation import REFERENCE_PARAMETERS, Compilation
from siren_pl.training.fields import merge
from siren_pl.training.fitting import Machine
from siren_pl.training.histograms import Histograms
from siren_pl.training.module import FieldModule
from siren_pl.training.pieces import MOST_SHARED_POINTS, POINTS_PER_NETWORK
from siren_pl.training.problem import Problem
from siren_pl.training.recipe import Phase, Recipe
from siren_pl.training.schedules import Constant, Cosine

log = logging.getLogger(__name__)

Baseline = Callable[[SampledSignal], Tensor | None]

# Keys of a dataset that its source reads by interpolation, or that concern training; not options of the signal.
_NOT_OF_THE_SIGNAL = ("path", "root", "index", "members", "batch_size")
# Keys of a task that say how to train for it.
_NOT_OF_THE_TASK = ("batch_size", "lr", "clip", "members", "passes", "fewest_steps")
# And those that say what is measured of a picture, which `dataset.observation` reads.
_OF_THE_OBSERVATION = ("scale", "kernel", "blur", "noise", "sigma", "mask", "keep", "damage", "degrade", "reference")
# The same for what pictures are composed of, which `dataset.edit` reads where there is one.
_OF_THE_EDIT = ("sources", "weights", "mixed", "offset")
# `trainer.max_steps=auto` ends here, however many samples a signal has.
MOST_STEPS = 20_000
# `batch_size=auto` of one network: the cost of a step is then that of its matrix products.
LEAST_BATCH = 2048
# What a step keeps of a layer at each point: its linear map, its activation, a gradient; in float32.
NUMBERS_KEPT, BYTES_PER_NUMBER = 3, 4


def signal(config: Plain) -> SampledSignal:
    """The ground truth that `dataset` describes."""
    options = {key: value for key, value in config["dataset"].items() if key not in _NOT_OF_THE_SIGNAL}
    options["grid"] = {"centres": PixelCentres, "corners": PixelCorners}[options["grid"]]()
    return create(options, seed=config["seed"])


def problem(config: Plain, data: SampledSignal) -> Problem:
    """What the task makes of the data."""
    others = _NOT_OF_THE_TASK + _OF_THE_OBSERVATION + (_OF_THE_EDIT if config["dataset"].get("edit") else ())
    return create({key: value for key, value in config["task"].items() if key not in others}, data)


def derivatives(config: Plain, out_features: int) -> Derivatives:
    """The strategy that `derivatives` names."""
    options = dict(config["derivatives"])
    if get_object(options["_target_"]) is AutoDerivatives:
        options["out_features"] = out_features
    return create(options)


def settled(config: Plain, domain: Domain) -> Plain:
    """What every `auto` comes to for this domain: `model`, `lr`, `batch_size` (None for all) and `max_steps`.

    `parameters` is the budget that the model was sized to; None where there was none.
    """
    observed, model = domain.measurements, settled_model(config, domain)
    batch = config["dataset"]["batch_size"]
    batch_size = None if batch == "full" else _auto_batch(model, domain) if batch == "auto" else int(batch)
    steps = config["trainer"]["max_steps"]
    if steps == "auto":
        points = batch_size * config["trainer"]["devices"] if batch_size else observed
        passes = config["task"]["passes"] * model.get("members", 1) * observed / points
        steps = min(max(math.ceil(passes), config["task"]["fewest_steps"]), MOST_STEPS)
    lr = config["optimizer"]["lr"]
    return {
        "model": model,
        "lr": (auto_lr(config, domain) if lr == "auto" else lr) * config["optimizer"]["factor"],
        "batch_size": batch_size,
        "max_steps": int(steps),
        "parameters": config["model"].get("parameters"),
    }


def _auto_batch(model: Plain, domain: Domain) -> int:
    """`batch_size=auto`: what one network needs, or a share for each of many that cover the picture.

    A square of tiles of which a long picture leaves some empty counts by the part that it fills.
    """
    filled = math.prod(domain.extent) / max(domain.extent) ** domain.in_features
    networks = model.get("members", 1) * model.get("tiles", 1) ** domain.in_features * filled
    return min(max(LEAST_BATCH, round(POINTS_PER_NETWORK * networks)), MOST_SHARED_POINTS)


def recipe(config: Plain, domain: Domain) -> Recipe:
    """Steps, batches and optimiser."""
    chosen = settled(config, domain)
    options = config["optimizer"] | {"lr": chosen["lr"]}
    schedules = {"constant": Constant(), "cosine": Cosine(options.pop("warmup"), options.pop("final", 0.0))}
    schedule = schedules[options.pop("schedule")]
    clip = options.pop("clip")
    del options["factor"]  # is in the rate already
    return Recipe(
        max_steps=chosen["max_steps"],
        batch_size=chosen["batch_size"],
        phases=(Phase(functools.partial(create, options), schedule),),
        clip=clip,
        seed=config["seed"],
        evaluations=config["trainer"]["evaluations"],
    )


def members(config: Plain) -> list[Plain] | None:
    """A configuration per signal, each complete, where `dataset.index` asks for several; None where for one."""
    index = config["dataset"].get("index")
    if not is_set(config):
        return None
    numbers = create(config["dataset"]["members"]) if index == "all" else list(index)
    if not numbers:
        raise UserError("dataset.index=[] names no signal: give numbers, or all.")
    return [at_index(config, number) for number in numbers]


def is_set(config: Plain) -> bool:
    """Whether `dataset.index` asks for several signals."""
    index = config["dataset"].get("index")
    return index == "all" or isinstance(index, (list, tuple))


def at_index(config: Plain, number: int) -> Plain:
    """The configuration of one signal of a set."""
    dataset = {key: value for key, value in config["dataset"].items() if key != "members"}
    dataset |= {"index": number, "source": dataset["source"] | {"index": number}}
    return config | {"dataset": dataset}


def module(configs: Sequence[Plain], signals: Sequence[SampledSignal]) -> FieldModule:
    """Everything that is fitted, ready to run: fields per signal, all from the same seed.

    Args:
        configs: A whole configuration per signal; they differ in the signal alone.
        signals: Ground truths of one shape.
    """
    problems = [problem(config, data) for config, data in zip(configs, signals, strict=True)]
    config, first = configs[0], problems[0]
    bundles = [Bundle({name: network(config, domain) for name, domain in first.fields.items()}) for _ in problems]
    highest = min(field.highest_order for field in bundles[0].named_fields().values())
    if first.order > highest:
        raise UserError(
            f"task {first.name} needs derivatives of order {first.order}, and this model has them up to order "
            f"{highest}: choose another model, such as model=siren."
        )
    _require_reference(config, signals[0])
    steps = recipe(config, first.domain)
    parameters = sum(parameter.numel() for parameter in bundles[0].parameters())
    work = len(problems) * steps.max_steps * _points(steps, first.domain) * _streams(first)
    compilation = Compilation(_compile(config, bundles[0], first), work * parameters / REFERENCE_PARAMETERS)
    strategies = {name: derivatives(config, domain.out_features) for name, domain in first.fields.items()}
    again = functools.partial(_module_again, list(configs))
    return FieldModule(merge(bundles, problems), strategies, steps, compilation, again)


def _require_reference(config: Plain, ground_truth: SampledSignal) -> None:
    """Refuse weights of a rival that cannot be used before the fit, not after it."""
    weights, operator = config["task"].get("reference"), ground_truth.observation.linear
    if weights is not None and isinstance(operator, Downsampling):
        usable(weights, operator)


def _module_again(configs: list[Plain]) -> FieldModule:
    """The same module in another process, its signals read again."""
    return module(configs, [signal(config) for config in configs])


def _points(steps: Recipe, domain: Domain) -> int:
    """Points per step and field."""
    return min(steps.batch_size or sys.maxsize, domain.measurements)


def _streams(asked: Problem) -> int:
    """Streams of the largest jet that the terms ask for: the value, its slopes, its second derivatives."""
    return 1 + asked.order * asked.domain.in_features


def _compile(config: Plain, bundle: Bundle, asked: Problem) -> bool | None:
    wanted = {"auto": None, True: True, False: False}[config["compile"]]
    if not asked.compilable:
        if wanted:
            raise UserError(f"compile=true cannot compile a term of {asked.name}: choose compile=auto.")
        log.info("%s has a term that cannot be compiled: the loss runs eagerly", asked.name)
        return False
    if not bundle.fixed_shapes:
        if wanted:
            raise UserError(
                "compile=true cannot compile this model, which sorts every batch's points by tile: choose "
                "compile=auto, or model.tiles=1 with model.members=1."
            )
        return False
    if "Autograd" not in config["derivatives"]["_target_"]:
        return wanted
    if wanted:
        raise UserError("compile=true cannot compile nested autograd: choose derivatives=auto, or compile=auto.")
    return False


def together(config: Plain, ground_truth: SampledSignal) -> int:
    """How many signals like this one are trained at once: as many as `trainer.memory_gb` holds.

    One after the other where the network, or a term, cannot be mapped over many.
    """
    asked = problem(config, ground_truth)
    field = network(config, asked.domain)
    if not (field.fixed_shapes and asked.mappable):
        return 1
    widths = sum(layer.out_features for layer in field.modules() if isinstance(layer, nn.Linear))
    numbers = _points(recipe(config, asked.domain), asked.domain) * _streams(asked) * widths
    return max(1, int(config["trainer"]["memory_gb"] * 1e9 / (numbers * NUMBERS_KEPT * BYTES_PER_NUMBER)))


def machine(config: Plain) -> Machine:
    """Where the fit runs, and what it shows of itself beside its curve."""
    options = config["trainer"]
    names = ("accelerator", "devices", "strategy", "precision", "tf32", "progress")
    callbacks = (Histograms(),) if config["logger"].get("histograms") else ()
    return Machine(**{name: options[name] for name in names}, callbacks=callbacks)


def baselines(config: Plain) -> dict[str, Baseline]:
    """The classical methods to be judged beside the field."""
    return {name: functools.partial(create, options) for name, options in config["baselines"].items()}
