"""The precision of matrix products: wide ones follow autocast and TF32, products of coordinates are never rounded.

bfloat16 distinguishes 256 coordinates on an axis, TF32 2,048, and rounding a phase omega_0 · z changes the wave.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]

# Inputs of at most this width are taken to be coordinates. Libraries compute the gradient of such a weight eight times
# faster as (inputs × outputs) than as (outputs × inputs); autograd chooses by the weight's memory layout.
NARROW = 8


def suited(weight: Tensor) -> tuple[Product, Tensor]:
    """Choose how to compute `x Wᵀ + b` for a weight (out_features, in_features), and lay the weight out for it."""
    if weight.shape[-1] > NARROW:
        return functional.linear, weight
    return _by_columns if _are_rounded() else exact, weight.mT.contiguous().mT


def exact(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute `x Wᵀ + b` in the precision of the weight, even under autocast."""
    with in_full(weight.device):
        return functional.linear(widened(x), weight, bias)


def in_full(device: torch.device) -> AbstractContextManager[object]:
    """A context in which autocast rounds nothing."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()  # saves a few microseconds; a small step takes only hundreds


def widened(z: Tensor) -> Tensor:
    """Convert what autocast computed in half precision to float32, so that nothing after a product is rounded."""
    return z.float() if z.dtype in (torch.bfloat16, torch.float16) else z


@torch.compiler.assume_constant_result
def _are_rounded() -> bool:
    """Whether TF32 is allowed: a setting of the process, which a compiler may treat as a constant."""
    return torch.get_float32_matmul_precision() != "highest"


def _by_columns(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute a narrow product column by column, which TF32 does not affect."""
    columns = [x[..., i : i + 1] * weight[:, i] for i in range(weight.shape[-1])]
    return sum(columns[1:] if bias is None else [*columns[1:], bias], columns[0])
