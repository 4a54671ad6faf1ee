"""Loading of published weights: the tensors in a file determine the network, and must all fit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from siren_pl.errors import UserError
from siren_pl.field.weights import fill, read_tensors
from siren_pl.problems.pictures.rivals.references.carn import carn_like
from siren_pl.problems.pictures.rivals.references.enlarger import COLOURS, Enlarger
from siren_pl.problems.pictures.rivals.references.imdn import imdn_like
from siren_pl.problems.pictures.rivals.references.rfdn import rfdn_like
from siren_pl.problems.pictures.rivals.references.srgan import srgan_like
from siren_pl.problems.pictures.rivals.references.tiles import in_tiles

Pixels = NDArray[np.float64]

# For each layout, a tensor that no other layout has, and the builder of a network of the sizes in a file.
LAYOUTS: dict[str, Callable[[dict[str, Tensor]], Enlarger]] = {
    "block2.prelu.weight": srgan_like,
    "B1.c1_r.weight": rfdn_like,
    "IMDB1.cca.conv_du.0.weight": imdn_like,
    "b1.b1.body.0.weight": carn_like,
}
KNOWN = "the generator of leftthomas/SRGAN, RFDN, IMDN and CARN-M"


def pretrained(path: str | Path) -> Pretrained:
    """Load a published super-resolution network, without using any random generator.

    Args:
        path: A state dict written by torch.save, of SRGAN's generator (leftthomas/SRGAN), RFDN (njulj/RFDN), IMDN
            (Zheng222/IMDN) or CARN-M (nmhkahn/CARN-pytorch).

    Raises:
        UserError: The file is missing, damaged or of another layout, or tensors are missing, left over or misshapen.
    """
    path = Path(path)
    tensors = read_tensors(path, f"name a file of published weights; {KNOWN} are known")
    layouts = [like for name, like in LAYOUTS.items() if name in tensors]
    if len(layouts) != 1:
        some = ", ".join(list(tensors)[:3]) or "nothing"
        raise UserError(f"{path} holds {some} …, which is no layout known here: {KNOWN} are.")
    try:
        with torch.device("meta"):  # the weights are replaced at once, so they need neither memory nor random numbers
            network = layouts[0](tensors)
        fill(network, tensors)
    except (KeyError, ValueError, IndexError, TypeError, ZeroDivisionError, RuntimeError) as error:
        raise UserError(
            f"{path} begins like a file of {layouts[0].__name__.removesuffix('_like').upper()}, but its tensors do not "
            f"fit together ({error}): fetch the published file again; {KNOWN} are known."
        ) from error
    return Pretrained(network, path)


@dataclass(frozen=True)
class Pretrained:
    """A network with its published weights.

    Attributes:
        network: The network, which takes batches (N, 3, H, W) on its device.
        path: The file of its weights.
    """

    network: Enlarger
    path: Path

    def require_scale(self, scale: int) -> None:
        """Refuse a factor for which the network was not trained.

        Raises:
            UserError: It was not trained for this factor; the message names the others.
        """
        if scale not in self.network.scales:
            has = ", ".join(f"×{known}" for known in self.network.scales)
            raise UserError(f"{self.path} is {self.network.title} for {has}, not ×{scale}: name weights of that scale.")

    def enlarge(self, pixels: Pixels, scale: int) -> Pixels:
        """Enlarge pixels (H, W, C) in [0, 1], with C = 1 or 3, to (scale · H, scale · W, C) in [0, 1], float64.

        Grey is repeated over three channels, and the result averaged. If a picture has fewer pixels than the network
        needs, its last row and column are repeated.

        Raises:
            UserError: The network has no such scale, or the picture is neither grey nor RGB.
        """
        self.require_scale(scale)
        height, width, channels = pixels.shape
        if channels not in (1, COLOURS):
            raise UserError(f"{self.network.title} ({self.path}) enlarges grey or RGB, not {channels} channels.")
        parameter = next(self.network.parameters())
        picture = torch.from_numpy(pixels).to(parameter).movedim(-1, 0)[None].expand(-1, COLOURS, -1, -1)
        short = [max(0, self.network.smallest_side - side) for side in (width, height)]
        picture = pad(picture, (0, short[0], 0, short[1]), mode="replicate")
        with torch.inference_mode():
            large = in_tiles(self.network, picture, scale)
        result = large[0, :, : scale * height, : scale * width].movedim(0, -1).double().cpu().numpy().clip(0, 1)
        return result.mean(-1, keepdims=True) if channels == 1 else result
