"""L-BFGS: an optimiser of one signal on one batch, along lines on which it evaluates the loss several times."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from siren_pl.errors import UserError

# Steps that L-BFGS remembers.
HISTORY = 50


def line_search(weights: Iterable) -> torch.optim.Optimizer:
    """L-BFGS with torch's search for a point that satisfies Wolfe's conditions; a small gradient does not end it."""
    return torch.optim.LBFGS(
        weights, history_size=HISTORY, line_search_fn="strong_wolfe", tolerance_grad=0.0, tolerance_change=0.0
    )


def require_one_signal(share: float, signals: int) -> None:
    """Refuse L-BFGS for several signals together.

    Args:
        share: Fraction of the steps that L-BFGS takes.
        signals: Number of signals.

    Raises:
        UserError: It takes some, and there are several.
    """
    if share and signals > 1:
        raise UserError(
            f"L-BFGS (recipe.lbfgs={share:g}) searches along one line for all {signals} signals together, so none "
            "would end where it ends alone: fit them one after the other by a sweep over dataset.index, or choose "
            "another optimizer."
        )
