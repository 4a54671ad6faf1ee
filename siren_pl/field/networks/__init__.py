"""Coordinate networks: each is written once, for tensors and for jets."""

from siren_pl.field.networks.bacon import Bacon as Bacon
from siren_pl.field.networks.base import CoordinateNetwork as CoordinateNetwork
from siren_pl.field.networks.cardinal import LanczosProduct as LanczosProduct
from siren_pl.field.networks.cardinal import SincProduct as SincProduct
from siren_pl.field.networks.complex_wire import ComplexWire as ComplexWire
from siren_pl.field.networks.filters import FourierFilters as FourierFilters
from siren_pl.field.networks.filters import GaborFilters as GaborFilters
from siren_pl.field.networks.hash_grid import HashGrid as HashGrid
from siren_pl.field.networks.mlp import Mlp as Mlp
from siren_pl.field.networks.mlp import Relu as Relu
from siren_pl.field.networks.mlp import Siren as Siren
from siren_pl.field.networks.mlp import Softplus as Softplus
from siren_pl.field.networks.mlp import Tanh as Tanh
from siren_pl.field.networks.rivals import Finer as Finer
from siren_pl.field.networks.rivals import FourierFeatures as FourierFeatures
from siren_pl.field.networks.rivals import Gaussian as Gaussian
from siren_pl.field.networks.rivals import Wire as Wire
from siren_pl.field.networks.tensor_product import TensorProduct as TensorProduct
from siren_pl.field.networks.tiles import Tiles as Tiles
