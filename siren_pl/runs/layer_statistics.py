"""`layers.json`: statistics of the inputs and outputs of every linear layer of a field, before and after training.

The layers are found by intercepting `torch.nn.functional.linear` while the field is evaluated. Networks therefore need
no hooks, and a user's own network can be inspected as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from siren_pl.errors import UserError
from siren_pl.field.networks.base import CoordinateNetwork
from siren_pl.runs import directory as directory_of
from siren_pl.runs.attempts import attempt
from siren_pl.training.problem import Problem

FILE = "layers.json"
Layers = list[dict[str, float]]
# Number of points for standard deviations: enough for three digits.
MOST_POINTS = 4096


def before_training(network: CoordinateNetwork, problem: Problem) -> Layers | None:
    """Statistics at the initial weights, for `after_training`; None, with a warning, if they cannot be computed."""
    with attempt(FILE):
        return _layers(network, problem)
    return None


def after_training(initial: Layers | None, network: CoordinateNetwork, problem: Problem, directory: Path) -> None:
    """Write both sets of statistics to `layers.json`; do nothing if there are no initial ones."""
    if initial is not None:
        with attempt(FILE):
            both = {"initial": initial, "final": _layers(network, problem)}
            directory_of.write_text(directory / FILE, json.dumps(both, indent=2) + "\n")


def _layers(network: CoordinateNetwork, problem: Problem) -> Layers:
    if problem.probes is None:
        raise UserError(f"{problem.name} does not say at which points the layers of its field are to be inspected.")
    return layers(network, *problem.probes())


@torch.no_grad()
def layers(network: CoordinateNetwork, coords: Tensor, line: Tensor) -> Layers:
    """Compute statistics of every linear layer, in the order in which the layers are evaluated.

    Args:
        network: The field.
        coords: Points for standard deviations, (N, D); at most `MOST_POINTS` of them are used.
        line: Points for spectra, (n, D), evenly spaced on a line.

    Returns:
        For each layer: `layer` (its number), `input_std` and `preactivation_std` (over points and channels), and
        `preactivation_high`, the share of the power along the line that lies above half of Nyquist's frequency.

    Raises:
        UserError: The field consists of several networks, none of which sees all points.
    """
    if network.networks > 1:
        raise UserError(
            f"layer_statistics=true describes the layers of one network, and this field is made of {network.networks}: "
            "choose another model, or model.tiles=1 with model.members=1."
        )
    reference = next(network.parameters())
    spread = _listen(network, coords[:: max(1, len(coords) // MOST_POINTS)].to(reference))
    along = _listen(network, line.to(reference))
    return [
        {
            "layer": float(number),
            "input_std": float(entry.std()),
            "preactivation_std": float(out.std()),
            "preactivation_high": _high_share(outputs),
        }
        for number, ((entry, out), (_, outputs)) in enumerate(zip(spread, along, strict=True))
    ]


def _listen(network: nn.Module, coords: Tensor) -> list[tuple[Tensor, Tensor]]:
    with _Listener() as listener:
        network(coords)
    return listener.heard


def _high_share(line: Tensor) -> float:
    """Share of the power of (n, C) along n above half of Nyquist's frequency, over all channels."""
    # A line is not periodic: without a window its ends would add high frequencies.
    window = torch.hann_window(len(line), dtype=line.dtype, device=line.device)[:, None]
    power = torch.fft.rfft((line - line.mean(0)) * window, dim=0).abs().square().sum(1)
    return float(power[len(power) // 2 :].sum() / power.sum().clamp(min=torch.finfo(power.dtype).tiny))


class _Listener(TorchFunctionMode):
    """Record the input and the output of every linear map."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function, and record it if it is `linear`."""
        result = func(*args, **(kwargs or {}))
        if func is functional.linear:
            self.heard.append((args[0].detach(), result.detach()))
        return result
