"""Multilayer perceptrons over coordinates: linear maps and activations, optionally after an encoding."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from torch import Tensor, nn
from typing_extensions import override

from siren_pl.field import activations, inits, jet
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.jet import Activation, Jet
from siren_pl.field.networks.base import CoordinateNetwork, exact_linear, linear
from siren_pl.field.networks.encodings import Encoding, FrequencyEncoding
from siren_pl.field.seeds import seeded

KAIMING, XAVIER, FRAMEWORK = (
    Init(inits.SCHEMES[name], inits.SCHEMES[name]) for name in ("kaiming_normal", "xavier_normal", "framework")
)

# The paper's omega_0, and the number of samples along an axis of the images on which it was found.
REFERENCE_OMEGA, REFERENCE_SAMPLES = 30.0, 256.0
# With less, the sines of the first layer are nearly straight over the whole domain and hardly differ. Ten photographs
# of 32² pixels, half of them observed, had 23.4 dB held out with 1, 23.5 with 1.9, 23.9 with 3 and 24.1 with 4.5.
LEAST_OMEGA = 4.5


def omega_rule(domain: Domain) -> float:
    """`model.omega_0=auto`: proportional to the resolution.

    With a fixed omega_0, the waves of a small picture would have frequencies far above those its samples determine.
    """
    return max(REFERENCE_OMEGA * domain.resolution / REFERENCE_SAMPLES, LEAST_OMEGA)


def rate_rule(rate: float, omega_0: float, hidden_omega_0: float | None = None) -> float:
    """`optimizer.lr=auto` for sines: convert a rate that suits the paper's omega_0 to another omega_0.

    The initial weights of SIREN are proportional to 1 / omega_0 of the hidden layers, and so is the step that changes
    them by the same fraction.
    """
    return rate * REFERENCE_OMEGA / (hidden_omega_0 or omega_0)


class Mlp(CoordinateNetwork):
    """A perceptron of `hidden_layers` + 1 activated layers and a linear one: with 3 of width 256, 2-256-256-256-256-1.

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Width.
        hidden_layers: Hidden-to-hidden layers.
        activation: That of every layer but the last.
        init: Draws each layer.
        seed: Seeds the weights.
        omega_0: What the initialisation of a layer is told; 1 without sines.
        first: Activation and omega_0 of the first layer, if they differ.
        encoding: Comes before the first layer; None for the bare coordinates.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_features: int,
        hidden_layers: int,
        activation: Activation,
        init: Init,
        seed: int,
        omega_0: float = 1.0,
        first: tuple[Activation, float] | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.encoding = encoding
        first_activation, first_omega_0 = first or (activation, omega_0)
        self.activations = (first_activation, *[activation] * hidden_layers)
        entry = in_features if encoding is None else encoding.out_features
        widths = [entry, *[hidden_features] * len(self.activations), out_features]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        generator = seeded(seed)
        last = len(self.layers) - 1
        for index, layer in enumerate(self._linears()):
            place = inits.FIRST if index == 0 else inits.LAST if index == last else inits.HIDDEN
            init(layer, place, omega_0 if index else first_omega_0, generator)

    @override
    def forward(self, coords: Tensor | Jet) -> Any:
        x = coords if self.encoding is None else self.encoding(coords)
        first, *hidden, last = self._linears()
        x = jet.elementwise(exact_linear(x, first), self.activations[0])
        for layer, activation in zip(hidden, self.activations[1:], strict=True):
            x = jet.elementwise(linear(x, layer), activation)
        return exact_linear(x, last)

    def _linears(self) -> list[nn.Linear]:
        return cast("list[nn.Linear]", list(self.layers))


def Siren(  # noqa: N802 - a constructor: SIREN is a perceptron with sines, not a class of its own
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    omega_0: float = 30.0,
    first_omega_0: float | None = None,
    hidden_omega_0: float | None = None,
    num_frequencies: int = 0,
    init: Init | None = None,
    seed: int = 0,
) -> Mlp:
    """SIREN: `sin(omega_0 (W x + b))` in every hidden layer (Sitzmann et al. 2020, arXiv 2006.09661).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Width.
        hidden_layers: Hidden-to-hidden layers.
        omega_0: Angular frequency of all sines.
        first_omega_0: Overrides omega_0 in the first layer.
        hidden_omega_0: Overrides omega_0 in the hidden layers, and in the initialisation of the last.
        num_frequencies: Octaves of NeRF's encoding before the first layer; 0 for the bare coordinates.
        init: Defaults to SIREN's own scheme.
        seed: Seeds the weights.
    """
    first = omega_0 if first_omega_0 is None else first_omega_0
    hidden = omega_0 if hidden_omega_0 is None else hidden_omega_0
    shape = (in_features, out_features, hidden_features, hidden_layers)
    own, encoding = (activations.sine(first), first), _encoding(in_features, num_frequencies)
    return Mlp(*shape, activations.sine(hidden), init or Init(), seed, hidden, own, encoding)


def _encoding(in_features: int, num_frequencies: int) -> Encoding | None:
    return FrequencyEncoding(in_features, num_frequencies) if num_frequencies else None


def _perceptron(activation: Activation, own_init: Init, description: str) -> Callable[..., Mlp]:
    """Make a constructor of perceptrons whose activation has no omega_0."""

    def construct(
        in_features: int,
        out_features: int,
        hidden_features: int = 256,
        hidden_layers: int = 3,
        num_frequencies: int = 0,
        init: Init | None = None,
        seed: int = 0,
    ) -> Mlp:
        shape = (in_features, out_features, hidden_features, hidden_layers)
        encoding = _encoding(in_features, num_frequencies)
        return Mlp(*shape, activation, init or own_init, seed, encoding=encoding)

    construct.__doc__ = f"{description}\n\nArguments as in `Siren`, without omega_0."
    return construct


Relu = _perceptron(
    activations.RELU, KAIMING, "ReLU perceptron; with num_frequencies, NeRF's network (Mildenhall 2020)."
)
Tanh = _perceptron(activations.TANH, XAVIER, "Tanh perceptron.")
Softplus = _perceptron(activations.SOFTPLUS, KAIMING, "Softplus perceptron: a ReLU with second derivatives.")
