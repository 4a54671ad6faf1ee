"""Pretrained super-resolution networks as measured references: a local file of published weights, one entry point.

`pretrained(FILE).enlarge(pixels, scale)`; nothing is downloaded and no file is required.
"""

from siren_pl.problems.pictures.rivals.references.loading import Pretrained as Pretrained
from siren_pl.problems.pictures.rivals.references.loading import pretrained as pretrained
