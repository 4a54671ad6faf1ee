"""CARN-M: cascading blocks of grouped convolutions that share weights (Ahn, Kang and Sohn 2018)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger, convolution

STAGES = 3  # blocks in the network's cascade, and steps in that of each block


def carn_like(tensors: dict[str, Tensor]) -> Carn:
    """Build a network of the sizes in a state dict of github.com/nmhkahn/CARN-pytorch (CARN-M)."""
    features, per_group = len(tensors["entry.weight"]), tensors["b1.b1.body.0.weight"].shape[1]
    scales = {int(name.split(".")[1].removeprefix("up")) for name in tensors if name.startswith("upsample.")}
    return Carn(features, features // per_group, tuple(sorted(scales)))


def cascade(x: Tensor, stages: Iterable[nn.Module], mixers: Iterable[nn.Module]) -> Tensor:
    """Pass features (N, C, H, W) through stages; a mixer gets the input and all stages so far (equations 3 and 4)."""
    seen = x
    for stage, mixer in zip(stages, mixers, strict=True):
        seen = torch.cat([seen, stage(x)], 1)
        x = mixer(seen)
    return x


class EfficientResidual(nn.Module):
    """Two grouped 3 × 3 convolutions and one that joins the groups, with a skip connection (figure 4)."""

    def __init__(self, features: int, groups: int) -> None:
        super().__init__()
        first, second = (convolution(features, features, groups=groups) for _ in range(2))
        self.body = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), convolution(features, features, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        return (self.body(x) + x).relu()


class CascadingBlock(nn.Module):
    """A cascade whose stages are one residual block, with one set of weights."""

    def __init__(self, features: int, groups: int) -> None:
        super().__init__()
        self.b1 = EfficientResidual(features, groups)
        self.c1, self.c2, self.c3 = _mixers(features)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        return cascade(x, [self.b1] * STAGES, [self.c1, self.c2, self.c3])


class Carn(Enlarger):
    """The network: one trunk, and one upsampling end per scale.

    Args:
        features: Channels of every hidden layer.
        groups: Groups of the grouped convolutions.
        scales: Powers of two, or 3.
    """

    title = "CARN-M (Ahn et al. 2018)"

    def __init__(self, features: int, groups: int, scales: tuple[int, ...]) -> None:
        super().__init__()
        self.scales = scales
        # One pixel for the entry, two for each of 3 · 3 residual blocks, and at most 1 + 1/2 + 1/4 + … + 1 after them.
        self.reach = 1 + 2 * STAGES**2 + 3
        self.sub_mean, self.add_mean = _shift(), _shift()
        self.entry = convolution(3, features)
        self.b1, self.b2, self.b3 = (CascadingBlock(features, groups) for _ in range(STAGES))
        self.c1, self.c2, self.c3 = _mixers(features)
        self.upsample = nn.ModuleDict({f"up{scale}": _enlargement(features, groups, scale) for scale in scales})
        self.exit = convolution(features, 3)

    def forward(self, pictures: Tensor, scale: int) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to (N, 3, scale · H, scale · W)."""
        x = self.entry(self.sub_mean(pictures))
        x = cascade(x, [self.b1, self.b2, self.b3], [self.c1, self.c2, self.c3])
        return self.add_mean(self.exit(self.upsample[f"up{scale}"](x)))


def _mixers(features: int) -> list[nn.Module]:
    return [_body(convolution((stage + 1) * features, features, 1), nn.ReLU()) for stage in range(1, STAGES + 1)]


def _shift() -> nn.Module:
    """A layer that subtracts or adds the mean colour of the training pictures, which the file holds."""
    return nn.Sequential(OrderedDict(shifter=convolution(3, 3, 1)))


def _enlargement(features: int, groups: int, scale: int) -> nn.Module:
    """Convolution, ReLU and pixel shuffle: once by 3, or by 2 as often as the scale requires."""
    factors = [3] if scale == 3 else [2] * (scale.bit_length() - 1)  # noqa: PLR2004 - the one odd scale
    layers = [[convolution(features, f**2 * features, groups=groups), nn.ReLU(), nn.PixelShuffle(f)] for f in factors]
    return _body(*(layer for row in layers for layer in row))


def _body(*layers: nn.Module) -> nn.Module:
    """Layers in sequence, under the name that a sequence has in the published files."""
    return nn.Sequential(OrderedDict(body=nn.Sequential(*layers)))
