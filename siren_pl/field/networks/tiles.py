"""Many small SIRENs on overlapping tiles, blended by windows that sum to one: capacity that grows with the picture.

Domain decomposition after finite-basis PINNs (Moseley et al. 2023, arXiv 2107.07871), with a network per cell as in
KiloNeRF (Reiser et al. 2021, arXiv 2103.13744). The cost of a point does not grow with the number of networks, since
only a few of them are evaluated there. The mean of several such fields that are trained separately (deep ensembles,
Lakshminarayanan et al. 2017, arXiv 1612.01474) errs less between the samples than each of them, since their errors
differ there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, vmap
from typing_extensions import override

from siren_pl.field import jet
from siren_pl.field.activations import SMOOTH_STEP
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks import mlp
from siren_pl.field.networks.base import CoordinateNetwork, rearrange, stack
from siren_pl.field.networks.visits import Blocks, Visits
from siren_pl.field.seeds import CPU_BITS, seeded

# Samples along a tile that a SIREN of width 128 can represent; it costs a quarter as much per point as width 256.
TILE_SAMPLES = 64.0
# In tiles; with more, three windows would meet on an axis.
WIDEST_OVERLAP = 0.5


def share(tiles: int, overlap: float) -> float:
    """The fraction of an axis that one network covers: a tile with half an overlap on either side."""
    return 1.0 if tiles == 1 else (1 + overlap) / tiles


def tiles_rule(domain: Domain) -> int:
    """`model.tiles=auto`: the geometric mean of the tiles for the measured samples and for the wanted detail.

    The two differ when a picture is enlarged. By 2 (monarch, 256²) the result has 31.5 dB with four tiles, 31.0 with
    two; by 4 (baby, 512²) it has 32.8 dB with eight, 33.1 with four.
    """
    return max(1, round(math.sqrt(domain.density * domain.resolution) / TILE_SAMPLES))


def rate_rule(rate: float, omega_0: float, tiles: int, overlap: float) -> float:
    """`optimizer.lr=auto`: the rule for sines, with the omega_0 that each network has in its own coordinates."""
    return mlp.rate_rule(rate, omega_0 * share(tiles, overlap))


class Tiles(CoordinateNetwork):
    """A partition of [-1, 1]^D into equal tiles, each with its own SIREN in its own coordinates.

    The field is Σ_i w_i(x) Φ_i((x - c_i) / h), where c_i is the middle of tile i, h its half width including the
    overlap, and w_i a product of one window per axis. Windows rise and fall like 6t⁵ - 15t⁴ + 10t³ over the overlap of
    two neighbours, are twice continuously differentiable and sum to one. One tile is a plain SIREN. With several
    members, the field is the mean of that many such fields.

    Args:
        in_features: Number of coordinates D.
        out_features: Number of channels.
        hidden_features: Width of each network.
        hidden_layers: Hidden-to-hidden layers of each.
        omega_0: Angular frequency of all sines in coordinates of the whole domain; in its own coordinates a network has
            a smaller one, in proportion to the share of the domain that it covers.
        tiles: Tiles along each axis; of the `tiles`^D networks, those that no sample reaches stay as initialised.
        overlap: Width of the overlap of two neighbours, in tiles, from above 0 to 0.5.
        members: Number of fields to average; there are `members` · `tiles`^D networks.
        init: Draws the weights of each network; SIREN's scheme if None.
        seed: Seeds the weights, which differ between the networks.

    Raises:
        ValueError: `tiles` or `members` is below 1, or `overlap` out of range.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden_features: int = 128,
        hidden_layers: int = 3,
        omega_0: float = 30.0,
        tiles: int = 4,
        overlap: float = 0.25,
        members: int = 1,
        init: Init | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if tiles < 1 or members < 1 or not 0 < overlap <= WIDEST_OVERLAP:
            raise ValueError(
                f"tiles and members must be 1 or more and the overlap in (0, 0.5], not {tiles}, {members} and {overlap}"
            )
        self.in_features, self.out_features = in_features, out_features
        self.tiles, self.overlap, self.members = tiles, overlap, members
        self.networks = members * tiles**in_features
        self.fixed_shapes = self.networks == 1
        self._share = share(tiles, overlap)
        own_omega = omega_0 * self._share
        generator = seeded(seed)
        # Seeds of 32 bits, as in earlier versions, so that earlier results can be reproduced.
        others = (torch.randint(2**62, (self.networks - 1,), generator=generator) % 2**CPU_BITS).tolist()
        networks = [
            mlp.Siren(in_features, out_features, hidden_features, hidden_layers, own_omega, init=init, seed=each)
            for each in (seed, *others)
        ]
        self.tile = networks[0]
        if self.networks > 1:
            stack(self.tile, networks, dict(self.tile.named_parameters()))

    @override
    def forward(self, coords: Tensor | Jet) -> Any:
        return self._at(coords, self._mean)

    @override
    def apart(self, coords: Tensor | Jet) -> Any:
        """Evaluate the field; several members take turns at the points."""
        return self._at(coords, lambda points: self._field(points, self._turns(points)))

    def _at(self, coords: Tensor | Jet, evaluate: Callable[[Jet], Jet]) -> Any:
        """Evaluate at coords whose leading axes are flattened into one for `evaluate`."""
        if self.networks == 1:
            return self.tile(coords)
        points = coords if isinstance(coords, Jet) else Jet(coords)
        shape = points.value.shape[:-1]
        flat = rearrange(points, lambda stream: stream.flatten(stream.dim() - 1 - len(shape), -2))
        field = evaluate(flat)
        whole = rearrange(field, lambda stream: stream.unflatten(-2, shape))
        return whole if isinstance(coords, Jet) else whole.value

    def _turns(self, points: Jet) -> Tensor:
        """The number of a member for each of N points, (N,): they take turns."""
        return torch.arange(len(points.value), device=points.value.device) % self.members

    def _mean(self, points: Jet) -> Jet:
        """The mean of all members at N points."""
        count = len(points.value) * self.members
        each = torch.arange(count, device=points.value.device) // self.members
        repeated = rearrange(points, lambda stream: _rows(stream, each))
        fields = self._field(repeated, self._turns(repeated))
        return rearrange(fields, lambda stream: stream.unflatten(-2, (-1, self.members)).mean(-2))

    def _field(self, points: Jet, member: Tensor) -> Jet:
        """Evaluate one member at each of N points, by the networks in whose windows the point lies."""
        count = len(points.value)
        visits = Visits.of(points.value.detach(), self.tiles, self.overlap, member)
        visitors = rearrange(points, lambda stream: _rows(stream, visits.point))
        parts = jet.multiply(self._values(visitors, visits), self._windows(visitors, visits))

        def summed(stream: Tensor) -> Tensor:
            total = stream.new_zeros(*stream.shape[:-2], count, stream.shape[-1])
            return total.index_add(-2, visits.point, stream)

        return rearrange(parts, summed)

    def _windows(self, visitors: Jet, visits: Visits) -> Any:
        """The window of each visited tile, (visits, 1): a product of steps, which are 1 where no neighbour overlaps."""
        coords = visitors.value
        # A step rises from 0 to 1, with its middle on the border; at the border of the domain it is 1.
        slope = (2 * visits.side - 1).to(coords) * (self.tiles / 2 / self.overlap) * visits.shared
        start = 1 - visits.shared.to(coords) / 2
        borders = visits.border.to(coords) * (2 / self.tiles) - 1
        steps = jet.elementwise(jet.add(jet.multiply(jet.add(visitors, -borders), slope), start), SMOOTH_STEP)
        columns = [rearrange(steps, lambda stream, i=i: stream[..., i : i + 1]) for i in range(self.in_features)]
        return functools.reduce(jet.multiply, columns)

    def _values(self, visitors: Jet, visits: Visits) -> Jet:
        """The values of the visited networks, (visits, C), all evaluated at once on blocks of equal length."""
        middles = (visits.place.to(visitors.value) + 0.5) * (2 / self.tiles) - 1
        # A linear layer will not do, since autocast would round it and coordinates need their full precision.
        magnified = torch.tensor(1 / self._share, dtype=torch.float64)
        local = jet.multiply(jet.add(visitors, -middles), magnified)
        blocks = Blocks.of(visits.tile, self.networks)
        filled = rearrange(local, lambda stream: _rows(stream, blocks.visit, blocks.shape))
        weights = {name: stack.index_select(0, blocks.tile) for name, stack in self.tile.named_parameters()}

        def one(parameters: dict[str, Tensor], *streams: Tensor) -> tuple[Tensor, ...]:
            x = Jet(*streams, groups=filled.groups)
            return _streams(functional_call(self.tile, parameters, (x,)))

        streams = _streams(filled)
        # The axis of the blocks, which a derivative with one row for all points does not have.
        axes = (0, 0, *(1 if stream.dim() > filled.value.dim() else None for stream in streams[1:]))
        found = vmap(one, in_dims=axes, out_dims=(0, 1, 1)[: len(streams)])(weights, *streams)
        padded = Jet(*found, groups=filled.groups)
        return rearrange(padded, lambda stream: stream.flatten(-3, -2).index_select(-2, blocks.slot))


def _streams(x: Jet) -> tuple[Tensor, ...]:
    """The parts of a jet that are present: its value, its gradient, its second derivatives."""
    return tuple(stream for stream in (x.value, x.gradient, x.second) if stream is not None)


def _rows(stream: Tensor, index: Tensor, shape: tuple[int, ...] = (-1,)) -> Tensor:
    """Select rows of a value (N, C) or of derivatives (D, N, C) in a given shape; one row for all points is kept."""
    *leading, rows, _ = stream.shape
    if leading and rows == 1:
        return stream
    return stream.index_select(-2, index).unflatten(-2, shape)
