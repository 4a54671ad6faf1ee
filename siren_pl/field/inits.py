"""Initial weights of a linear layer, given its place in the network and omega_0.

A scheme fills a weight matrix given its shape, place and omega_0; `Init` combines a scheme for the first layer with
one for the others. Biases keep the framework's range U(±1/sqrt(in_features)), as in SIREN's reference implementation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from siren_pl.errors import UserError

FIRST, HIDDEN, LAST = "first", "hidden", "last"


class Scheme(Protocol):
    """Draws the weights of one linear layer."""

    def __call__(self, weight: Tensor, place: str, omega_0: float, generator: torch.Generator) -> None:
        """Fill `weight` (out_features, in_features) in place."""
        ...


def siren(weight: Tensor, place: str, omega_0: float, generator: torch.Generator) -> None:
    """Draw from SIREN's uniform ranges: ±1/n for the first layer, ±sqrt(6/n)/omega_0 for all others, the last included.

    Sitzmann et al. 2020, section 3.2 and supplement 1.5. For the first layer the authors' code divides by n where
    the text says sqrt(6/n); they call the code right, and we follow it.

    >>> weight = torch.empty(1000, 6)
    >>> siren(weight, HIDDEN, 10.0, torch.Generator().manual_seed(0))
    >>> 0.099 < weight.abs().max().item() <= 0.1  # sqrt(6 / 6) / 10
    True
    """
    fan_in = weight.shape[1]
    bound = 1 / fan_in if place == FIRST else math.sqrt(6 / fan_in) / omega_0
    nn.init.uniform_(weight, -bound, bound, generator=generator)


def siren_scaled(weight: Tensor, place: str, omega_0: float, generator: torch.Generator, *, scale: float) -> None:
    """Draw SIREN's weights and multiply all but those of the last layer by `scale`.

    Larger weights widen the spectrum of the initial field: the samples are fitted much faster, but the field oscillates
    more between them (Yeom et al., ICLR 2025, "Fast training of SIREN").
    """
    siren(weight, place, omega_0, generator)
    if place != LAST:
        weight.mul_(scale)


@dataclass(frozen=True)
class Sphere:
    """The distance to a sphere, for perceptrons of rectifiers.

    Atzmon and Lipman 2020, SAL, theorem 1, with which IGR starts (Gropp et al. 2020, section 6): layers keep lengths,
    and the last one takes the mean of its inputs, so that the output is about |x| - radius.

    Attributes:
        radius: That of the sphere, in coordinate units.
    """

    radius: float = 0.5

    def __call__(self, weight: Tensor, place: str, omega_0: float, generator: torch.Generator) -> None:
        """Fill `weight`.

        Raises:
            UserError: The network has sines.
        """
        if omega_0 != 1.0:
            raise UserError("init=sphere is a sphere for rectifiers alone: choose model=relu.")
        out_features, in_features = weight.shape
        if place == LAST:
            weight.fill_(math.sqrt(math.pi / in_features))
        else:
            nn.init.normal_(weight, 0.0, math.sqrt(2 / out_features), generator=generator)

    def bias(self, place: str) -> float:
        """What every bias of a layer is."""
        return -self.radius if place == LAST else 0.0


def _foreign(fill: Callable[..., Tensor]) -> Scheme:
    """A scheme of torch.nn.init with its default arguments, which ignores place and omega_0."""

    def scheme(weight: Tensor, place: str, omega_0: float, generator: torch.Generator) -> None:
        fill(weight, generator=generator)

    return scheme


def _framework(weight: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw from U(±1/sqrt(in_features)), as `torch.nn.Linear` does."""
    return nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)


# Names and default arguments are those of torch.nn.init: uniform is U(0, 1), normal is N(0, 1).
SCHEMES: dict[str, Scheme] = {
    "siren": siren,
    "framework": _foreign(_framework),
    "uniform": _foreign(nn.init.uniform_),
    "normal": _foreign(nn.init.normal_),
    "xavier_uniform": _foreign(nn.init.xavier_uniform_),
    "xavier_normal": _foreign(nn.init.xavier_normal_),
    "kaiming_uniform": _foreign(nn.init.kaiming_uniform_),
    "kaiming_normal": _foreign(nn.init.kaiming_normal_),
}


@dataclass(frozen=True)
class Init:
    """The schemes for the layers of a network.

    Attributes:
        first: Scheme of the first layer.
        hidden: Scheme of every other layer, the last included.
        divide_by_omega: Whether to divide the weights (not the biases) of a foreign scheme by omega_0, as SIREN's own
            scheme does for hidden layers. Otherwise the argument of `sin(omega_0 z)` is omega_0 times too large.

    >>> layer, ones = nn.Linear(3, 2), lambda weight, *_: weight.fill_(1.0)
    >>> Init(hidden=ones, divide_by_omega=True)(layer, HIDDEN, 4.0, torch.Generator())
    >>> layer.weight[0].tolist()
    [0.25, 0.25, 0.25]
    """

    first: Scheme = siren
    hidden: Scheme = siren
    divide_by_omega: bool = False

    @torch.no_grad()
    def __call__(self, layer: nn.Linear, place: str, omega_0: float, generator: torch.Generator) -> None:
        """Draw the layer's weight and bias in place from the generator."""
        scheme = self.first if place == FIRST else self.hidden
        scheme(layer.weight, place, omega_0, generator)
        own = scheme is siren or getattr(scheme, "func", None) is siren_scaled
        if self.divide_by_omega and not own:
            layer.weight.div_(omega_0)
        if isinstance(scheme, Sphere):
            layer.bias.fill_(scheme.bias(place))
            return
        bound = 1 / math.sqrt(layer.in_features)
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
