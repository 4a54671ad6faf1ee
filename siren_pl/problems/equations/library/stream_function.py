"""Steady flow in a square with a sliding lid, by collocation of the stream function at Chebyshev's points.

With u = ψ_y and v = -ψ_x the volume is kept, and what is left is u·∇Δψ = Δ²ψ / Re (Trefethen 2000, chapters 6 and 14).

Letters: n polynomials along an axis, N = n² nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Series = tuple[NDArray[np.float64], ...]
# The highest degree of a polynomial, and Newton's steps: both leave errors below those of any field here.
DEGREE, STEPS = 32, 7


@lru_cache(maxsize=1)
def cavity_flow(reynolds: float, lid: Callable[[NDArray], NDArray]) -> Series:
    """Coefficients (n, n) of the Chebyshev series of u, v and p on the unit square, p = 0 in the corner (0, 0).

    Args:
        reynolds: Reynolds's number, of the side and of a lid of speed one.
        lid: The lid's speed at places along it.
    """
    along, nodes = _differentiation()
    one = np.eye(DEGREE + 1)
    by_x, by_y = np.kron(along, one), np.kron(one, along)
    curl = by_x @ by_x + by_y @ by_y
    viscous = curl @ curl / reynolds
    rim, beside, conditions, wanted = _walls(by_x, by_y, lid((nodes + 1) / 2))
    stream = np.zeros(len(by_x))
    for _ in range(STEPS):
        u, v, vorticity = by_y @ stream, -by_x @ stream, curl @ stream
        slope_x, slope_y = by_x @ vorticity, by_y @ vorticity
        residual = u * slope_x + v * slope_y - viscous @ stream
        matrix = slope_x[:, None] * by_y - slope_y[:, None] * by_x - viscous
        matrix += u[:, None] * (by_x @ curl) + v[:, None] * (by_y @ curl)
        matrix[rim], residual[rim] = np.eye(len(stream))[rim], stream[rim]
        matrix[beside], residual[beside] = conditions, conditions @ stream - wanted
        stream = stream - np.linalg.solve(matrix, residual)
    u, v = by_y @ stream, -by_x @ stream
    forces = [curl @ each / reynolds - u * (by_x @ each) - v * (by_y @ each) for each in (u, v)]
    corner = np.zeros((1, len(u)))
    corner[0, -1] = 1.0
    system = np.concatenate([by_x, by_y, corner])
    p = np.linalg.lstsq(system, np.concatenate([*forces, [0.0]]), rcond=None)[0]
    to_series = np.linalg.inv(np.polynomial.chebyshev.chebvander(nodes, DEGREE))
    return tuple(to_series @ each.reshape(DEGREE + 1, DEGREE + 1) @ to_series.T for each in (u, v, p))


def _differentiation() -> tuple[NDArray, NDArray]:
    """The matrix that differentiates along [0, 1], and the nodes in [-1, 1], from one down to minus one."""
    nodes = np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    weights = np.r_[2.0, np.ones(DEGREE - 1), 2.0] * (-1.0) ** np.arange(DEGREE + 1)
    matrix = np.outer(weights, 1 / weights) / (nodes[:, None] - nodes + np.eye(DEGREE + 1))
    return 2 * (matrix - np.diag(matrix.sum(1))), nodes


def _walls(by_x: NDArray, by_y: NDArray, speed: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Nodes of the walls, where ψ = 0, and nodes beside them, whose rows say the slope of ψ at the wall."""
    last = DEGREE
    column, row = (each.ravel() for each in np.meshgrid(np.arange(last + 1), np.arange(last + 1), indexing="ij"))
    depth = np.minimum.reduce([column, last - column, row, last - row])
    beside = np.flatnonzero(depth == 1)
    below_lid, above_floor = row[beside] == 1, row[beside] == last - 1
    to_row = np.where(below_lid, 0, np.where(above_floor, last, row[beside]))
    to_column = np.where(column[beside] == 1, 0, last)
    to_column = np.where(below_lid | above_floor, column[beside], to_column)
    wall = to_column * (last + 1) + to_row
    conditions = np.where((below_lid | above_floor)[:, None], by_y[wall], by_x[wall])
    return np.flatnonzero(depth == 0), beside, conditions, np.where(below_lid, speed[to_column], 0.0)
