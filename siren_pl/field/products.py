"""In which precision a matrix product is computed: a wide one as autocast and TF32 have it, one of coordinates in full.

bfloat16 tells 256 coordinates on an axis apart, TF32 2,048; and a phase omega_0 · z that is rounded is another wave.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]

# Up to so many inputs are coordinates. The gradient of such a weight is a product that libraries compute eight times
# faster as (inputs × outputs) than as (outputs × inputs); autograd chooses by the weight's memory layout.
NARROW = 8


def suited(weight: Tensor) -> tuple[Product, Tensor]:
    """How `x Wᵀ + b` is computed for a weight (out_features, in_features), and the weight laid out for it."""
    if weight.shape[-1] > NARROW:
        return functional.linear, weight
    return _by_columns if _are_rounded() else exact, weight.mT.contiguous().mT


def exact(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x Wᵀ + b` in the precision of the weight, whatever autocast says."""
    with in_full(weight.device):
        return functional.linear(widened(x), weight, bias)


def in_full(device: torch.device) -> AbstractContextManager[object]:
    """Where autocast rounds nothing."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()  # a few microseconds cheaper, of which a small step has hundreds


def widened(z: Tensor) -> Tensor:
    """What autocast computed in half precision goes on in float32, so that nothing behind a product is rounded."""
    return z.float() if z.dtype in (torch.bfloat16, torch.float16) else z


@torch.compiler.assume_constant_result
def _are_rounded() -> bool:
    """Whether TF32 is allowed: a setting of the process, which a compiler may take as given."""
    return torch.get_float32_matmul_precision() != "highest"


def _by_columns(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A narrow product, which the setting of TF32 does not reach."""
    columns = [x[..., i : i + 1] * weight[:, i] for i in range(weight.shape[-1])]
    return sum(columns[1:] if bias is None else [*columns[1:], bias], columns[0])
