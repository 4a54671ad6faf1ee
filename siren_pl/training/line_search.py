"""Line-search optimisers such as L-BFGS, which call a closure for the loss as often as they need.

Every call of the closure counts as a step. The optimisers run in chunks, between which checkpoints are written, and on
one fixed batch, since their model of the loss holds for that batch only. The best point found is kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Most iterations and closure calls in a chunk. With a single iteration torch's line search makes no progress.
ITERATIONS, CALLS = 20, 25


def searches(optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimiser calls a closure more than once a step."""
    return "max_eval" in optimizer.param_groups[0]


def search(optimizer: torch.optim.Optimizer, evaluate: Callable[[], Tensor], most: int) -> list[Tensor]:
    """Run a chunk and end at its best point.

    Args:
        optimizer: An optimiser like L-BFGS, whose groups have `max_iter` and `max_eval`.
        evaluate: Fills the gradients at the current weights and returns the loss, of shape (1,).
        most: Remaining number of calls.

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

    optimizer.step(closure)  # type: ignore[arg-type] - torch's stubs allow only a number
    if not all(torch.equal(weight, before) for weight, before in zip(weights, kept, strict=True)):
        with torch.no_grad():
            for weight, before in zip(weights, kept, strict=True):
                weight.copy_(before)
        optimizer.state.clear()  # its history belongs to the point that was abandoned
    return losses
