"""What somebody else's configuration may call: exact dotted names on a list, and packages that the user names.

A run directory is data. Evaluating or resuming one must not let its YAML call `os.system` by a `_target_`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from siren_pl.errors import UserError

ALLOWED = frozenset(
    [
        *(f"siren_pl.networks.{name}" for name in ("Siren", "Relu", "Tanh", "Softplus", "Finer", "Gaussian")),
        *(f"siren_pl.networks.{name}" for name in ("Wire", "ComplexWire", "FourierFeatures", "FourierFilters")),
        *(f"siren_pl.networks.{name}" for name in ("GaborFilters", "Bacon", "HashGrid", "TensorProduct", "Tiles")),
        *(f"siren_pl.signals.{name}" for name in ("image_signal", "bundled", "image_file")),
        *(f"siren_pl.signals.{name}" for name in ("starfish", "kodak", "div2k", "cifar10", "folder")),
        *(f"siren_pl.signals.{name}_members" for name in ("kodak", "div2k", "cifar10", "folder")),
        *(f"siren_pl.tasks.{name}" for name in ("image_fit", "poisson_grad", "poisson_laplacian")),
        *(f"siren_pl.tasks.{name}" for name in ("super_resolution", "inpainting", "denoising")),
        *(f"siren_pl.observations.{name}" for name in ("downsampling", "noisy")),
        *(f"siren_pl.baselines.{name}" for name in ("interpolation", "reference", "nearest", "bicubic", "noisy")),
        *(f"siren_pl.baselines.{name}" for name in ("non_local_means", "total_variation")),
        *(f"siren_pl.signals.{name}" for name in ("mask", "edited")),
        "siren_pl.tasks.poisson_edit",
        *(f"siren_pl.baselines.{name}" for name in ("direct", "paste", "seamless_clone")),
        *(f"siren_pl.derivatives.{name}Derivatives" for name in ("Auto", "Forward", "Reverse", "Autograd")),
        *(f"siren_pl.baselines.{name}" for name in ("biharmonic", "cubic", "gradient_solver", "laplacian_solver")),
        *(f"siren_pl.baselines.{name}" for name in ("pointwise_gradient_ceiling", "pointwise_laplacian_ceiling")),
        *(f"torch.optim.{name}" for name in ("Adam", "AdamW", "SGD", "RMSprop", "NAdam", "RAdam")),
    ]
)


def check(config: Any, packages: tuple[str, ...] = ()) -> None:
    """Refuse a plain, resolved configuration whose `_target_`s are not all allowed.

    Args:
        config: Containers of plain values, with every interpolation already resolved.
        packages: Top-level packages of the user's own that are admitted as well.

    Raises:
        UserError: Naming the first name that is neither on the list nor in a trusted package.
    """
    for target in map(str, _targets(config)):
        package = target.split(".")[0]
        if target in ALLOWED:
            continue
        if package not in packages:
            raise UserError(
                f"the run's configuration wants to call {target}, which is not on siren_pl's list of names that a "
                f"stored run may use, so nothing was run. If it is your own code, add trust={package}."
            )
        if (home := _home(target)) not in (package, "siren_pl"):
            raise UserError(
                f"the run's configuration wants to call {target}, which {package} merely imports from {home}, so "
                f"nothing was run: trust={package} admits what is defined in {package}."
            )


def _home(target: str) -> str:
    """The top-level package in which a name is defined: `mine.os.system` is not defined in `mine`."""
    from hydra.utils import get_object

    return str(getattr(get_object(target), "__module__", None)).split(".")[0]


def _targets(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield node["_target_"]
        for child in node.values():
            yield from _targets(child)
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _targets(child)
