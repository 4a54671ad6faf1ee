"""Builds what is fitted from a configuration: the data, the task's problem, the networks, the module."""

from __future__ import annotations

import functools
import logging
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import nn

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutoDerivatives, AutogradDerivatives, Derivatives
from siren_pl.field.domain import Domain
from siren_pl.field.networks.bundle import Bundle
from siren_pl.runs.autos import Settled, settle
from siren_pl.runs.create import Plain, child, create, create_from, network
from siren_pl.runs.create import plain as plain  # noqa: PLC0414 - callers find everything that builds here
from siren_pl.runs.line_search import line_search, require_one_signal
from siren_pl.runs.loggers import Histograms
from siren_pl.runs.names import find
from siren_pl.runs.rules import AUTO
from siren_pl.training.compilation import REFERENCE_PARAMETERS, Compilation
from siren_pl.training.fields import merge
from siren_pl.training.fitting import Machine
from siren_pl.training.module import FieldModule
from siren_pl.training.own_module import module_of
from siren_pl.training.problem import Problem
from siren_pl.training.recipe import Phase, Recipe
from siren_pl.training.schedules import Cosine, constant

log = logging.getLogger(__name__)

# A step keeps three numbers per unit of a layer at each point (linear map, activation, gradient), in float32.
NUMBERS_KEPT, BYTES_PER_NUMBER = 3, 4
# Fraction of the steps, from the first, that round wide products to bfloat16. Everything else is done in float32, which
# is therefore what Lightning is told: its autocast would round targets, losses and their gradients too.
ROUNDED = {"bf16-mixed": 1.0, "bf16-then-32": 0.75}


@dataclass(frozen=True)
class Plan:
    """What will be done for one signal.

    Attributes:
        config: The signal's configuration, plain, resolved and validated.
        problem: The problem that the task makes of the signal's data.
    """

    config: Plain
    problem: Problem

    @cached_property
    def settled(self) -> Settled:
        """The values that every `auto` was settled to."""
        return settle(self.config, self.problem.fields)


def plan(config: Plain, data: Any = None) -> Plan:
    """Read a configuration's data, unless they are given, and let its task make the problem."""
    return Plan(config, problem(config, signal(config) if data is None else data))


def signal(config: Plain) -> Any:
    """The data that `dataset` describes."""
    return create(child(config["dataset"], "signal", "dataset"))


def problem(config: Plain, data: Any) -> Problem:
    """The problem that the task makes of the data."""
    return create_from(child(config["task"], "problem", "task"), data)


def members(config: Plain) -> list[Plain] | None:
    """A complete configuration for each signal if `dataset.index` asks for several; None if it asks for one."""
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
    dataset = {key: value for key, value in config["dataset"].items() if key != "members"} | {"index": number}
    return from_place(config | {"dataset": dataset}, number)


def from_place(config: Plain, place: Any) -> Plain:
    """The configuration with which a set's source reads the signal with this number, or at this place."""
    dataset = config["dataset"]
    signal = dataset["signal"] | {"source": dataset["signal"]["source"] | {"index": place}}
    return config | {"dataset": dataset | {"signal": signal}}


def bundle(
    config: Plain, settled: Settled, domains: Mapping[str, Domain], numbers: Mapping[str, float] | None = None
) -> Bundle:
    """A network for every field, and the unknown numbers that are fitted with them."""
    given = {name: (each.network, each.init, domains[name]) for name, each in settled.fields.items()}
    return Bundle({name: network(*each, config["seed"]) for name, each in given.items()}, numbers)


def derivatives(config: Plain, out_features: int) -> Derivatives:
    """The strategy that `derivatives` names."""
    options = dict(config["derivatives"])
    if find(options["_target_"], "derivatives._target_") is AutoDerivatives:
        options["out_features"] = out_features
    return create(options)


def strategies(config: Plain, domains: Mapping[str, Domain]) -> dict[str, Derivatives]:
    """The strategy by which each field is differentiated."""
    return {name: derivatives(config, domain.out_features) for name, domain in domains.items()}


def recipe(given: Plan) -> Recipe:
    """Steps, batches and optimiser."""
    config, settled = given.config, given.settled
    options = config["optimizer"]
    schedules = {"constant": constant, "cosine": Cosine(options["warmup"], options["final"])}
    make = functools.partial(create, child(options, "make", "optimizer") | {"lr": settled.leading.lr})
    rates = {name: each.lr for name, each in settled.fields.items()} if len(settled.fields) > 1 else {}
    last = config["recipe"].get("lbfgs", 0.0)
    phases = (Phase(make, schedules[options["schedule"]], 1 - last, rates=rates),) if last < 1 else ()
    if last:
        phases += (Phase(line_search, constant, last, fixed_batch=True),)
    return Recipe(
        max_steps=settled.max_steps,
        batch_size=settled.batch_size,
        phases=phases,
        clip=options["clip"],
        seed=config["seed"],
        evaluations=config["trainer"]["evaluations"],
        rounded=ROUNDED.get(config["trainer"]["precision"], 0.0),
    )


def module(plans: Sequence[Plan]) -> FieldModule:
    """The module that is fitted, with fields for each signal, all initialised from the same seed.

    Args:
        plans: One plan per signal; they differ only in the signal.
    """
    config, settled, first = plans[0].config, plans[0].settled, plans[0].problem
    bundles = [bundle(config, settled, first.fields, first.numbers) for _ in plans]
    highest = min(field.highest_order for field in bundles[0].named_fields().values())
    if first.order > highest:
        raise UserError(
            f"task {first.name} needs derivatives of order {first.order}, and this model has them up to order "
            f"{highest}: choose another model, such as model=siren."
        )
    require_one_signal(config["recipe"].get("lbfgs", 0.0), len(plans))
    steps = recipe(plans[0])
    parameters = sum(parameter.numel() for parameter in bundles[0].parameters())
    work = len(plans) * steps.max_steps * _points(plans[0]) * _streams(first)
    means = strategies(config, first.fields)
    wanted = _compile(config["compile"], bundles[0], first, means)
    compilation = Compilation(wanted, work * math.sqrt(parameters / REFERENCE_PARAMETERS))
    again = functools.partial(_module_again, [each.config for each in plans])
    return module_of(merge(bundles, [each.problem for each in plans]), means, steps, compilation, again)


def _module_again(configs: list[Plain]) -> FieldModule:
    """The same module in another process, which reads the signals again."""
    return module([plan(config) for config in configs])


def _points(given: Plan) -> int:
    """Points per step and field."""
    return min(given.settled.batch_size or sys.maxsize, given.problem.domain.measurements)


def _streams(asked: Problem) -> int:
    """Number of streams in the largest jet that the terms ask for: value, first and second derivatives."""
    return 1 + asked.order * asked.domain.in_features


def _compile(said: bool | str, fields: Bundle, asked: Problem, strategies: Mapping[str, Derivatives]) -> bool | None:
    """Whether the loss is compiled; None lets the length of the run decide."""
    wanted = None if said == AUTO else bool(said)
    if not asked.compilable:
        if wanted:
            raise UserError(f"compile=true cannot compile a term of {asked.name}: choose compile=auto.")
        log.info("%s has a term that cannot be compiled: the loss runs eagerly", asked.name)
        return False
    if not fields.fixed_shapes:
        if wanted:
            raise UserError(
                "compile=true cannot compile this model, which sorts every batch's points by tile: choose "
                "compile=auto, or model.tiles=1 with model.members=1."
            )
        return False
    if not any(isinstance(strategy, AutogradDerivatives) for strategy in strategies.values()):
        return wanted
    if wanted:
        raise UserError("compile=true cannot compile nested autograd: choose derivatives=auto, or compile=auto.")
    return False


def together(given: Plan) -> int:
    """How many signals like this one are trained at once: as many as fit into `trainer.memory_gb`.

    They are trained one after the other if the network or a term cannot be mapped over many.
    """
    fields = bundle(given.config, given.settled, given.problem.fields)
    if not (fields.fixed_shapes and given.problem.mappable):
        return 1
    widths = sum(layer.out_features for layer in fields.modules() if isinstance(layer, nn.Linear))
    numbers = _points(given) * _streams(given.problem) * widths
    return max(1, int(given.config["trainer"]["memory_gb"] * 1e9 / (numbers * NUMBERS_KEPT * BYTES_PER_NUMBER)))


def machine(config: Plain) -> Machine:
    """Where the fit runs, and what it shows besides its curve."""
    options = config["trainer"]
    names = ("accelerator", "devices", "strategy", "tf32", "progress")
    precision = "32-true" if options["precision"] in ROUNDED else options["precision"]
    callbacks = (Histograms(),) if config["logger"].get("histograms") else ()
    return Machine(**{name: options[name] for name in names}, precision=precision, callbacks=callbacks)


def rivals(given: Plan) -> dict[str, Callable[[], Any]]:
    """The classical methods that are judged beside the field: the configuration's and the problem's own."""
    problem = given.problem
    if not problem.judge.takes_rivals:
        return {}
    named = given.config["baselines"].items()
    return {name: functools.partial(create, options, problem.given) for name, options in named} | {**problem.baselines}
