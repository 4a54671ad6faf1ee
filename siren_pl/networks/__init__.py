"""Coordinate networks: each is written once, for tensors and for jets."""

from siren_pl.networks.base import CoordinateNetwork as CoordinateNetwork
from siren_pl.networks.encodings import FrequencyEncoding as FrequencyEncoding
from siren_pl.networks.encodings import nyquist_octaves as nyquist_octaves
from siren_pl.networks.mlp import Mlp as Mlp
from siren_pl.networks.mlp import Relu as Relu
from siren_pl.networks.mlp import Siren as Siren
from siren_pl.networks.mlp import Softplus as Softplus
from siren_pl.networks.mlp import Tanh as Tanh
