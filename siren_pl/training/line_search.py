"""Optimisers that search along a line, such as L-BFGS: they ask for the loss themselves, as often as they like.

A call of the closure is a step. They run in chunks, so that checkpoints stand between chunks, on one batch, which is
the loss that they build their picture of; and the best point that was seen is kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Iterations of a chunk, and calls of the closure in it: with one iteration torch's line search stands still.
ITERATIONS, CALLS = 20, 25


def searches(optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimiser calls a closure more than once a step."""
    return "max_eval" in optimizer.param_groups[0]


def search(optimizer: torch.optim.Optimizer, evaluate: Callable[[], Tensor], most: int) -> list[Tensor]:
    """Run a chunk, and end at the best point of it.

    Args:
        optimizer: Of the L-BFGS kind: its groups have `max_iter` and `max_eval`.
        evaluate: Fills the gradients at the current weights and returns the loss, of shape (1,).
        most: Calls that are left.

    Returns:
        The loss of every call.
    """
    group = optimizer.param_groups[0]
    group["max_iter"], group["max_eval"] = ITERATIONS, min(CALLS, most)
    weights, losses = group["params"], []
    best, kept = torch.tensor(torch.inf), [weight.detach().clone() for weight in weights]

    def closure() -> Tensor:
        nonlocal best, kept
        loss = evaluate()
        losses.append(loss)
        if loss < best:
            best, kept = loss.sum(), [weight.detach().clone() for weight in weights]
        return loss.sum()

    optimizer.step(closure)  # type: ignore[arg-type] - torch's own stubs know numbers alone
    if not all(torch.equal(weight, before) for weight, before in zip(weights, kept, strict=True)):
        with torch.no_grad():
            for weight, before in zip(weights, kept, strict=True):
                weight.copy_(before)
        optimizer.state.clear()  # what it remembers belongs to the point that was left
    return losses
