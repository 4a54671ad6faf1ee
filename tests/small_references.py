"""Small super-resolution networks of every published layout, with random weights."""

from __future__ import annotations

from collections.abc import Callable

from siren_pl.problems.pictures.rivals.references.carn import Carn
from siren_pl.problems.pictures.rivals.references.distillation import DistillationNetwork
from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger
from siren_pl.problems.pictures.rivals.references.imdn import MultiDistillation
from siren_pl.problems.pictures.rivals.references.rfdn import PEAK, SMALLEST_SIDE, ResidualDistillation
from siren_pl.problems.pictures.rivals.references.srgan import Srgan


def rfdn(scale: int = 4) -> DistillationNetwork:
    blocks = {f"B{i}": ResidualDistillation(6, 3, 2) for i in (1, 2)}
    return DistillationNetwork("RFDN", blocks, 6, scale, SMALLEST_SIDE, PEAK)


def imdn(scale: int = 4) -> DistillationNetwork:
    return DistillationNetwork("IMDN", {f"IMDB{i}": MultiDistillation(8, 2, 4) for i in (1, 2, 3)}, 8, scale)


NETWORKS: dict[str, Callable[[], Enlarger]] = {
    "SRGAN": lambda: Srgan(6, 2, 2),
    "SRGAN x2": lambda: Srgan(6, 1, 1),
    "RFDN": rfdn,
    "IMDN": imdn,
    "IMDN x3": lambda: imdn(3),
    "CARN-M": lambda: Carn(8, 4, (2, 3, 4)),
}
SCALES = {"SRGAN x2": (2,), "IMDN x3": (3,), "CARN-M": (2, 3, 4)}
