"""The interface of the super-resolution networks, so that one function can run them all."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

COLOURS = 3


class Enlarger(nn.Module, ABC):
    """A network that enlarges pictures by fixed whole factors, with its own normalisation inside.

    Attributes:
        title: Its name and paper, for messages and tables.
        scales: The factors for which it was trained.
        smallest_side: The smallest number of pixels along an axis that its layers accept.
        reach: The largest distance, in pixels of the small picture, at which an input affects an output; None if every
            input affects every output, so that a picture cannot be processed in parts.
    """

    title: str
    scales: tuple[int, ...]
    smallest_side: int = 1
    reach: int | None = None

    @abstractmethod
    def forward(self, pictures: Tensor, scale: int) -> Tensor:
        """Enlarge pictures (N, 3, H, W) in [0, 1] to (N, 3, scale · H, scale · W), which may overshoot [0, 1]."""


def convolution(inputs: int, outputs: int, side: int = 3, groups: int = 1) -> nn.Conv2d:
    """A convolution with a side × side kernel that keeps height and width."""
    return nn.Conv2d(inputs, outputs, side, padding=side // 2, groups=groups)


def scale_of_shuffle(tensors: dict[str, Tensor], name: str) -> int:
    """Find the factor of a pixel shuffle from the convolution before it, which has factor² outputs per channel.

    Raises:
        ValueError: The number of outputs is not a square times the number of channels.
    """
    scale = round((len(tensors[name]) / COLOURS) ** 0.5)
    if COLOURS * scale**2 != len(tensors[name]):
        raise ValueError(f"{name} has {len(tensors[name])} outputs, which no pixel shuffle takes")
    return scale
