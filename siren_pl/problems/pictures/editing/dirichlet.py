"""Gradient errors inside a mask, converted to errors in values: the potential that vanishes outside the mask.

On the whole grid, a discrete Poisson equation is solved by a division between two cosine transforms (`lattice`).
Charges on the mask's rim turn this into a solution inside the mask that is zero outside. The values on the rim depend
linearly on the charges, so a small dense matrix, inverted beforehand, gives the charges that cancel them (the
capacitance matrix method of Buzbee, Dorr, George and Golub 1971). The image's edge reflects, as in the direct solution.

Letters: N samples in all, P pairs of neighbours, B samples on the rim, C channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.derivatives.lattice import cosines
from siren_pl.problems.sampled.grid import transform
from siren_pl.training.term import Points

# Largest number of samples on the rim: the matrix then takes 64 MB in single precision.
MOST_RIM = 4096


def solver(inside: Tensor, rim: Tensor, pairs: Tensor) -> Points:
    """Make the named tensors that `potential` needs, in double precision.

    Args:
        inside: The mask, bool (H, W).
        rim: The samples outside that are next to it, bool (H, W).
        pairs: Row numbers (2, P) of neighbours at least one of which is inside.

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
    # Put unit charges on the rim, as B channels, and compute the values that they cause there. The matrix is bordered
    # by ones, since charges must sum to zero and a constant is free.
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
    """Find the zero-mean values (H, W, C) whose negative five-point Laplacian equals the charges minus their mean."""
    spectrum = _spectrum(charges, tools) * tools["inverse"]
    return transform(spectrum, [tools["cosines_0"].T, tools["cosines_1"].T])


def potential(residual: Tensor, tools: Points) -> Tensor:
    """Find values (H, W, C), zero outside the mask, whose differences of neighbours are nearest a residual (P, C)."""
    with torch.autocast(residual.device.type, enabled=False):
        return _potential(residual.to(tools["inverse"]), tools)


def _potential(residual: Tensor, tools: Points) -> Tensor:
    first, second = tools["pairs"]
    shape = (*(len(tools[f"cosines_{axis}"]) for axis in (0, 1)), residual.shape[-1])
    empty = residual.new_zeros(shape[0] * shape[1], shape[2])
    charges = (empty.index_add(0, second, residual) - empty.index_add(0, first, residual)) * tools["within"]
    at_rim = _solved(charges.reshape(shape), tools).reshape(empty.shape)[tools["rim"]]
    # The last row cancels the net charge, since the transforms leave out the mean.
    unknowns = tools["capacitance"] @ -torch.cat([at_rim, charges.sum(0, keepdim=True)])  # (B + 1, C)
    charges = charges.index_add(0, tools["rim"], unknowns[:-1])
    return _solved(charges.reshape(shape), tools) + unknowns[-1]
