"""Burgers' equation by DeepXDE and by ours: the same SIREN, number of points in a step, and steps, in float32.

Each has the optimiser that its users have: DeepXDE Adam at 1e-3, on points drawn once; `task=equation` Muon, on points
drawn anew in every step. Errors are relative to the exact solution on a lattice.
"""

from __future__ import annotations

import importlib.util
import math
import os
import time
from typing import Any

import numpy as np
import torch

from benchmarks.loops import compiled, configuration
from siren_pl import Siren
from siren_pl.problems.equations.judge import Grid
from siren_pl.problems.equations.library.burgers import Burgers
from siren_pl.training.fields import ask_of

# Steps, points inside and at every condition, the network, and Adam's rate.
STEPS, INSIDE, AT_FACE, WIDTH, DEPTH, OMEGA_0, RATE = 1500, 2048, 256, 128, 4, 15.0, 1e-3
# Points along each axis at which both solutions are compared with the exact one.
ALONG = 101


def run(device: torch.device) -> dict[str, float]:
    """Measure seconds and errors of ours, and of DeepXDE where it is installed."""
    results = {f"burgers_{name}": value for name, value in ours(device).items()}
    if importlib.util.find_spec("deepxde") is None:
        return results
    rival = deepxde()
    results |= {f"burgers_deepxde_{name}": value for name, value in rival.items()}
    return results | {"burgers_vs_deepxde": rival["seconds"] / results["burgers_seconds"]}


def ours(device: torch.device) -> dict[str, float]:
    """Seconds of the steps without compilation, and the relative error at the end."""
    config = configuration(
        *(
            "task=equation",
            f"model.hidden_features={WIDTH}",
            f"model.hidden_layers={DEPTH - 1}",
            f"model.omega_0={OMEGA_0}",
        ),
        *(f"task.points.interior={INSIDE}", f"task.points.initial={AT_FACE}", f"+task.points.walls={AT_FACE}"),
        f"trainer.max_steps={STEPS}",
    )
    plan, module, step = compiled(config, device)
    start = time.perf_counter()
    for number in range(STEPS):
        step(number)
    seconds = time.perf_counter() - start
    solution = plan.problem.answer(ask_of(module.fields.split()[0], module.derivatives))
    return {"seconds": seconds, "relative_l2": error_of(solution.outputs)}


def deepxde() -> dict[str, float]:
    """The same by DeepXDE with its PyTorch backend."""
    os.environ["DDE_BACKEND"] = "pytorch"
    import deepxde as dde

    def residual(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        u_x, u_t = (dde.grad.jacobian(u, x, i=0, j=axis) for axis in (0, 1))
        return u_t + u * u_x - Burgers.nu * dde.grad.hessian(u, x, i=0, j=0)

    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))
    walls = dde.icbc.DirichletBC(domain, lambda x: 0, lambda _, on: on)
    initial = dde.icbc.IC(domain, lambda x: -np.sin(math.pi * x[:, 0:1]), lambda _, on: on)
    data = dde.data.TimePDE(domain, residual, [walls, initial], INSIDE, AT_FACE, AT_FACE)
    model = dde.Model(data, network())
    model.compile("adam", lr=RATE)
    start = time.perf_counter()
    model.train(iterations=STEPS, display_every=STEPS, verbose=0)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "relative_l2": error_of(lambda coords: model.predict(coords[:, ::-1]))}


def network() -> torch.nn.Module:
    """Our SIREN as DeepXDE evaluates it: at (x, t), with t in [-1, 1] as well."""
    import deepxde as dde

    class Network(dde.nn.NN):
        def __init__(self) -> None:
            super().__init__()
            self.siren = Siren(2, 1, WIDTH, DEPTH - 1, omega_0=OMEGA_0)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.siren(torch.stack([2 * x[:, 1] - 1, x[:, 0]], 1))

    return Network()


def error_of(solution: Any) -> float:
    """The relative error of a function of points (N, 2), time first."""
    burgers = Burgers()
    coords = Grid(burgers.domain, ALONG).coords
    truth = burgers.reference(*torch.from_numpy(coords).unbind(1)).numpy()
    found = np.asarray(solution(coords), np.float64)[:, 0]
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))
