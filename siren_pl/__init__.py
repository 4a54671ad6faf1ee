"""Coordinate networks as jets: fit signals by their values, gradients or Laplacians.

`from siren_pl import Siren, ForwardDerivatives, fit, load` works in a notebook. Names are imported when they are first
used (`__init__.pyi` lists them with their homes), so `import siren_pl` alone is instant and brings in neither Hydra nor
Weights & Biases.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
