"""What every super-resolution network here offers, so that one function can run them all."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Enlarger(nn.Module, ABC):
    """A network that enlarges pictures by fixed whole factors, with its own normalisation inside.

    Attributes:
        title: Its name and paper, for messages and tables.
        scales: The factors it was trained for.
        smallest_side: Pictures of fewer pixels along an axis do not pass through its layers.
        reach: How many pixels away, in the small picture, an input can change an output; None where every input can
            change every output, so that a picture cannot be worked through in parts.
    """

    title: str
    scales: tuple[int, ...]
    smallest_side: int = 1
    reach: int | None = None

    @abstractmethod
    def forward(self, pictures: Tensor, scale: int) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to (N, 3, scale · H, scale · W), which may overshoot [0, 1]."""


def convolution(inputs: int, outputs: int, side: int = 3, groups: int = 1) -> nn.Conv2d:
    """A convolution by a side × side kernel that keeps height and width."""
    return nn.Conv2d(inputs, outputs, side, padding=side // 2, groups=groups)


def scale_of_shuffle(tensors: dict[str, Tensor], name: str, inputs: int = 3) -> int:
    """The factor of a pixel shuffle, from the convolution before it: factor² outputs for each of its channels.

    Raises:
        ValueError: The number of outputs is not such a product.
    """
    scale = round((len(tensors[name]) / inputs) ** 0.5)
    if inputs * scale**2 != len(tensors[name]):
        raise ValueError(f"{name} has {len(tensors[name])} outputs, which no pixel shuffle takes")
    return scale
