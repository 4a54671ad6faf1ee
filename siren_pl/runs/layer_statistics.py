"""`layers.json`: what every layer of a field sees and says, before training and after it."""

from __future__ import annotations

import json
from pathlib import Path

from siren_pl.field.inspection import Layers, layers
from siren_pl.field.networks.base import CoordinateNetwork
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.runs import directory as directory_of
from siren_pl.training.attempts import attempt

FILE = "layers.json"


def before_training(network: CoordinateNetwork, signal: SampledSignal) -> Layers | None:
    """Statistics of the first weights, for `after_training`; None with a warning where there are none."""
    with attempt(FILE):
        return layers(network, signal.coords(), signal.midline())
    return None


def after_training(initial: Layers | None, network: CoordinateNetwork, signal: SampledSignal, directory: Path) -> None:
    """Write both to `layers.json`; nothing where there was none before."""
    if initial is not None:
        with attempt(FILE):
            both = {"initial": initial, "final": layers(network, signal.coords(), signal.midline())}
            directory_of.write_text(directory / FILE, json.dumps(both, indent=2) + "\n")
