"""The common part of information distillation networks: blocks in sequence, their joined results, a pixel shuffle.

IMDN (Hui et al. 2019, figure 1) and RFDN (Liu, Tang and Wu 2020, figure 3) differ only in their blocks.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger, convolution

NEGATIVE_SLOPE = 0.05  # of every leaky ReLU in both networks


class DistillationNetwork(Enlarger):
    """The trunk around given blocks. Blocks weight their channels by the whole picture, so `reach` is None.

    Args:
        title: Name and paper.
        blocks: Blocks in order, by their names in the published files.
        features: Channels between blocks.
        scale: The factor of the pixel shuffle.
        smallest_side: Number of pixels that the blocks need along each axis.
        peak: Value of white in the pictures on which the network was trained.
    """

    def __init__(
        self,
        title: str,
        blocks: Mapping[str, nn.Module],
        features: int,
        scale: int,
        smallest_side: int = 1,
        peak: float = 1.0,
    ) -> None:
        super().__init__()
        self.title, self.scales, self.smallest_side, self.peak = title, (scale,), smallest_side, peak
        self.fea_conv = convolution(3, features)
        self.block_names = tuple(blocks)
        for name, block in blocks.items():
            self.add_module(name, block)
        self.c = nn.Sequential(convolution(len(blocks) * features, features, 1), nn.LeakyReLU(NEGATIVE_SLOPE))
        self.LR_conv = convolution(features, features)
        self.upsampler = nn.Sequential(convolution(features, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, pictures: Tensor, scale: int) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to (N, 3, scale · H, scale · W)."""
        results = [self.fea_conv(pictures * self.peak)]
        for name in self.block_names:
            results.append(self.get_submodule(name)(results[-1]))
        joined = self.c(torch.cat(results[1:], 1))
        return self.upsampler(self.LR_conv(joined) + results[0]) / self.peak


def blocks_named(tensors: Mapping[str, Tensor], stem: str) -> list[str]:
    """The names of the blocks in a state dict, stem1, stem2, …, in order."""
    heads = {name.split(".")[0] for name in tensors}
    return [f"{stem}{index}" for index in range(1, len(heads) + 1) if f"{stem}{index}" in heads]
