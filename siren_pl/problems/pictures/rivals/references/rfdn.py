"""RFDN: distillation by 1 × 1 convolutions parallel to shallow residual blocks (Liu, Tang and Wu 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, max_pool2d

from siren_pl.problems.pictures.rivals.references.distillation import NEGATIVE_SLOPE, DistillationNetwork, blocks_named
from siren_pl.problems.pictures.rivals.references.enlarger import convolution, scale_of_shuffle

# The attention uses the maxima of a convolution of stride 2 without padding over every third window of 7 × 7.
WINDOW, WINDOW_STRIDE, STRIDE = 7, 3, 2
SMALLEST_SIDE = STRIDE * (WINDOW - 1) + 3  # so that one such window exists
PEAK = 255.0  # the authors trained on 8-bit levels


def rfdn_like(tensors: dict[str, Tensor]) -> DistillationNetwork:
    """Build a network of the sizes in a state dict of github.com/njulj/RFDN."""
    features, kept = len(tensors["fea_conv.weight"]), len(tensors["B1.c4.weight"])
    squeezed = len(tensors["B1.esa.conv1.weight"])
    blocks = {name: ResidualDistillation(features, kept, squeezed) for name in blocks_named(tensors, "B")}
    scale = scale_of_shuffle(tensors, "upsampler.0.weight")
    return DistillationNetwork("RFDN (Liu et al. 2020)", blocks, features, scale, SMALLEST_SIDE, PEAK)


class SpatialAttention(nn.Module):
    """Enhanced spatial attention: weights each pixel by its wide neighbourhood (Liu et al. 2020, CVPR, figure 4)."""

    def __init__(self, features: int, squeezed: int) -> None:
        super().__init__()
        self.conv1 = convolution(features, squeezed, 1)
        self.conv_f = convolution(squeezed, squeezed, 1)
        self.conv2 = nn.Conv2d(squeezed, squeezed, 3, stride=STRIDE)
        self.conv_max = convolution(squeezed, squeezed)
        self.conv3 = convolution(squeezed, squeezed)
        self.conv3_ = convolution(squeezed, squeezed)
        self.conv4 = convolution(squeezed, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        narrow = self.conv1(x)
        wide = max_pool2d(self.conv2(narrow), WINDOW, WINDOW_STRIDE)
        wide = self.conv3_(self.conv3(self.conv_max(wide).relu()).relu())
        wide = interpolate(wide, x.shape[2:], mode="bilinear")
        return x * self.conv4(wide + self.conv_f(narrow)).sigmoid()


class ResidualDistillation(nn.Module):
    """Three residual convolutions, each parallel to a 1 × 1 convolution that sets `kept` channels aside (figure 2d)."""

    def __init__(self, features: int, kept: int, squeezed: int) -> None:
        super().__init__()
        for step in range(1, 4):
            self.add_module(f"c{step}_d", convolution(features, kept, 1))
            self.add_module(f"c{step}_r", convolution(features, features))
        self.c4 = convolution(features, kept)
        self.c5 = convolution(4 * kept, features, 1)
        self.esa = SpatialAttention(features, squeezed)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        aside = []
        for step in range(1, 4):
            aside.append(_active(self.get_submodule(f"c{step}_d")(x)))
            x = _active(self.get_submodule(f"c{step}_r")(x) + x)
        return self.esa(self.c5(torch.cat([*aside, _active(self.c4(x))], 1)))


def _active(x: Tensor) -> Tensor:
    return leaky_relu(x, NEGATIVE_SLOPE)
