"""RIFE HDv3 (Huang et al. 2022, arXiv 2011.06294): a network that was trained to find both motions to a moment.

Four blocks, from an eighth of the resolution to all of it, correct two motions (to the frame before and to the one
after) and a mask that says which of the moved frames to believe. The published weights hold further parts, for training
and for a refinement that the published inference leaves out; they are not used here either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate, pad

from siren_pl.errors import UserError
from siren_pl.field.weights import fill, read_tensors

# Parts of the resolution at which the blocks work, and their channels.
SCALES, WIDTHS = (8, 4, 2, 1), (192, 128, 96, 64)
# Two frames of three colours and the moment; later also the mask and four components of motion.
FIRST, LATER = 7, 12
# Components of both motions; behind them comes the mask.
MOTIONS = 4
# Convolutions of a block, and its strides of 2 times the coarsest scale: sides are multiples of it.
DEPTH, MULTIPLE = 8, 32 * 4
CURE = "name flownet.pkl of RIFE HDv3, or leave task.reference=null"


class Block(nn.Module):
    """Finds a change of the motions and of the mask at a part of the resolution."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(_convolved(inputs, width // 2, 2), _convolved(width // 2, width, 2))
        self.convblock = nn.Sequential(*(_convolved(width, width, 1) for _ in range(DEPTH)))
        self.lastconv = nn.ConvTranspose2d(width, MOTIONS + 1, 4, 2, 1)

    def forward(self, pictures: Tensor, motions: Tensor | None, scale: int) -> tuple[Tensor, Tensor]:
        """Both changes at full resolution; motions are in pixels of it, columns first."""
        x = interpolate(pictures, scale_factor=1 / scale, mode="bilinear")
        if motions is not None:
            x = torch.cat([x, interpolate(motions, scale_factor=1 / scale, mode="bilinear") / scale], 1)
        x = self.conv0(x)
        # The transposed convolution undoes one of the two strides, the interpolation the other.
        found = interpolate(self.lastconv(x + self.convblock(x)), scale_factor=2 * scale, mode="bilinear")
        return found[:, :MOTIONS] * 2 * scale, found[:, MOTIONS:]


class Rife(nn.Module):
    """The four blocks."""

    def __init__(self) -> None:
        super().__init__()
        for number, width in enumerate(WIDTHS):
            self.add_module(f"block{number}", Block(LATER if number else FIRST, width))

    def forward(self, before: Tensor, after: Tensor, fraction: float) -> Tensor:
        """The picture at a fraction of the interval between pictures (1, 3, H, W) in [0, 1]."""
        moment = torch.full_like(before[:, :1], fraction)
        motions, mask, shown = torch.zeros(()), torch.zeros(()), (before, after)
        for number, scale in enumerate(SCALES):
            block = self.get_submodule(f"block{number}")
            extra = [moment, mask] if number else [moment]
            changes = block(torch.cat([*shown, *extra], 1), motions if number else None, scale)
            motions, mask = motions + changes[0], mask + changes[1]
            shown = _moved(before, motions[:, :2]), _moved(after, motions[:, 2:])
        weight = mask.sigmoid()
        return weight * shown[0] + (1 - weight) * shown[1]


@dataclass(frozen=True)
class Interpolated:
    """Frames at any moment by the network, at the size of the given ones (T, H, W, C), values in [-1, 1]."""

    frames: Tensor
    network: Rife

    @torch.inference_mode()
    def __call__(self, moment: float, places: Tensor) -> Tensor:
        """What is at places (h, w, 2), in pixels, at a moment in intervals; (h, w, C)."""
        from siren_pl.problems.video.interpolation.warping import seen

        number = min(int(moment), len(self.frames) - 2)
        height, width, channels = self.frames.shape[1:]
        margin = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        pair = [_colours(self.frames[n]) / 2 + 0.5 for n in (number, number + 1)]
        found = self.network(*(pad(each, margin) for each in pair), moment - number)[0, :, :height, :width]
        picture = found.movedim(0, -1) * 2 - 1
        picture = picture if channels >= len(found) else picture.mean(-1, keepdim=True)
        # What the network does not know, as alpha, is averaged.
        others = self.frames[number : number + 2, ..., picture.shape[-1] :].mean(0)
        picture = torch.cat([picture, others], -1)
        return seen(picture, places)


def rife_of(path: str | Path) -> Rife:
    """The network with the published weights of a file.

    Raises:
        UserError: The file is missing, damaged or of another network.
    """
    tensors = read_tensors(Path(path), CURE)
    network = Rife()
    own = {name: tensor for name, tensor in tensors.items() if name in network.state_dict()}
    try:
        fill(network, own)
    except ValueError as error:
        raise UserError(f"task.reference={path} holds no weights of RIFE HDv3 ({error}): {CURE}.") from error
    return network


def _convolved(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.PReLU(outputs))


def _moved(picture: Tensor, motion: Tensor) -> Tensor:
    """What a picture shows at pixels displaced by a motion; the corners of the pictures are at -1 and 1."""
    height, width = picture.shape[2:]
    rows, columns = (torch.linspace(-1, 1, n) for n in (height, width))
    there = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)
    step = torch.tensor([2 / (width - 1), 2 / (height - 1)])
    return grid_sample(picture, there + motion.movedim(1, -1) * step, "bilinear", "border", align_corners=True)


def _colours(frame: Tensor) -> Tensor:
    """A frame (H, W, C) as (1, 3, H, W): grey is repeated, alpha left out."""
    shown = frame[..., :3] if frame.shape[-1] >= 3 else frame[..., :1].expand(*frame.shape[:2], 3)  # noqa: PLR2004
    return shown.movedim(-1, 0)[None]
