"""Fitting from Python: a network, a signal and a task are enough; no configuration, no directory, no logger."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

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
        field: The fitted network, callable with coordinates (N, D).
        metrics: The task's scores on the signal's grid.
        history: Rows of the curve: losses and PSNR by step.
    """

    field: CoordinateNetwork
    metrics: dict[str, float]
    history: list[dict[str, float]]


def fit(
    network: CoordinateNetwork,
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
        network: The field; it is trained in place.
        problem: What is supervised, for instance `image_fit(signal)` or `poisson_grad(signal)`.
        steps: Optimiser steps.
        lr: Peak learning rate. The derivative tasks want about 3e-4.
        batch_size: Points per step; None takes all, which the derivative tasks want.
        derivatives: How derivatives are taken; by the rule of `AutoDerivatives` if None.
        seed: Seeds the batches.
        progress: Show a line of progress.

    Raises:
        DivergenceError: The loss became NaN or infinite: lower `lr`.
    """
    strategy = derivatives or AutoDerivatives(problem.domain.out_features)
    optimizer = functools.partial(torch.optim.Adam, lr=lr, fused=True)
    recipe = Recipe(steps, batch_size, (Phase(optimizer, Cosine(warmup=0.02)),), seed=seed)
    (name,) = problem.fields
    fields = OneField(Bundle({name: network}), problem)
    module = module_of(fields, {name: strategy}, recipe, Compilation(False, 0))
    fitting.run(module, fitting.Machine(progress=progress))
    network.cpu().eval()
    answer = problem.answer(ask_of(module.fields.bundle, module.derivatives))
    return Fit(network, problem.judge.judge(answer).metrics, module.history)
