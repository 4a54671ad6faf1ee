"""Coordinate networks as jets: fit signals by their values, gradients or Laplacians.

`from siren_pl import Siren, ForwardDerivatives, fit, load` works in a notebook; names are imported when first used,
so that `import siren_pl` alone stays instant and never brings in Hydra or Weights & Biases.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siren_pl.derivatives import AutogradDerivatives as AutogradDerivatives
    from siren_pl.derivatives import ForwardDerivatives as ForwardDerivatives
    from siren_pl.derivatives import ReverseDerivatives as ReverseDerivatives
    from siren_pl.evaluation import load as load
    from siren_pl.interface import fit as fit
    from siren_pl.jet import Jet as Jet
    from siren_pl.networks import Bacon as Bacon
    from siren_pl.networks import ComplexWire as ComplexWire
    from siren_pl.networks import Finer as Finer
    from siren_pl.networks import FourierFeatures as FourierFeatures
    from siren_pl.networks import FourierFilters as FourierFilters
    from siren_pl.networks import GaborFilters as GaborFilters
    from siren_pl.networks import Gaussian as Gaussian
    from siren_pl.networks import HashGrid as HashGrid
    from siren_pl.networks import Relu as Relu
    from siren_pl.networks import Siren as Siren
    from siren_pl.networks import Softplus as Softplus
    from siren_pl.networks import Tanh as Tanh
    from siren_pl.networks import TensorProduct as TensorProduct
    from siren_pl.networks import Tiles as Tiles
    from siren_pl.networks import Wire as Wire
    from siren_pl.signals import SampledSignal as SampledSignal
    from siren_pl.signals import bundled as bundled
    from siren_pl.signals import image_file as image_file
    from siren_pl.signals import image_signal as image_signal
    from siren_pl.tasks import Task as Task
    from siren_pl.tasks import image_fit as image_fit
    from siren_pl.tasks import poisson_grad as poisson_grad
    from siren_pl.tasks import poisson_laplacian as poisson_laplacian

__version__ = "0.1.0"

_HOMES = {
    "siren_pl.derivatives": ("AutogradDerivatives", "ForwardDerivatives", "ReverseDerivatives"),
    "siren_pl.evaluation": ("load",),
    "siren_pl.interface": ("fit",),
    "siren_pl.jet": ("Jet",),
    "siren_pl.networks": (
        *("Bacon", "ComplexWire", "Finer", "FourierFeatures", "FourierFilters", "GaborFilters", "Gaussian"),
        *("HashGrid", "Relu", "Siren", "Softplus", "Tanh", "TensorProduct", "Tiles", "Wire"),
    ),
    "siren_pl.signals": ("SampledSignal", "bundled", "image_file", "image_signal"),
    "siren_pl.tasks": ("Task", "image_fit", "poisson_grad", "poisson_laplacian"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first asked for (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'siren_pl' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
