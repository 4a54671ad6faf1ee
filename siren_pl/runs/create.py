"""Makes objects from plain containers: what `_target_` names is called with the keys beside it and nothing else."""

from __future__ import annotations

import functools
import inspect
from contextlib import suppress
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf

from siren_pl.errors import UserError
from siren_pl.field import inits
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.networks import CoordinateNetwork
from siren_pl.runs.names import find

Plain = dict[str, Any]

# The outermost of samples from -1 to 1 may lie this much beyond, since their places are computed in floats.
ROUNDING = 1e-6


def plain(config: DictConfig) -> Plain:
    """A configuration as plain containers with every interpolation resolved."""
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def create(options: Plain, *positional: Any, **objects: Any) -> Any:
    """Call what `_target_` names with the options beside it and with objects that exist already.

    Hydra's own `instantiate` would turn objects that are dataclasses into configurations.

    Raises:
        UserError: Nothing has that name, or it takes other options.
    """
    arguments = {
        name: create(value) if isinstance(value, dict) and "_target_" in value else value
        for name, value in options.items()
        if name != "_target_"
    }
    name = options["_target_"]
    target = find(name, "_target_")
    # A builtin may have no signature.
    with suppress(ValueError):
        try:
            inspect.signature(target).bind(*positional, **arguments, **objects)
        except TypeError as error:
            raise UserError(f"{name} does not take the configuration's options: {error}.") from error
    return target(*positional, **arguments, **objects)


def create_from(options: Plain, data: Any) -> Any:
    """Create something of data, and say so if they are of another kind than its first argument.

    Raises:
        UserError: The data are of another kind, or see `create`.
    """
    try:
        return create(options, data)
    except AttributeError as error:
        name = options["_target_"].rpartition(".")[2]
        wanted = _first_type(find(options["_target_"], "_target_"))
        if wanted is None or isinstance(data, wanted):
            raise
        raise UserError(
            f"{name} takes a {wanted.__name__}, and the dataset gives a {type(data).__name__}: choose a dataset or a "
            "task (task=) of the other's kind."
        ) from error


def _first_type(target: Any) -> type | None:
    """The class that the first argument of something is said to have; None if that cannot be told."""
    with suppress(NameError, TypeError, ValueError):  # names that only a type checker imports, builtins
        hints = get_type_hints(target)
        found = hints.get(next(iter(inspect.signature(target).parameters), ""))
        return found if isinstance(found, type) else None
    return None


def child(node: Plain, name: str, place: str) -> Plain:
    """The child of this name, from which a node's object is constructed.

    Raises:
        UserError: The node has no such child with a `_target_`.
    """
    found = node.get(name)
    if not isinstance(found, dict) or "_target_" not in found:
        raise UserError(f"{place} does not say what to call: its file names it by {place}.{name}._target_.")
    return found


def init(options: Plain) -> Init:
    """The schemes that the settled options of `init` name."""
    scaled = functools.partial(inits.siren_scaled, scale=options["scale"])
    schemes = inits.SCHEMES | {"siren_scaled": scaled, "sphere": inits.Sphere()}
    return Init(schemes[options["first"]], schemes[options["hidden"]], options["divide_by_omega"])


def network(options: Plain, schemes: Plain, domain: Domain, seed: int) -> CoordinateNetwork:
    """Build a field on a domain from the settled options of its constructor and of `init`.

    Raises:
        UserError: The options do not fit, the initial weights exceed the range of floats, or the data lie where the
            model has no features.
    """
    given = {"in_features": domain.in_features, "out_features": domain.out_features, "seed": seed}
    try:
        made = create(options | given, init=init(schemes))
    except RuntimeError as error:
        if "out of bounds" not in str(error):
            raise
        raise UserError(
            f"the weights that this model starts from are too large for float32 ({error}): choose a larger "
            "model.omega_0, or a smaller init.scale."
        ) from error
    # The outermost samples lie half of their distance inside the domain.
    reach = max(half - apart / 2 for half, apart in zip(domain.extent, domain.spacing, strict=True))
    if getattr(made, "bounded", False) and reach > 1 + ROUNDING:
        raise UserError(
            f"this model covers coordinates from -1 to 1, and the data reach {reach:.3g}: choose another model, such "
            "as model=siren, or an extent of at most 1 (dataset.time_extent)."
        )
    return made
