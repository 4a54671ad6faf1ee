"""Fitting from Python: a network, a signal and a task are enough; no configuration, no directory, no logger."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutoDerivatives, Derivatives
from siren_pl.field.networks import CoordinateNetwork
from siren_pl.field.networks.bundle import Bundle
from siren_pl.training import fitting
from siren_pl.training.compilation import Compilation
from siren_pl.training.fields import ask_of
from siren_pl.training.one_field import OneField
from siren_pl.training.own_module import module_of
from siren_pl.training.problem import Problem
from siren_pl.training.recipe import Phase, Recipe
from siren_pl.training.schedules import Cosine


@dataclass(frozen=True)
class Fit:
    """What `fit` returns.

    Attributes:
        field: The fitted network, callable with coordinates (N, D); of several the leading one.
        answer: What the task makes of the fields: a picture, moved frames, the distance to a surface.
        metrics: The task's scores on the signal's grid.
        history: Rows of the curve: losses and PSNR by step.
    """

    field: CoordinateNetwork
    answer: Any
    metrics: dict[str, float]
    history: list[dict[str, float]]


def fit(
    network: CoordinateNetwork | Mapping[str, CoordinateNetwork],
    problem: Problem,
    *,
    steps: int = 1000,
    lr: float = 1e-3,
    batch_size: int | None = 2048,
    derivatives: Derivatives | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Fit:
    """Fit a network to a problem by Adam with a cosine schedule.

    Args:
        network: The field; it is trained in place. A problem of several fields, such as `video_interpolation(frames)`,
            takes one for each by its name.
        problem: What is supervised, for instance `image_fit(signal)` or `poisson_grad(signal)`.
        steps: Optimiser steps.
        lr: Peak learning rate. The derivative tasks want about 3e-4.
        batch_size: Points per step; None takes all, which the derivative tasks want.
        derivatives: How derivatives are taken; by the rule of `AutoDerivatives` if None.
        seed: Seeds the batches.
        progress: Show a line of progress.

    Raises:
        DivergenceError: The loss became NaN or infinite: lower `lr`.
        UserError: The problem has other fields.
    """
    networks = dict(network) if isinstance(network, Mapping) else {next(iter(problem.fields)): network}
    if networks.keys() != problem.fields.keys():
        wanted = ", ".join(f"{name!r}: network" for name in problem.fields)
        raise UserError(f"{problem.name} fits {len(problem.fields)} fields: give fit() {{{wanted}}}.")
    strategies = {name: derivatives or AutoDerivatives(domain.out_features) for name, domain in problem.fields.items()}
    optimizer = functools.partial(torch.optim.Adam, lr=lr, fused=True)
    recipe = Recipe(steps, batch_size, (Phase(optimizer, Cosine(warmup=0.02)),), seed=seed)
    fields = OneField(Bundle({name: networks[name] for name in problem.fields}, problem.numbers), problem)
    module = module_of(fields, strategies, recipe, Compilation(False, 0))
    fitting.run(module, fitting.Machine(progress=progress))
    module.fields.bundle.cpu().eval()
    answer = problem.answer(ask_of(module.fields.bundle, module.derivatives))
    return Fit(next(iter(networks.values())), answer, problem.judge.judge(answer).metrics, module.history)
