"""The generator of SRGAN, a deep residual network trained against a discriminator (Ledig et al. 2017, figure 4).

This is the version of github.com/leftthomas/SRGAN: it has a PReLU, not a batch norm, after the residual blocks, and at
the end a hyperbolic tangent that is mapped to [0, 1].
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger, convolution

EDGE_KERNEL = 9  # side of the first and the last kernel
SHUFFLE = 2  # every sub-pixel convolution doubles the picture


def srgan_like(tensors: dict[str, Tensor]) -> Srgan:
    """Build a generator of the sizes in a state dict of github.com/leftthomas/SRGAN."""
    blocks = sum(name.endswith(".conv1.weight") for name in tensors)
    doublings = sum(name.startswith(f"block{blocks + 3}.") and name.endswith(".conv.weight") for name in tensors)
    return Srgan(len(tensors["block1.0.weight"]), blocks, doublings)


class Residual(nn.Module):
    """Two normalised convolutions around a PReLU, added to their input."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = convolution(features, features)
        self.bn1 = nn.BatchNorm2d(features)
        self.prelu = nn.PReLU()
        self.conv2 = convolution(features, features)
        self.bn2 = nn.BatchNorm2d(features)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))


class Srgan(Enlarger):
    """The generator.

    Args:
        features: Channels of every hidden layer.
        blocks: Residual blocks.
        doublings: Sub-pixel convolutions at the end.
    """

    title = "SRGAN (Ledig et al. 2017)"

    def __init__(self, features: int, blocks: int, doublings: int) -> None:
        super().__init__()
        self.scales = (SHUFFLE**doublings,)
        # Half of the first kernel, two pixels for each block and one after them. Everything after the first doubling
        # reaches at most half a kernel, since its pixels are smaller.
        self.reach = EDGE_KERNEL // 2 + 2 * blocks + 1 + EDGE_KERNEL // 2
        entry = nn.Sequential(convolution(3, features, EDGE_KERNEL), nn.PReLU())
        middle = [Residual(features) for _ in range(blocks)]
        after = nn.Sequential(convolution(features, features), nn.PReLU())
        names = (f"block{index}" for index in range(1, blocks + 4))
        doubled = [_doubling(features) for _ in range(doublings)]
        end = nn.Sequential(*doubled, convolution(features, 3, EDGE_KERNEL))
        for name, block in zip(names, [entry, *middle, after, end], strict=True):
            self.add_module(name, block)

    def forward(self, pictures: Tensor, scale: int) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to (N, 3, scale · H, scale · W) in [0, 1]."""
        entry, *middle, end = self.children()
        first = x = entry(pictures)
        for block in middle:
            x = block(x)
        return (end(first + x).tanh() + 1) / 2


def _doubling(features: int) -> nn.Sequential:
    layers = {
        "conv": convolution(features, SHUFFLE**2 * features),
        "pixel_shuffle": nn.PixelShuffle(SHUFFLE),
        "prelu": nn.PReLU(),
    }
    return nn.Sequential(OrderedDict(layers))
