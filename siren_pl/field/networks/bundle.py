"""Several named fields and named numbers in one module: what a problem with more than one unknown is fitted by.

A bundle of one field holds nothing but `network`, so its weights are called what they are called in that network alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from siren_pl.field.jet import Jet
from siren_pl.field.networks.base import CoordinateNetwork


class Bundle(nn.Module):
    """Named fields, of which the first leads, and named numbers that are fitted with them.

    Args:
        fields: Networks by name; the first is called `network` in checkpoints, the others by their names.
        numbers: Where the fit of each number begins.

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
        """Every field by its name, the leading one first."""
        return {self.leading: self.network, **self.others}  # type: ignore[dict-item] - a ModuleDict's modules

    def forward(self, coords: Tensor | Jet, field: str | None = None) -> Any:
        """Evaluate one field at coords (N, D): a tensor of a tensor, a jet of a jet."""
        chosen = self.network if field in (None, self.leading) else self.others[field]
        return chosen(coords)

    @property
    def fixed_shapes(self) -> bool:
        """Whether every field's shapes follow from those of the coordinates (`CoordinateNetwork.fixed_shapes`)."""
        return all(network.fixed_shapes for network in self.named_fields().values())

    def by_field(self) -> dict[str, list[nn.Parameter]]:
        """The weights of each field; the numbers stand with those of the leading one."""
        found = {name: list(network.parameters()) for name, network in self.named_fields().items()}
        found[self.leading] += self.numbers.values()
        return found

    def own(self) -> list[str]:
        """Names of the weights and numbers that belong to one signal, in the order of `named_parameters`."""
        prefixes = {"network.": self.network} | {f"others.{name}.": each for name, each in self.others.items()}
        shared = set()
        for prefix, network in prefixes.items():
            names = [name for name, _ in network.named_parameters()]
            shared |= {prefix + name for name in names if network.own is not None and name not in network.own}  # type: ignore[operator]
        return [name for name, _ in self.named_parameters() if name not in shared]
