"""IMDN: blocks that set some of their channels aside at every step (Hui, Gao, Yang and Wang 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from siren_pl.problems.pictures.rivals.references.distillation import NEGATIVE_SLOPE, DistillationNetwork, blocks_named
from siren_pl.problems.pictures.rivals.references.enlarger import convolution, scale_of_shuffle


def imdn_like(tensors: dict[str, Tensor]) -> DistillationNetwork:
    """Build a network of the sizes in a state dict of github.com/Zheng222/IMDN."""
    features, kept = len(tensors["fea_conv.weight"]), len(tensors["IMDB1.c4.weight"])
    squeezed = len(tensors["IMDB1.cca.conv_du.0.weight"])
    blocks = {name: MultiDistillation(features, kept, squeezed) for name in blocks_named(tensors, "IMDB")}
    return DistillationNetwork(
        "IMDN (Hui et al. 2019)", blocks, features, scale_of_shuffle(tensors, "upsampler.0.weight")
    )


class ContrastAttention(nn.Module):
    """Weights each channel by its contrast over the picture: standard deviation plus mean (equation 6)."""

    def __init__(self, features: int, squeezed: int) -> None:
        super().__init__()
        squeeze, widen = convolution(features, squeezed, 1), convolution(squeezed, features, 1)
        self.conv_du = nn.Sequential(squeeze, nn.ReLU(), widen, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
        return x * self.conv_du(variance.sqrt() + mean)


class MultiDistillation(nn.Module):
    """Four convolutions, each but the last of which sets `kept` channels aside and passes on the rest (equation 4)."""

    def __init__(self, features: int, kept: int, squeezed: int) -> None:
        super().__init__()
        self.parts = [kept, features - kept]
        self.c1 = convolution(features, features)
        self.c2 = convolution(features - kept, features)
        self.c3 = convolution(features - kept, features)
        self.c4 = convolution(features - kept, kept)
        self.c5 = convolution(4 * kept, features, 1)
        self.cca = ContrastAttention(4 * kept, squeezed)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        aside, rest = [], x
        for step in (self.c1, self.c2, self.c3):
            part, rest = leaky_relu(step(rest), NEGATIVE_SLOPE).split(self.parts, 1)
            aside.append(part)
        return x + self.c5(self.cca(torch.cat([*aside, self.c4(rest)], 1)))
