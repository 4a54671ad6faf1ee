"""Muon: momentum whose matrix is replaced by the nearest orthogonal one.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks" (kellerjordan.github.io/posts/muon), with
steps as long as Adam's (Liu et al. 2025, arXiv 2502.16982, equation 4). `torch.optim.Muon` takes single matrices only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.training.matrix_steps import TINY, MatrixOptimizer, State

# The quintic of the authors, which brings singular values from about 0.001 to 1 near one in this number of rounds.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
# The root mean square of Adam's steps at a rate of one, as measured by Liu et al.
_STEP_OF_ADAM = 0.2


class Muon(MatrixOptimizer):
    """Nesterov momentum with singular values near one.

    Args:
        params: Weights, or groups of them.
        lr: Learning rate.
        momentum: Decay of the running mean of a matrix's gradients.
        betas: Decay of Adam's mean and square, for all that is no matrix.
    """

    def __init__(
        self, params: Iterable, lr: float, momentum: float = 0.95, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        super().__init__(params, lr, betas, momentum=momentum)

    @override
    def step_matrix(self, weight: Tensor, gradient: Tensor, state: State, group: Mapping[str, Any]) -> None:
        if not state:
            state["mean"] = torch.zeros_like(gradient)
        mean = state["mean"].lerp_(gradient, 1 - group["momentum"])
        length = _STEP_OF_ADAM * math.sqrt(max(weight.shape[-2:]))
        # Multiplied, since `alpha` refuses a rate beyond the range of the weights, with which a run has to diverge.
        weight.sub_(orthogonal(gradient.lerp(mean, group["momentum"])).mul_(group["lr"] * length))


def orthogonal(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices (..., a, b) near one, to between about 0.7 and 1.2, by Newton and Schulz.

    Singular vectors stay. A matrix of zeros stays zero.
    """
    a, b, c = _QUINTIC
    wide = matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.mT  # the smaller product is cheaper
    x = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + TINY)
    for _ in range(_ROUNDS):
        product = x @ x.mT
        x = a * x + (b * product + c * product @ product) @ x
    return x if wide is matrices else x.mT
