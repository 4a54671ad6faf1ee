"""SOAP: Adam in the slowly turning basis in which the gradients of a matrix are least correlated.

Vyas et al. 2024, "SOAP: Improving and Stabilizing Shampoo using Adam" (arXiv 2409.11321, algorithm 3). Published
implementations precondition every axis of a weight, the axis of stacked networks too; this one takes matrices apart.

The gradients seen so far span few directions of a wide layer. Among the others, an eigenvector is what rounding makes
of it, so the published method ends elsewhere if its products are summed in another order. Here the basis begins as the
identity, and `damping` keeps each direction in its place until gradients have something to say about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.training.matrix_steps import MatrixOptimizer, State, adam_step

# The two sides of a matrix. Gradients G have the correlations G Gᵀ between their rows, Gᵀ G between their columns.
_SIDES = ("rows", "columns")


class Soap(MatrixOptimizer):
    """Adam's running mean and square are kept in the eigenbases of the running G Gᵀ and Gᵀ G.

    Args:
        params: Weights, or groups of them.
        lr: Learning rate.
        betas: Decay of Adam's mean and square; the second is also that of the correlations.
        every: Steps between two turns of the bases, by a step of power iteration and a QR decomposition.
        largest: Sides that are longer keep their own basis, since a turn costs the cube of the length.
        damping: Multiple of the unit matrix that is added to the correlations for a turn, in mean eigenvalues.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        betas: tuple[float, float] = (0.95, 0.95),
        every: int = 10,
        largest: int = 1024,
        damping: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, every=every, largest=largest, damping=damping)

    @override
    def step_matrix(self, weight: Tensor, gradient: Tensor, state: State, group: Mapping[str, Any]) -> None:
        correlations = _correlations(gradient, group["largest"])
        if not state:
            state.update(step=0, mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
            for side, product in correlations.items():
                state[side] = torch.zeros_like(product)
                state[f"{side}_basis"] = torch.eye(product.shape[-1]).to(product).repeat(*product.shape[:-2], 1, 1)
        state["step"] += 1
        turned = _turned(gradient, state)
        weight.sub_(_turned_back(adam_step(state["mean"], state["square"], turned, state, group), state))
        for side, product in correlations.items():
            state[side].lerp_(product, 1 - group["betas"][1])
        if state["step"] % group["every"] == 0:
            _turn(state, group["damping"])


def _correlations(gradient: Tensor, largest: int) -> dict[str, Tensor]:
    """The correlations (..., a, a) of rows and (..., b, b) of columns, of those sides that are not too long."""
    found = {}
    for side, matrix in zip(_SIDES, (gradient, gradient.mT), strict=True):
        if matrix.shape[-2] <= largest:
            found[side] = matrix @ matrix.mT
    return found


def _turned(matrix: Tensor, state: State) -> Tensor:
    """Express a matrix in the bases."""
    if "rows_basis" in state:
        matrix = state["rows_basis"].mT @ matrix
    return matrix @ state["columns_basis"] if "columns_basis" in state else matrix


def _turned_back(matrix: Tensor, state: State) -> Tensor:
    """The inverse of `_turned`, since bases are orthogonal."""
    if "rows_basis" in state:
        matrix = state["rows_basis"] @ matrix
    return matrix @ state["columns_basis"].mT if "columns_basis" in state else matrix


def _turn(state: State, damping: float) -> None:
    """Bring the bases nearer to the eigenvectors, and the running mean along; squares are only sorted with them."""
    mean = _turned_back(state["mean"], state)
    for side, axis in zip(_SIDES, (-2, -1), strict=True):
        if side not in state:
            continue
        basis = state[f"{side}_basis"]
        mean_eigenvalue = state[side].diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
        grown = state[side] @ basis + damping * mean_eigenvalue * basis
        order = (basis * grown).sum(-2).argsort(-1, descending=True)  # by the estimated eigenvalues, (..., a)
        state[f"{side}_basis"] = torch.linalg.qr(_sorted(grown, order, -1)).Q
        state["square"] = _sorted(state["square"], order, axis)
    state["mean"] = _turned(mean, state)


def _sorted(matrix: Tensor, order: Tensor, axis: int) -> Tensor:
    """Sort the rows (axis -2) or columns (axis -1) of matrices in an order of their own."""
    index = order.unsqueeze(-1 if axis == -2 else -2)  # noqa: PLR2004 - the last axis but one
    return matrix.gather(axis, index.expand_as(matrix))
