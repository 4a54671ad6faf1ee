"""Ground truth: what is known of a field, where its samples lie, and what of it may be trained on."""

from siren_pl.signals.catalogue import cifar10 as cifar10
from siren_pl.signals.catalogue import div2k as div2k
from siren_pl.signals.catalogue import kodak as kodak
from siren_pl.signals.catalogue import starfish as starfish
from siren_pl.signals.composition import Composition as Composition
from siren_pl.signals.composition import edited as edited
from siren_pl.signals.damage import mask as mask
from siren_pl.signals.grid import Grid as Grid
from siren_pl.signals.grid import PixelCentres as PixelCentres
from siren_pl.signals.grid import PixelCorners as PixelCorners
from siren_pl.signals.images import bundled as bundled
from siren_pl.signals.images import image_file as image_file
from siren_pl.signals.images import image_signal as image_signal
from siren_pl.signals.sampled import SampledSignal as SampledSignal
from siren_pl.signals.sets import cifar10_members as cifar10_members
from siren_pl.signals.sets import div2k_members as div2k_members
from siren_pl.signals.sets import folder as folder
from siren_pl.signals.sets import folder_members as folder_members
from siren_pl.signals.sets import kodak_members as kodak_members
from siren_pl.signals.stencils import GRADIENT_STENCILS as GRADIENT_STENCILS
from siren_pl.signals.stencils import LAPLACIAN_STENCILS as LAPLACIAN_STENCILS
