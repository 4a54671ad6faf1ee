"""A texture that turns: the video that needs no file. Its value at any time and place is a formula."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.video.files import Frame

# Frames, rows, columns and frames per second.
FRAMES, ROWS, COLUMNS, RATE = 24, 48, 64, 24.0
# Radians by which the texture turns from one frame to the next: a quarter turn in a second.
TURN = math.pi / 2 / RATE
# Waves of the texture, their shortest length in pixels, and the seed of their directions and phases.
WAVES, SHORTEST, SEED = 12, 8.0, 0


def rotating() -> Iterator[Frame]:
    """The frames: the texture is turned about the middle of the picture."""
    rows = np.arange(ROWS)[:, None] + 0.5 - ROWS / 2
    columns = np.arange(COLUMNS)[None, :] + 0.5 - COLUMNS / 2
    for number in range(FRAMES):
        pixels = value(TURN * number, rows, columns)
        yield Frame(np.round(pixels * 255).astype(np.uint8), number / RATE)


def value(angle: float, rows: NDArray, columns: NDArray) -> NDArray[np.float64]:
    """The colours, in [0, 1], at places in pixels from the middle, of the texture turned by an angle in radians."""
    generator = np.random.default_rng(SEED)
    y = math.cos(angle) * rows - math.sin(angle) * columns
    x = math.sin(angle) * rows + math.cos(angle) * columns
    total = np.zeros((*np.broadcast_shapes(rows.shape, columns.shape), 3))
    for _ in range(WAVES):
        direction, length = generator.uniform(0, math.pi), SHORTEST * 4 ** generator.uniform()
        phases = generator.uniform(0, 2 * math.pi, 3)  # one for each colour
        along = (math.cos(direction) * y + math.sin(direction) * x) * 2 * math.pi / length
        total += np.sin(along[..., None] + phases)
    return 0.5 + 0.5 * total / WAVES
