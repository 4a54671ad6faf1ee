"""Rings around the middle of a square picture."""

import numpy as np


def rings(number, side):
    """The source: so many bright rings between the middle of the picture and the middle of an edge."""
    axis = (2 * np.arange(side) + 1) / side - 1
    radius = np.hypot(axis[:, None], axis)
    return lambda: ("rings", (0.5 - 0.5 * np.cos(2 * np.pi * number * radius))[..., None])
