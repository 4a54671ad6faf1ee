"""Damage that withholds pixels of an image: given by a mask file, random, or text and scratches drawn over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.pictures.files import read_picture
from siren_pl.problems.sampled.observations import GivenMask, Mask, RandomFraction
from siren_pl.problems.sampled.observations.base import Shape

if TYPE_CHECKING:
    from PIL.Image import Image

    Draw = Callable[[Image, np.random.Generator], None]

# Text height in fractions of the image's height, line spacing in text heights, and the words.
TEXT_HEIGHT, LINE_SPACING, WORDS = 0.05, 1.6, "the quick brown fox jumps over the lazy dog "
# Number of scratches, and their width in fractions of the longer side.
SCRATCHES, SCRATCH_WIDTH = 24, 1 / 200


class Drawn(Mask):
    """Observation of the pixels that a drawing does not cover.

    Args:
        draw: Draws the damage in white on a Pillow image of one channel.
        option: The option that asked for the observation.
        seed: Seeds the drawing.
    """

    def __init__(self, draw: Draw, option: str, seed: int = 0) -> None:
        self._draw, self.option, self._seed = draw, option, seed

    @override
    def observed(self, shape: Shape) -> Tensor:
        from PIL import Image

        if len(shape) != 2:  # noqa: PLR2004 - rows and columns
            raise UserError(
                f"{self.option} is drawn on pictures, and this signal has {len(shape)} axes: use task.keep."
            )
        sheet = Image.new("L", (shape[1], shape[0]))
        self._draw(sheet, np.random.default_rng(self._seed))
        return torch.from_numpy(np.asarray(sheet) == 0)


def text(sheet: Image, _generator: np.random.Generator) -> None:
    """Draw lines of words from edge to edge."""
    from PIL import ImageDraw, ImageFont

    height = max(6.0, TEXT_HEIGHT * sheet.height)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(height)
    for number in range(int(sheet.height / (LINE_SPACING * height)) + 1):
        line = (WORDS[3 * number % len(WORDS) :] + WORDS) * (1 + int(sheet.width / height))
        pen.text((0, number * LINE_SPACING * height), line, fill=255, font=font)


def scratches(sheet: Image, generator: np.random.Generator) -> None:
    """Draw straight lines between random places on the border."""
    from PIL import ImageDraw

    pen, width = ImageDraw.Draw(sheet), max(1, round(SCRATCH_WIDTH * max(sheet.size)))
    for start, end in generator.random((SCRATCHES, 2)):
        pen.line((start * sheet.width, 0, end * sheet.width, sheet.height), fill=255, width=width)


DRAWINGS = {"text": text, "scratches": scratches}


def mask(path: str | None = None, keep: float | None = None, damage: str | None = None, seed: int = 0) -> Mask:
    """Make the observation of a picture's known pixels from one of the first three arguments, by default from text.

    Args:
        path: An image file of the picture's size in which known pixels are white.
        keep: Fraction of known pixels, in (0, 1], which are chosen at random.
        damage: text or scratches, drawn over the picture.
        seed: Seeds the random choices.

    Raises:
        UserError: Several of the three are given, or the file is not readable.
    """
    given = {"task.mask": path, "task.keep": keep, "task.damage": damage}
    asked = [f"{key}={value}" for key, value in given.items() if value is not None]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)} both say what is known of the picture: give one of them.")
    if not asked or damage is not None:
        chosen = damage or "text"
        return Drawn(DRAWINGS[chosen], f"task.damage={chosen}", seed)
    if keep is not None:
        if not 0 < keep <= 1:
            raise UserError(f"task.keep={keep} must lie in (0, 1]: it is the fraction of the pixels that is known.")
        return RandomFraction(1 - keep, seed, asked[0])
    return GivenMask(marked(str(path)), asked[0])


def marked(path: str) -> Tensor:
    """Read the white pixels of the mask file `task.mask`, bool (H, W).

    Raises:
        UserError: The file is not readable, or holds values that are NaN or infinite.
    """
    samples = read_picture(Path(path), "task.mask")[0]
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise UserError(f"task.mask={path} holds values that are NaN or infinite: save it again, white where known.")
    # More than half of the range counts as white; alpha, if any, is ignored.
    half = np.iinfo(samples.dtype).max / 2 if samples.dtype.kind == "u" else 0.5
    return torch.from_numpy(samples[..., 0] > half)
