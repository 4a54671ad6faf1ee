"""Many small SIRENs on overlapping tiles, blended by windows that sum to one: capacity that grows with the picture.

Domain decomposition after finite-basis PINNs (Moseley et al. 2023, arXiv 2107.07871), with a network per cell as in
KiloNeRF (Reiser et al. 2021, arXiv 2103.13744). A point costs what its few small networks cost, however many there are.
Several such fields that learn apart and are averaged (deep ensembles, Lakshminarayanan et al. 2017, arXiv 1612.01474)
err less between the samples than each of them, since what they invent there differs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from typing_extensions import override

from siren_pl.field import jet
from siren_pl.field.activations import SMOOTH_STEP
from siren_pl.field.domain import Domain
from siren_pl.field.inits import Init
from siren_pl.field.jet import Jet
from siren_pl.field.networks import mlp
from siren_pl.field.networks.base import CoordinateNetwork, rearrange
from siren_pl.field.networks.visits import Blocks, Visits
from siren_pl.field.seeds import CPU_BITS, seeded

# Samples along a tile: what a SIREN of width 128, a quarter as dear a point as one of width 256, can hold.
TILE_SAMPLES = 64.0
# In tiles: beyond it three windows would meet on an axis.
WIDEST_OVERLAP = 0.5


def share(tiles: int, overlap: float) -> float:
    """The fraction of an axis that one network sees: a tile with half an overlap on either side."""
    return 1.0 if tiles == 1 else (1 + overlap) / tiles


def tiles_rule(domain: Domain) -> int:
    """`model.tiles=auto`: between the tiles that the measured samples fill and those that the wanted detail fills.

    The two differ where a picture is enlarged. Twice (monarch, 256²): 31.5 dB with four, 31.0 with two. Four times
    (baby, 512²): 32.8 dB with eight, 33.1 with four.
    """
    return max(1, round(math.sqrt(domain.density * domain.resolution) / TILE_SAMPLES))


def rate_rule(rate: float, omega_0: float, tiles: int, overlap: float) -> float:
    """`optimizer.lr=auto`: as for sines, by the omega_0 that a network on a tile has in coordinates of its own."""
    return mlp.rate_rule(rate, omega_0 * share(tiles, overlap))


class Tiles(CoordinateNetwork):
    """A partition of [-1, 1]^D into equal tiles, each with a SIREN of its own in coordinates of its own.

    The field is Σ_i w_i(x) Φ_i((x - c_i) / h), where c_i is the middle of tile i, h its half width with its overlap,
    and w_i a product over the axes of windows that rise and fall like 6t⁵ - 15t⁴ + 10t³ over the overlap of two
    neighbours: twice continuously differentiable, and of sum one. One tile is a plain SIREN. With several members it is
    the mean of as many such fields.

    Args:
        in_features: Number of coordinates D.
        out_features: Number of channels.
        hidden_features: Width of each network.
        hidden_layers: Hidden-to-hidden layers of each.
        omega_0: Angular frequency of all sines, in coordinates of the whole domain: each network's own is smaller by
            the share of the domain that it sees.
        tiles: Along each axis; `tiles`^D networks, of which those that no sample reaches stay as they are.
        overlap: Width of the overlap of two neighbours, in tiles, from above 0 to 0.5.
        members: Fields that are averaged; `members` · `tiles`^D networks.
        init: Draws each network; SIREN's scheme if None.
        seed: Seeds the weights; the networks differ.
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
        # Of as many bits as one tile's weights were always drawn from: earlier results stay.
        others = (torch.randint(2**62, (self.networks - 1,), generator=generator) % 2**CPU_BITS).tolist()
        networks = [
            mlp.Siren(in_features, out_features, hidden_features, hidden_layers, own_omega, init=init, seed=each)
            for each in (seed, *others)
        ]
        self.tile = networks[0]
        if self.networks > 1:
            _stack(self.tile, networks)

    @override
    def forward(self, coords: Tensor | Jet) -> Any:
        return self._at(coords, self._mean)

    @override
    def apart(self, coords: Tensor | Jet) -> Any:
        """The members take the points in turn."""
        return self._at(coords, lambda points: self._field(points, self._turns(points)))

    def _at(self, coords: Tensor | Jet, evaluate: Callable[[Jet], Jet]) -> Any:
        """Evaluate at points whose leading axes are one."""
        if self.networks == 1:
            return self.tile(coords)
        points = coords if isinstance(coords, Jet) else Jet(coords)
        shape = points.value.shape[:-1]
        flat = rearrange(points, lambda stream: stream.flatten(stream.dim() - 1 - len(shape), -2))
        field = evaluate(flat)
        whole = rearrange(field, lambda stream: stream.unflatten(-2, shape))
        return whole if isinstance(coords, Jet) else whole.value

    def _turns(self, points: Jet) -> Tensor:
        """A member for each of N points, in turn, (N,)."""
        return torch.arange(len(points.value), device=points.value.device) % self.members

    def _mean(self, points: Jet) -> Jet:
        """The mean of all members at N points."""
        count = len(points.value) * self.members
        each = torch.arange(count, device=points.value.device) // self.members
        repeated = rearrange(points, lambda stream: _rows(stream, each))
        fields = self._field(repeated, self._turns(repeated))
        return rearrange(fields, lambda stream: stream.unflatten(-2, (-1, self.members)).mean(-2))

    def _field(self, points: Jet, member: Tensor) -> Jet:
        """One member's blend at each of N points, evaluated by the networks whose windows the point lies in."""
        count = len(points.value)
        visits = Visits.of(points.value.detach(), self.tiles, self.overlap, member)
        visitors = rearrange(points, lambda stream: _rows(stream, visits.point))
        parts = jet.multiply(self._values(visitors, visits), self._windows(visitors, visits))

        def summed(stream: Tensor) -> Tensor:
            total = stream.new_zeros(*stream.shape[:-2], count, stream.shape[-1])
            return total.index_add(-2, visits.point, stream)

        return rearrange(parts, summed)

    def _windows(self, visitors: Jet, visits: Visits) -> Any:
        """Each visited tile's window, (visits, 1): a step per axis, or 1 where no neighbour overlaps."""
        coords = visitors.value
        # A step begins at 0 and ends at 1; its middle stands on the border. At the domain's own border it has ended.
        slope = (2 * visits.side - 1).to(coords) * (self.tiles / 2 / self.overlap) * visits.shared
        start = 1 - visits.shared.to(coords) / 2
        borders = visits.border.to(coords) * (2 / self.tiles) - 1
        steps = jet.elementwise(jet.add(jet.multiply(jet.add(visitors, -borders), slope), start), SMOOTH_STEP)
        columns = [rearrange(steps, lambda stream, i=i: stream[..., i : i + 1]) for i in range(self.in_features)]
        return functools.reduce(jet.multiply, columns)

    def _values(self, visitors: Jet, visits: Visits) -> Jet:
        """What the visited networks say, (visits, C): all of them evaluated at once, on blocks of equal length."""
        middles = (visits.place.to(visitors.value) + 0.5) * (2 / self.tiles) - 1
        # Not by a linear layer, which autocast would round: a coordinate wants its full precision.
        magnified = torch.tensor(1 / self._share, dtype=torch.float64)
        local = jet.multiply(jet.add(visitors, -middles), magnified)
        blocks = Blocks.of(visits.tile, self.networks)
        filled = rearrange(local, lambda stream: _rows(stream, blocks.visit, blocks.shape))
        weights = {name: stack.index_select(0, blocks.tile) for name, stack in self.tile.named_parameters()}

        def one(parameters: dict[str, Tensor], *streams: Tensor) -> tuple[Tensor, ...]:
            x = Jet(*streams, groups=filled.groups)
            return _streams(functional_call(self.tile, parameters, (x,)))

        streams = _streams(filled)
        # The axis of the blocks; a derivative with one row for all points has none.
        axes = (0, 0, *(1 if stream.dim() > filled.value.dim() else None for stream in streams[1:]))
        found = vmap(one, in_dims=axes, out_dims=(0, 1, 1)[: len(streams)])(weights, *streams)
        padded = Jet(*found, groups=filled.groups)
        return rearrange(padded, lambda stream: stream.flatten(-3, -2).index_select(-2, blocks.slot))


def _stack(network: nn.Module, networks: Sequence[nn.Module]) -> None:
    """Put the parameters of all networks, stacked along a leading axis, in place of one network's own."""
    each = [dict(other.named_parameters()) for other in networks]
    for name in each[0]:
        owner, _, leaf = name.rpartition(".")
        stacked = torch.stack([parameters[name].detach() for parameters in each])
        setattr(network.get_submodule(owner), leaf, nn.Parameter(stacked))


def _streams(x: Jet) -> tuple[Tensor, ...]:
    """The parts that a jet has: its value, its gradient, its second derivatives."""
    return tuple(stream for stream in (x.value, x.gradient, x.second) if stream is not None)


def _rows(stream: Tensor, index: Tensor, shape: tuple[int, ...] = (-1,)) -> Tensor:
    """Rows of a value (N, C) or of derivatives (D, N, C) in the given shape; one row for all points stays as it is."""
    *leading, rows, _ = stream.shape
    if leading and rows == 1:
        return stream
    return stream.index_select(-2, index).unflatten(-2, shape)
