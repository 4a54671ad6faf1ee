"""From `model` and `init` to a network: every `auto` settled by the signal, the size by a budget of parameters."""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from siren_pl.errors import UserError
from siren_pl.field import inits
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.networks import CoordinateNetwork, nyquist_octaves
from siren_pl.field.networks.tiles import share

Plain = dict[str, Any]

# The paper's omega_0, and the samples along an axis of the images that it was found on.
REFERENCE_OMEGA, REFERENCE_SAMPLES = 30.0, 256.0
# Below this the sines of the first layer are lines over the whole domain, and tell each other little. Ten photographs
# of 32 pixels a side, every other one seen: 23.4 dB held out with 1, 23.5 with 1.9, 23.9 with 3, 24.1 with 4.5.
LEAST_OMEGA = 4.5
# Samples along a tile: what a SIREN of width 128, a quarter as dear a point as one of width 256, can hold.
TILE_SAMPLES = 64.0


def tiles_for(measured: float, samples: float) -> int:
    """`model.tiles=auto`: between the tiles that the measured samples fill and those that the wanted detail fills.

    The two differ where a picture is enlarged. Twice (monarch, 256²): 31.5 dB with four, 31.0 with two. Four times
    (baby, 512²): 32.8 dB with eight, 33.1 with four.
    """
    return max(1, round(math.sqrt(measured * samples) / TILE_SAMPLES))


# Options of a model that `auto` settles from the number n of observed samples along the longest axis [-1, 1].
AUTO: dict[str, Callable[[float], float | int]] = {
    # A wave can hold frequencies far above what the samples determine; this keeps a network from inventing detail.
    "omega_0": lambda n: max(REFERENCE_OMEGA * n / REFERENCE_SAMPLES, LEAST_OMEGA),
    "num_frequencies": nyquist_octaves,
    # Tancik et al. found 10 cycles across an image of which 256 samples were seen.
    "deviation": lambda n: 10.0 * n / REFERENCE_SAMPLES,
    # Measured on a photograph of 86 samples an axis, where 0.1 was best of 0.05 … 0.5; a length goes with 1 / n.
    "bell_width": lambda n: 8.6 / n,
    "input_scale": lambda n: n,  # Fathony et al.: 256 for 256 samples
    "bandwidth": lambda n: n / 2,  # Nyquist's, in cycles
    "finest": lambda n: n,  # a grid line per sample
    "frequencies": lambda n: max(2, round(n)),  # a cosine per sample
}
# Keys of a model that are not arguments of its constructor.
_NOT_OF_THE_NETWORK = ("parameters", "sized_by", "lr_factor")
# Doublings of the sizing option before a budget is out of reach, from one.
MOST_DOUBLINGS = 24


def network(config: Plain, domain: Domain) -> CoordinateNetwork:
    """The field that `model` and `init` describe, for a domain."""
    return _create(config, settled_model(config, domain), domain)


def settled_model(config: Plain, domain: Domain) -> Plain:
    """The options of `model` with every `auto` settled, and sized to `model.parameters` where that is given."""
    options, budget = _with_autos(config, domain), config["model"].get("parameters")
    return options if budget is None else _sized(config, options, domain, budget)


def _with_autos(config: Plain, domain: Domain) -> Plain:
    rules = AUTO | {"tiles": functools.partial(tiles_for, domain.density)}
    return {
        key: rules[key](domain.resolution) if value == "auto" and key in rules else value
        for key, value in config["model"].items()
        if key not in _NOT_OF_THE_NETWORK
    }


def _create(config: Plain, options: Plain, domain: Domain) -> CoordinateNetwork:
    given = {"in_features": domain.in_features, "out_features": domain.out_features, "seed": config["seed"]}
    return create(options | given, init=init(config["init"]))


def _sized(config: Plain, options: Plain, domain: Domain, budget: int) -> Plain:
    """The options with `model.sized_by` as large as the budget allows."""
    key = config["model"].get("sized_by", "hidden_features")
    description = json.dumps({"model": options, "init": config["init"], "seed": config["seed"]})
    return options | {key: _largest(description, key, domain, budget)}


# A run asks several times, and a set once per signal; each answer takes a score of networks.
@functools.lru_cache
def _largest(description: str, key: str, domain: Domain, budget: int) -> int:
    """The largest value of a model's option that keeps within the budget, found by bisection."""
    config = json.loads(description)

    @functools.cache
    def parameters(size: int) -> int:
        built = _create(config, config["model"] | {key: size}, domain)
        return sum(parameter.numel() for parameter in built.parameters())

    if parameters(1) > budget:
        raise UserError(
            f"model.parameters={budget} is less than the {parameters(1)} of the smallest such network "
            f"(model.{key}=1): raise it, or lower model.hidden_layers."
        )
    high = next((2**n for n in range(MOST_DOUBLINGS) if parameters(2**n) > budget), 2**MOST_DOUBLINGS)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters(middle) <= budget else (low, middle)
    return low


def auto_lr(config: Plain, domain: Domain) -> float:
    """`optimizer.lr=auto`: the task's rate times the factor of the init scheme, times 30 / omega_0.

    SIREN's weights start in proportion to 1 / omega_0 of the hidden layers; so does the step that changes them by the
    same fraction. A network on a tile counts with the omega_0 of its own coordinates. A model with an `lr_factor` has
    no such proportion, and is given that factor instead.
    """
    options = _with_autos(config, domain)
    rate = config["task"]["lr"] * config["init"]["lr_factor"]
    if "lr_factor" in config["model"]:
        return rate * config["model"]["lr_factor"]
    omega = options.get("hidden_omega_0") or options.get("omega_0") or REFERENCE_OMEGA
    if "tiles" in options:
        omega *= share(options["tiles"], options["overlap"])
    return rate * REFERENCE_OMEGA / omega


def init(config: Plain) -> Init:
    """The schemes that `init` names."""
    schemes = inits.SCHEMES | {"siren_scaled": functools.partial(inits.siren_scaled, scale=config["scale"])}
    return Init(schemes[config["first"]], schemes[config["hidden"]], config["divide_by_omega"])


def plain(config: DictConfig) -> Plain:
    """A configuration as plain containers with every interpolation resolved."""
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def create(options: Plain, *positional: Any, **objects: Any) -> Any:
    """Call what `_target_` names with the options beside it and with ready-made objects.

    Hydra's own `instantiate` would turn objects that are dataclasses into configurations.

    Raises:
        UserError: There is nothing of that name, or it takes other options.
    """
    arguments = {
        name: create(value) if isinstance(value, dict) and "_target_" in value else value
        for name, value in options.items()
        if name != "_target_"
    }
    name = options["_target_"]
    try:
        target = get_object(name)
    except (ImportError, ValueError, TypeError) as error:
        raise UserError(
            f"_target_={name} cannot be found ({error}): check that name and where it is imported from."
        ) from error
    # A builtin may have no signature to be asked for.
    with suppress(ValueError):
        try:
            inspect.signature(target).bind(*positional, **arguments, **objects)
        except TypeError as error:
            raise UserError(f"{name} does not take the configuration's options: {error}.") from error
    return target(*positional, **arguments, **objects)
