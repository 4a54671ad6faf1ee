"""Optimisers whose step of an entry depends on the whole matrix around it, not on the entry's own gradients alone.

Weights of many signals, or of many small networks, are stacked along leading axes. Such an optimiser must not mix them,
so it is told how many of a weight's axes count networks; of the others, the last two are a matrix. State is stacked in
the same way, so that each network ends where it would have ended if it had been fitted alone.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError

State = dict[str, Any]

# A matrix has two axes.
_MATRIX = 2
# Keeps quotients of gradients finite, as in Adam.
TINY = 1e-8


class MatrixOptimizer(torch.optim.Optimizer):
    """Steps every matrix by a rule of its own; biases and single numbers go by Adam.

    Args:
        params: Weights, or groups of them.
        lr: Learning rate.
        betas: Decay of the running mean and of the running square.
        **options: Other options of a group.

    Attributes:
        stacks: For each weight, the number of its leading axes that count networks, or entries of a table; 0 for a
            weight that is not listed.

    Raises:
        UserError: A weight is complex.
    """

    def __init__(self, params: Iterable, lr: float, betas: tuple[float, float], **options: Any) -> None:
        super().__init__(params, {"lr": lr, "betas": tuple(betas), **options})
        self.stacks: Mapping[Tensor, int] = {}
        if any(weight.is_complex() for group in self.param_groups for weight in group["params"]):
            raise UserError(
                f"optimizer={type(self).__name__.lower()} steps real matrices, and a weight of this model is complex: "
                "choose optimizer=adam, or keep real and imaginary parts in two weights."
            )

    @abstractmethod
    def step_matrix(self, weight: Tensor, gradient: Tensor, state: State, group: Mapping[str, Any]) -> None:
        """Change matrices (..., a, b) in place by gradients of the same shape; the state of a first step is empty."""

    @torch.no_grad()
    @override
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Step every weight that has a gradient."""
        for group in self.param_groups:
            for weight in (each for each in group["params"] if each.grad is not None):
                is_matrix = weight.dim() - self.stacks.get(weight, 0) >= _MATRIX
                rule = self.step_matrix if is_matrix else _step_entries
                rule(weight, weight.grad, self.state[weight], group)


def adam_step(mean: Tensor, square: Tensor, gradient: Tensor, state: State, group: Mapping[str, Any]) -> Tensor:
    """Update Adam's running mean and square, and return the step, which is to be subtracted (arXiv 1412.6980).

    Args:
        mean: Running mean of the gradients, changed in place.
        square: Running mean of their squares, changed in place.
        gradient: The new gradient.
        state: Counts the steps.
        group: Learning rate and decay.
    """
    (beta, beta_square), count = group["betas"], state["step"]
    mean.lerp_(gradient, 1 - beta)
    square.mul_(beta_square).addcmul_(gradient, gradient, value=1 - beta_square)
    rate = group["lr"] * math.sqrt(1 - beta_square**count) / (1 - beta**count)
    return mean.div(square.sqrt().add_(TINY)).mul_(rate)


def _step_entries(weight: Tensor, gradient: Tensor, state: State, group: Mapping[str, Any]) -> None:
    """Adam, which treats every entry for itself."""
    if not state:
        state.update(step=0, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
    state["step"] += 1
    weight.sub_(adam_step(state["mean"], state["square"], gradient, state, group))
