"""Every `auto` of a configuration is settled once, from the domains of the fields that are sought.

How a network adapts to its domain (omega_0, bandwidths, tiles) is a rule that lives with the network and is named in
its YAML. The rules of a run (batch, steps, rates) live here.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from siren_pl.errors import UserError
from siren_pl.field.domain import Domain
from siren_pl.runs.create import Plain, child, create, network
from siren_pl.runs.names import find
from siren_pl.runs.rules import AUTO
from siren_pl.training.pieces import MOST_SHARED_POINTS, POINTS_PER_NETWORK

# The upper limit of `trainer.max_steps=auto`, however many samples a signal has.
MOST_STEPS = 20_000
# `batch_size=auto` of one network: large enough that matrix products dominate the cost of a step.
LEAST_BATCH = 2048
# How often the sizing option is doubled, starting from one, before a budget counts as out of reach.
MOST_DOUBLINGS = 24


@dataclass(frozen=True)
class SettledField:
    """The settled options of one field.

    Attributes:
        network: Arguments of the network's constructor.
        init: The initialisation schemes and their arguments.
        lr: Its peak learning rate.
        parameters: The budget that the network was sized to; None if there was none.
    """

    network: Plain
    init: Plain
    lr: float
    parameters: int | None


@dataclass(frozen=True)
class Settled:
    """The value that every `auto` of a configuration was settled to.

    Attributes:
        fields: Settled options by field name; the first field leads.
        batch_size: Points per step; None for all of them.
        max_steps: Optimiser steps.
    """

    fields: Mapping[str, SettledField]
    batch_size: int | None
    max_steps: int

    @property
    def leading(self) -> SettledField:
        """The options of the leading field."""
        return next(iter(self.fields.values()))


def settle(config: Plain, domains: Mapping[str, Domain]) -> Settled:
    """Settle a configuration.

    Args:
        config: The configuration, plain, resolved and validated.
        domains: Domains of the sought fields by name. The first field's network is `model`, another's
            `fields.<name>.model`.

    Raises:
        UserError: A field has no model, an `auto` no rule, or a budget of parameters is too small.
    """
    (first, domain), *_ = domains.items()
    fields = {name: _field(config, name, own, name == first) for name, own in domains.items()}
    options = fields[first].network
    batch = config["dataset"].get("batch_size", config["recipe"]["batch_size"])
    batch_size = None if batch == "full" else _batch(options, domain) if batch == AUTO else int(batch)
    steps = config["trainer"]["max_steps"]
    if steps == AUTO:
        points = batch_size * config["trainer"]["devices"] if batch_size else domain.measurements
        passes = config["recipe"]["passes"] * options.get("members", 1) * domain.measurements / points
        steps = min(max(math.ceil(passes), config["recipe"]["fewest_steps"]), MOST_STEPS)
    return Settled(fields, batch_size, int(steps))


def _field(config: Plain, name: str, domain: Domain, leads: bool) -> SettledField:
    place = "model" if leads else f"fields.{name}.model"
    model = config["model"] if leads else config.get("fields", {}).get(name, {}).get("model")
    if model is None:
        raise UserError(
            f"this task looks for a field {name} too, and nothing says by which network: add "
            f"/model@fields.{name}.model: siren to the defaults of the task's file."
        )
    values = _values(model, domain, place)
    # `init` belongs to the leading network; the others start from their own schemes.
    own = dict.fromkeys(("first", "hidden")) | {"divide_by_omega": False, "lr_factor": 1.0}
    init = config["init"] if leads else config["init"] | own
    init = init | {key: init[key] or model.get("init", "siren") for key in ("first", "hidden")}
    options, budget = _filled(child(model, "network", place), values), model.get("parameters")
    if budget is not None:
        key = model.get("sized_by", "hidden_features")
        sizes = [name for name, value in options.items() if isinstance(value, int) and not isinstance(value, bool)]
        if key not in sizes:
            raise UserError(f"{place}.sized_by={key} is no size of this network: choose among {', '.join(sizes)}.")
        description = json.dumps({"network": options, "init": init, "seed": config["seed"], "place": place})
        options = options | {key: _largest(description, key, domain, budget)}
    lr = config["optimizer"]["lr"]
    rate = _rate(model, values, config["recipe"]["lr"] * init["lr_factor"]) if lr == AUTO else lr
    return SettledField(options, init, rate * config["optimizer"]["factor"], budget)


def _values(model: Plain, domain: Domain, place: str) -> Plain:
    """The settled value of every `auto` of a model, by its key."""
    rules, found = model.get("rules") or {}, {}
    for key in (key for key, value in model.items() if value == AUTO):
        if AUTO not in rules.get(key, {}):
            raise UserError(f"{place}.{key}=auto has no rule: {place}.rules.{key}.auto names one.")
        found[key] = find(rules[key][AUTO], f"{place}.rules.{key}.{AUTO}")(domain)
    return found


def _filled(options: Plain, values: Plain) -> Plain:
    """A child's options, with each `auto` replaced by the settled value of the key of the same name."""
    return {key: values.get(key, value) if value == AUTO else value for key, value in options.items()}


def _rate(model: Plain, values: Plain, rate: float) -> float:
    """`optimizer.lr=auto`: the rate times the model's factor, passed through the model's own rule if it has one."""
    rate = rate * model.get("lr_factor", 1.0)
    return create(_filled(model["rate"], values), rate) if "rate" in model else rate


def _batch(options: Plain, domain: Domain) -> int:
    """`batch_size=auto`: what one network needs, or a share for each of the many networks that cover the picture.

    A long picture leaves part of the square of tiles empty; only the part that it fills is counted.
    """
    filled = math.prod(domain.extent) / max(domain.extent) ** domain.in_features
    networks = options.get("members", 1) * options.get("tiles", 1) ** domain.in_features * filled
    return min(max(LEAST_BATCH, round(POINTS_PER_NETWORK * networks)), MOST_SHARED_POINTS)


# A set asks once per signal, and each answer builds some twenty networks.
@functools.lru_cache
def _largest(description: str, key: str, domain: Domain, budget: int) -> int:
    """The largest value of a network's option that stays within the budget, found by bisection."""
    given = json.loads(description)

    @functools.cache
    def parameters(size: int) -> int:
        built = network(given["network"] | {key: size}, given["init"], domain, given["seed"])
        return sum(parameter.numel() for parameter in built.parameters())

    if parameters(1) > budget:
        place = given["place"]
        raise UserError(
            f"{place}.parameters={budget} is less than the {parameters(1)} of the smallest such network "
            f"({place}.{key}=1): raise it, or lower {place}.hidden_layers."
        )
    high = next((2**n for n in range(MOST_DOUBLINGS) if parameters(2**n) > budget), 2**MOST_DOUBLINGS)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters(middle) <= budget else (low, middle)
    return low
