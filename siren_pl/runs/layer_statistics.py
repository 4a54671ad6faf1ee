"""`layers.json`: what every layer of a field sees and says, before training and after it."""

from __future__ import annotations

import json
from pathlib import Path

from siren_pl.errors import UserError
from siren_pl.field.inspection import Layers, layers
from siren_pl.field.networks.base import CoordinateNetwork
from siren_pl.runs import directory as directory_of
from siren_pl.training.attempts import attempt
from siren_pl.training.problem import Problem

FILE = "layers.json"


def before_training(network: CoordinateNetwork, problem: Problem) -> Layers | None:
    """Statistics of the first weights, for `after_training`; None with a warning where there are none."""
    with attempt(FILE):
        return _layers(network, problem)
    return None


def after_training(initial: Layers | None, network: CoordinateNetwork, problem: Problem, directory: Path) -> None:
    """Write both to `layers.json`; nothing where there was none before."""
    if initial is not None:
        with attempt(FILE):
            both = {"initial": initial, "final": _layers(network, problem)}
            directory_of.write_text(directory / FILE, json.dumps(both, indent=2) + "\n")


def _layers(network: CoordinateNetwork, problem: Problem) -> Layers:
    if problem.probes is None:
        raise UserError(f"{problem.name} does not say at which points the layers of its field are to be inspected.")
    return layers(network, *problem.probes())
