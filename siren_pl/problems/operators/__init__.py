"""Linear operators by which a signal on a lattice is measured, other than taking some of its samples."""

from siren_pl.problems.operators.downsampling import Downsampling as Downsampling
from siren_pl.problems.operators.downsampling import downsampling as downsampling
from siren_pl.problems.operators.kernels import KERNELS as KERNELS
