"""Slopes inside a mask measured as values: the potential that vanishes outside of it.

On the whole grid a discrete Poisson equation is a division between two cosine transforms (`lattice`). Charges on the
mask's rim turn it into the equation inside the mask with zero outside: the rim's values depend linearly on its charges,
so one small dense matrix, inverted beforehand, says which charges cancel them (the capacitance matrix method of Buzbee,
Dorr, George and Golub 1971). The image's edge reflects, as in the direct solution.

Letters: N samples in all, P pairs of neighbours, B samples on the rim, C channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.sampled.lattice import cosines, transform
from siren_pl.training.term import Points

# Samples on the rim: their matrix then takes 64 MB in single precision.
MOST_RIM = 4096


def solver(inside: Tensor, rim: Tensor, pairs: Tensor) -> Points:
    """What `potential` needs, as named tensors, computed in double precision.

    Args:
        inside: The mask, bool (H, W).
        rim: Samples outside beside it, bool (H, W).
        pairs: Row numbers (2, P) of neighbours that touch the inside.

    Raises:
        UserError: The rim is too long.
    """
    count, shape = int(rim.sum()), tuple(inside.shape)
    if count > MOST_RIM:
        raise UserError(
            f"task.mask has {count} pixels on its rim; with task.integrated=true it may have {MOST_RIM}: choose a "
            "smoother mask, a smaller dataset.size, or task.integrated=false."
        )
    bases = [cosines(torch.arange(n, dtype=torch.float64) + 0.5, n).T for n in shape]  # spectrum from samples
    symbol = torch.stack(
        torch.meshgrid(*[2 - 2 * torch.cos(math.pi * torch.arange(n).double() / n) for n in shape], indexing="ij")
    ).sum(0)
    inverse = torch.where(symbol > 0, 1 / symbol.clamp(min=torch.finfo(symbol.dtype).tiny), 0)
    tools = {f"cosines_{axis}": basis for axis, basis in enumerate(bases)}
    tools |= {"inverse": inverse[..., None], "pairs": pairs, "rim": rim.reshape(-1).nonzero().flatten()}
    tools["within"] = inside.reshape(-1, 1).double()
    # Unit charges on the rim, B of them as channels, and the values they cause there; charges must sum to zero, and a
    # constant is free, hence the border of ones.
    charges = torch.zeros(inside.numel(), count, dtype=torch.float64)
    charges[tools["rim"], torch.arange(count)] = 1
    caused = _solved(charges.reshape(*shape, count), tools).reshape(-1, count)[tools["rim"]]
    bordered = torch.ones(count + 1, count + 1, dtype=torch.float64)
    bordered[:count, :count] = caused
    bordered[count, count] = 0
    return tools | {"capacitance": torch.linalg.inv(bordered)}


def _spectrum(values: Tensor, tools: Points) -> Tensor:
    return transform(values, [tools["cosines_0"], tools["cosines_1"]])


def _solved(charges: Tensor, tools: Points) -> Tensor:
    """The zero-mean values (H, W, C) whose five-point Laplacian, sign changed, is the charges less their mean."""
    spectrum = _spectrum(charges, tools) * tools["inverse"]
    return transform(spectrum, [tools["cosines_0"].T, tools["cosines_1"].T])


def potential(residual: Tensor, tools: Points) -> Tensor:
    """Values (H, W, C), zero outside of the mask, whose neighbours' differences are nearest to a residual (P, C)."""
    with torch.autocast(residual.device.type, enabled=False):
        return _potential(residual.to(tools["inverse"]), tools)


def _potential(residual: Tensor, tools: Points) -> Tensor:
    first, second = tools["pairs"]
    shape = (*(len(tools[f"cosines_{axis}"]) for axis in (0, 1)), residual.shape[-1])
    empty = residual.new_zeros(shape[0] * shape[1], shape[2])
    charges = (empty.index_add(0, second, residual) - empty.index_add(0, first, residual)) * tools["within"]
    at_rim = _solved(charges.reshape(shape), tools).reshape(empty.shape)[tools["rim"]]
    # The last row cancels the net charge, whose mean the transforms leave out.
    unknowns = tools["capacitance"] @ -torch.cat([at_rim, charges.sum(0, keepdim=True)])  # (B + 1, C)
    charges = charges.index_add(0, tools["rim"], unknowns[:-1])
    return _solved(charges.reshape(shape), tools) + unknowns[-1]
