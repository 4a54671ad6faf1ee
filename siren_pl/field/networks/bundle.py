"""Bundle: several named fields and named numbers in one module, for problems with more than one unknown.

A bundle of one field holds only `network`, so that checkpoints of one field look the same with or without a bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from siren_pl.field.jet import Jet
from siren_pl.field.networks.base import CoordinateNetwork


class Bundle(nn.Module):
    """Named fields, the first of which leads, and named numbers that are fitted together with them.

    Args:
        fields: Networks by name; in checkpoints the first is called `network`, the others by their names.
        numbers: Initial value of each number.

    Attributes:
        network: The leading field.
        others: The other fields.
        numbers: Parameters of shape ().
    """

    def __init__(self, fields: Mapping[str, CoordinateNetwork], numbers: Mapping[str, float] | None = None) -> None:
        super().__init__()
        (self.leading, self.network), *others = fields.items()
        self.others = nn.ModuleDict(dict(others))
        self.numbers = nn.ParameterDict({name: torch.tensor(start) for name, start in (numbers or {}).items()})

    def named_fields(self) -> dict[str, CoordinateNetwork]:
        """Every field by name, the leading one first."""
        return {self.leading: self.network, **self.others}  # type: ignore[dict-item] - a ModuleDict's modules

    def forward(self, coords: Tensor | Jet, field: str | None = None) -> Any:
        """Evaluate one field (the leading one if None) at coords (N, D); a jet in gives a jet out."""
        chosen = self.network if field in (None, self.leading) else self.others[field]
        return chosen(coords)

    @property
    def fixed_shapes(self) -> bool:
        """Whether all fields have fixed shapes (`CoordinateNetwork.fixed_shapes`)."""
        return all(network.fixed_shapes for network in self.named_fields().values())

    def by_field(self) -> dict[str, list[nn.Parameter]]:
        """The weights of each field; the numbers are listed with those of the leading field."""
        found = {name: list(network.parameters()) for name, network in self.named_fields().items()}
        found[self.leading] += self.numbers.values()
        return found

    def stacks(self) -> dict[str, int]:
        """For each weight and number by name, how many leading axes count small networks, or entries of a table."""
        counts: dict[Tensor, int] = {}
        for network in self.named_fields().values():
            for name, weight in network.named_parameters():
                counts[weight] = weight.dim() if name in network.tables else int(network.networks > 1)
        return {name: counts.get(weight, 0) for name, weight in self.named_parameters()}

    def own(self) -> list[str]:
        """Names of the weights and numbers that belong to one signal, in the order of `named_parameters`."""
        prefixes = {"network.": self.network} | {f"others.{name}.": each for name, each in self.others.items()}
        shared = set()
        for prefix, network in prefixes.items():
            names = [name for name, _ in network.named_parameters()]
            shared |= {prefix + name for name in names if network.own is not None and name not in network.own}  # type: ignore[operator]
        return [name for name, _ in self.named_parameters() if name not in shared]
