"""Perceptrons that differ from SIREN in their activation or in the encoding before them."""

from __future__ import annotations

import math

from torch import nn

from siren_pl.field import activations
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.networks.encodings import FourierEncoding
from siren_pl.field.networks.mlp import FRAMEWORK, KAIMING, REFERENCE_SAMPLES, Mlp
from siren_pl.field.seeds import seeded


def Finer(  # noqa: N802 - a constructor, as Siren is
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    omega_0: float = 30.0,
    first_bias: float = math.sqrt(0.5),
    init: Init | None = None,
    seed: int = 0,
) -> Mlp:
    """FINER: sines whose frequency grows with the pre-activation (Liu et al., CVPR 2024, arXiv 2312.02434).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Width.
        hidden_layers: Hidden-to-hidden layers.
        omega_0: Angular frequency of every sine at zero.
        first_bias: The first layer's biases are drawn from U(±first_bias), which determines the available frequencies
            (section 3.3).
        init: Defaults to SIREN's scheme.
        seed: Seeds the weights.
    """
    shape = (in_features, out_features, hidden_features, hidden_layers)
    network = Mlp(*shape, activations.variable_sine(omega_0), init or Init(), seed, omega_0)
    first = network.layers[0]
    assert isinstance(first, nn.Linear)
    # A separate generator, so that the weights are those of SIREN with this seed.
    nn.init.uniform_(first.bias, -first_bias, first_bias, generator=seeded(seed))
    return network


def bell_width_rule(domain: Domain) -> float:
    """`model.bell_width=auto`: proportional to 1 / samples, since it is a length.

    On a photograph of 86 samples per axis, 0.1 was the best of 0.05 … 0.5.
    """
    return 8.6 / domain.resolution


def Gaussian(  # noqa: N802
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    bell_width: float = 0.1,
    init: Init | None = None,
    seed: int = 0,
) -> Mlp:
    """Build a perceptron with Gaussian activations (Ramasinghe and Lucey, ECCV 2022, arXiv 2111.15135).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Width.
        hidden_layers: Hidden-to-hidden layers.
        bell_width: Standard deviation of the Gaussian.
        init: Defaults to torch's own.
        seed: Seeds the weights.
    """
    shape = (in_features, out_features, hidden_features, hidden_layers)
    return Mlp(*shape, activations.gaussian(bell_width), init or FRAMEWORK, seed)


def Wire(  # noqa: N802
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    omega_0: float = 20.0,
    scale: float | None = None,
    init: Init | None = None,
    seed: int = 0,
) -> Mlp:
    """WIRE with real Gabor wavelets, `cos(omega_0 z) exp(-(scale z)²)` (Saragadam et al., CVPR 2023, arXiv 2301.05187).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Width.
        hidden_layers: Hidden-to-hidden layers.
        omega_0: Angular frequency of the wave.
        scale: Inverse width of its window; None for a quarter of omega_0. (With half, the paper's ratio, the fit of a
            photograph of 143 samples per axis is 3 dB worse after 300 steps.)
        init: Defaults to SIREN's scheme, with which hidden pre-activations stay within the window at any omega_0. With
            torch's own, which the authors use, training fails at the omega_0 of larger images.
        seed: Seeds the weights.
    """
    shape = (in_features, out_features, hidden_features, hidden_layers)
    wavelet = activations.gabor(omega_0, omega_0 / 4 if scale is None else scale)
    return Mlp(*shape, wavelet, init or Init(), seed, omega_0)


def deviation_rule(domain: Domain) -> float:
    """`model.deviation=auto`: proportional to the samples; Tancik et al. found 10 cycles for 256 observed ones."""
    return 10.0 * domain.resolution / REFERENCE_SAMPLES


def FourierFeatures(  # noqa: N802
    in_features: int,
    out_features: int,
    hidden_features: int = 256,
    hidden_layers: int = 3,
    num_frequencies: int = 256,
    deviation: float = 10.0,
    init: Init | None = None,
    seed: int = 0,
) -> Mlp:
    """Build a ReLU perceptron on Gaussian random Fourier features (Tancik et al., NeurIPS 2020, arXiv 2006.10739).

    Args:
        in_features: Number of coordinates.
        out_features: Number of channels.
        hidden_features: Width.
        hidden_layers: Hidden-to-hidden layers.
        num_frequencies: Random frequencies; 256 in the paper.
        deviation: Their standard deviation in cycles across the image; 10 in the paper, for 256 observed samples.
        init: Defaults to He's.
        seed: Seeds the frequencies and the weights.
    """
    encoding = FourierEncoding(in_features, num_frequencies, deviation, seed)
    shape = (in_features, out_features, hidden_features, hidden_layers)
    return Mlp(*shape, activations.RELU, init or KAIMING, seed, encoding=encoding)
