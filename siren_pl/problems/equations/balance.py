"""Weights between the conditions of an equation, which change in the course of a run.

Each object looks at one condition alone and makes its share the same as that of every other, so that conditions need
not know of each other. Optimisers that do not mind the scale of the loss need no more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import override

# How much of the former weight is kept at a refresh (Wang et al. 2021, algorithm 1, have 0.9).
KEPT = 0.9
# Random cotangents of which the trace of a tangent kernel is estimated.
PROBES = 16


class Balance(ABC):
    """Changes the weight of a condition."""

    @abstractmethod
    def weight(self, residual: Tensor, weights: Sequence[Tensor], before: Tensor, generator: torch.Generator) -> Tensor:
        """The new weight, shape ().

        Args:
            residual: The condition's residual (N, R) with its graph.
            weights: The weights of all fields.
            before: The weight until now, shape (); NaN in the beginning.
            generator: The only source of random numbers.
        """


def _eased(before: Tensor, now: Tensor) -> Tensor:
    """A moving geometric mean, since weights of different conditions differ by orders of magnitude."""
    now = now.detach()
    return torch.where(before.isnan(), now, (KEPT * before.log() + (1 - KEPT) * now.log()).exp()).to(before)


def _squared_norm(scalar: Tensor, weights: Sequence[Tensor], keep: bool) -> Tensor:
    gradients = torch.autograd.grad(scalar, weights, retain_graph=keep, allow_unused=True)
    return torch.stack([each.square().sum() for each in gradients if each is not None]).sum()


def _inverse(size: Tensor) -> Tensor:
    return 1 / size.clamp(min=torch.finfo(size.dtype).tiny ** 0.5)


@dataclass(frozen=True)
class GradientNorm(Balance):
    """The inverse of the norm of the loss's gradient (Wang et al. 2021, with norms as in Wang et al. 2023, eq. 4.3)."""

    @override
    def weight(self, residual: Tensor, weights: Sequence[Tensor], before: Tensor, generator: torch.Generator) -> Tensor:
        return _eased(before, _inverse(_squared_norm(residual.square().mean(), weights, False).sqrt()))


@dataclass(frozen=True)
class TangentKernel(Balance):
    """The inverse of the mean diagonal entry of the tangent kernel (Wang et al. 2022, equations 6.5 and 6.6).

    The trace is E |∇(z · r)|² over random signs z (Hutchinson 1990).
    """

    @override
    def weight(self, residual: Tensor, weights: Sequence[Tensor], before: Tensor, generator: torch.Generator) -> Tensor:
        traces = []
        for probe in range(PROBES):
            signs = torch.randint(2, residual.shape, generator=generator, device=residual.device)
            value = ((2.0 * signs - 1) * residual).sum()
            traces.append(_squared_norm(value, weights, probe < PROBES - 1) / residual.numel())
        return _eased(before, _inverse(torch.stack(traces).mean()))


@dataclass(frozen=True)
class SelfAdaptive(Balance):
    """A weight that climbs with its loss (McClenny and Braga-Neto 2023, equation 9, one weight a condition).

    Attributes:
        rate: How much of the loss, relative to 1 + the loss, is added at a refresh.
    """

    rate: float = 1.0

    @override
    def weight(self, residual: Tensor, weights: Sequence[Tensor], before: Tensor, generator: torch.Generator) -> Tensor:
        loss = residual.detach().square().mean()
        known = torch.where(before.isnan(), torch.ones_like(before), before)
        return (known + self.rate * loss / (1 + loss)).to(before)


BALANCES = {
    "fixed": None,
    "gradient_norm": GradientNorm(),
    "tangent_kernel": TangentKernel(),
    "self_adaptive": SelfAdaptive(),
}
