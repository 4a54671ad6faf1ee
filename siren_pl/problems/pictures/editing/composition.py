"""Compositions: they read the pictures of an edit, fit them to the target, and solve the edit directly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.pictures.damage import marked
from siren_pl.problems.pictures.editing.clones import CloningEdit
from siren_pl.problems.pictures.editing.edits import Edit, GradientEdit, Material
from siren_pl.problems.pictures.editing.guidance import checked_weights, first, strongest, weighted
from siren_pl.problems.pictures.files import read_picture
from siren_pl.problems.pictures.images import BUNDLED, as_pixels, bundled, luma, resize_pixels, stored
from siren_pl.problems.pictures.scores import IMAGE_AXES
from siren_pl.problems.sampled.levels import Pixels
from siren_pl.problems.sampled.observations import Everything
from siren_pl.problems.sampled.observations.base import Shape
from siren_pl.problems.sampled.observations.masks import require_shape
from siren_pl.problems.sampled.signal import MOST_NUMBERS, SampledSignal

# Without a mask, an ellipse in the middle is used; its axes are this fraction of the picture's sides.
ELLIPSE = 0.55
# Channels of pictures that can be converted to one another: grey and colour, each with or without alpha.
MOST_CHANNELS, WITH_ALPHA = 4, (2, 4)

# Makes an edit from its material.
Make = Callable[[Material], Edit]


@dataclass(frozen=True)
class Composition:
    """Makes a signal of the edited picture of a target: the direct solution, and the measurements that determine it.

    Attributes:
        name: The name of the kind of edit.
        sources: Files, or names in `BUNDLED`.
        make: Makes the edit from its material.
        mask: Returns the mask inside which gradients come from the sources, given the shape (H, W).
        weights: Weights of the pictures' means, the target's first.
        offset: Rows and columns by which the sources are moved down and to the right.
        resize: Filter that resizes the sources to the target's size.
    """

    name: str
    sources: Sequence[str]
    make: Make
    mask: Callable[[Shape], Tensor]
    weights: Sequence[float]
    offset: Sequence[int] = (0, 0)
    resize: str = "bilinear"

    def __call__(self, target: SampledSignal) -> SampledSignal:
        """Make the edited picture of a target.

        Raises:
            UserError: A source or the mask does not fit the target, or part of the target is withheld.
        """
        if target.in_features != IMAGE_AXES:
            raise UserError("task=poisson_edit edits images: choose a dataset of images, such as dataset=image.")
        if target.data is not None and target.has_truth:
            raise UserError("dataset.reference: an edited picture's truth is its direct solution; leave it out.")
        if not isinstance(target.observation, Everything) or target.observation.noise:
            raise UserError(f"{target.withheld} withholds pixels of the target, but an edit needs all of them.")
        if target.is_large:
            raise UserError(
                f"{target.name} has more than the {MOST_NUMBERS} numbers that are edited at once: choose a smaller "
                "dataset.size, or a dataset.crop."
            )
        pictures = [self._source(name, target) for name in self.sources]
        material = Material(
            target.values,
            torch.stack([values for _, values in pictures]),
            (target.name, *(name for name, _ in pictures)),
            self.mask(target.shape),
            tuple(self.weights),
        )
        edit = self.make(material)
        data = edit.data
        truth = edit.picture(data, target.shape).float()
        name = "_".join((*material.names, self.name))
        return SampledSignal(truth, name, target.grid, edit, data.float(), container=target.container)

    def _source(self, named: str, target: SampledSignal) -> tuple[str, Tensor]:
        """The name of a source, and its values (H, W, C) after conversion to the target's size and channels, moved."""
        name, samples = (named, bundled(named)()[1]) if named in BUNDLED else _read(named)
        pixels = with_channels(covering(samples, target.shape, self.resize), target.out_features, named)
        rows, columns = (np.clip(np.arange(n) - by, 0, n - 1) for n, by in zip(target.shape, self.offset, strict=True))
        return name, stored(pixels[rows][:, columns])


def _read(named: str) -> tuple[str, NDArray]:
    if not Path(named).suffix and not Path(named).exists():
        raise UserError(f"task.sources: {named} is neither a file nor one of {', '.join(BUNDLED)}.")
    return Path(named).stem, read_picture(Path(named), "task.sources")[0]


def covering(samples: NDArray, size: Shape, resize: str) -> Pixels:
    """Crop samples (H, W, C) around their middle to the proportions of a size, and resize them: pixels in [0, 1]."""
    height, width = samples.shape[:2]
    scale = min(height / size[0], width / size[1])
    sides = [max(1, round(n * scale)) for n in size]
    top, left = ((n - side) // 2 for n, side in zip((height, width), sides, strict=True))
    cut = samples[top : top + sides[0], left : left + sides[1]]
    return resize_pixels(as_pixels(cut), (size[0], size[1]), resize)


def with_channels(pixels: Pixels, channels: int, name: str) -> Pixels:
    """Convert pixels (H, W, C) to another number of channels.

    Grey is repeated, colour becomes luma, alpha is left out or added as opaque.

    Raises:
        UserError: The pixels or the target have more channels than colour with alpha.
    """
    if pixels.shape[-1] == channels:
        return pixels
    if max(channels, pixels.shape[-1]) > MOST_CHANNELS:
        raise UserError(f"task.sources: {name} has {pixels.shape[-1]} channels and the target {channels}.")
    colour = pixels[..., :-1] if pixels.shape[-1] in WITH_ALPHA else pixels
    if channels <= min(WITH_ALPHA) < colour.shape[-1]:
        colour = luma(colour)
    if channels > min(WITH_ALPHA) > colour.shape[-1]:
        colour = np.repeat(colour, 3, axis=-1)
    return np.concatenate([colour, np.ones_like(pixels[..., :1])], -1) if channels in WITH_ALPHA else colour


def everywhere(shape: Shape) -> Tensor:
    """A mask of a whole picture."""
    return torch.ones(shape, dtype=torch.bool)


def ellipse(shape: Shape) -> Tensor:
    """A mask that is an ellipse in the middle of a picture."""
    axes = [(2 * np.arange(n) + 1 - n) / (ELLIPSE * n) for n in shape]
    return torch.from_numpy(np.add.outer(*(axis**2 for axis in axes)) < 1)


def mask_file(path: str) -> Callable[[Shape], Tensor]:
    """Make a function that reads the white pixels of a file with the target's size.

    Raises:
        UserError: The file is not readable or has another size.
    """

    def read(shape: Shape) -> Tensor:
        mask = marked(path)
        require_shape(mask, shape, f"task.mask={path}", "target")
        return mask

    return read


def edited(
    mode: str = "clone",
    sources: Sequence[str] = ("chelsea",),
    weights: Sequence[float] | None = None,
    mixed: bool = False,
    mask: str | None = None,
    offset: Sequence[int] = (0, 0),
    stencil: str = "spectral",
    resize: str = "bilinear",
) -> Composition:
    """Make an edit by the name of its mode.

    Args:
        mode: `clone` (a source's gradients inside a mask), `fuse` (weighted gradients) or `mixed` (the longest ones).
        sources: Files, or names of pictures that ship with scikit-image; one for `clone`.
        weights: Weights for `fuse`, and for the mean, which gradients do not determine; the target's first, equal if
            None.
        mixed: For `clone`: whether to take the longer of the source's and the target's gradients, so that the source
            seems transparent.
        mask: For `clone`: a file that is white where the source is cloned; None for an ellipse in the middle.
        offset: Rows and columns by which the sources are moved down and to the right.
        stencil: For `fuse` and `mixed`: the derivative of the samples.
        resize: Filter that resizes the sources to the target's size.

    Raises:
        UserError: Sources and weights do not fit the mode.
    """
    if not sources:
        raise UserError("task.sources=[] names no picture: give files, or names such as chelsea.")
    shares = checked_weights(weights or [1 / (len(sources) + 1)] * (len(sources) + 1), len(sources) + 1)
    if mode == "clone":
        if len(sources) > 1:
            raise UserError(f"task.mode=clone takes one source, not {len(sources)}: use fuse or mixed for several.")
        rule, where = strongest if mixed else first, mask_file(mask) if mask else ellipse
        return Composition(mode, sources, lambda material: CloningEdit(material, rule), where, shares, offset, resize)
    if mask or mixed:
        raise UserError(f"task.mask and task.mixed belong to task.mode=clone, not to {mode}: leave them out.")
    rules = {"fuse": weighted(shares), "mixed": strongest}
    make = lambda material: GradientEdit(material, rules[mode], stencil)  # noqa: E731 - as short as the other
    return Composition(mode, sources, make, everywhere, shares, offset, resize)
