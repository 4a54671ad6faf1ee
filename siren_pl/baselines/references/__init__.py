"""Pretrained super-resolution networks as measured references: a local file of published weights, one entry point.

`pretrained(FILE).enlarge(pixels, scale)`; nothing is downloaded and no file is required.
"""

from siren_pl.baselines.references.pretrained import Pretrained as Pretrained
from siren_pl.baselines.references.pretrained import pretrained as pretrained
