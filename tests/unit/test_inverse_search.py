"""Dense inverse search against known motions, and its refinement against a direct solution of the same equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates

from siren_pl.problems.video.interpolation import inverse_search as searching
from siren_pl.problems.video.interpolation import refinement

SIDE = 96
# Pixels at the edge whose partners may lie outside.
MARGIN = 20


def texture() -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((3 * SIDE, 3 * SIDE)), 2, mode="wrap")
    return (noise - noise.min()) / np.ptp(noise)


def moved_by(motion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A texture, the same after an affine motion (2, 3) about the middle, and the flow of the first."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    flow = np.einsum("ij,jhw->ihw", motion, np.stack([rows, columns, np.ones_like(rows)]))
    # The second picture shows at y what the first one has at x, where y = x + flow(x), also affine.
    linear = np.eye(2) + motion[:, :2]
    back = np.einsum("ij,jhw->ihw", np.linalg.inv(linear), np.stack([rows, columns]) - motion[:, 2, None, None])
    pictures = [map_coordinates(texture(), each + 1.5 * SIDE, order=5) for each in (np.stack([rows, columns]), back)]
    return pictures[0].astype(np.float32), pictures[1].astype(np.float32), flow


@pytest.mark.parametrize(
    ("motion", "bound"),
    [
        ([[0, 0, 0], [0, 0, 0]], 1e-3),
        ([[0, 0, 0.4], [0, 0, -0.3]], 0.05),
        # Longer than a patch, which only a coarser level can find.
        ([[0, 0, 9.3], [0, 0, -11.6]], 0.1),
        # A turn by three degrees, and growth by five hundredths.
        ([[0.05, -0.052, 0], [0.052, 0.05, 0]], 0.1),
    ],
)
def test_affine_motions_are_found(motion: list[list[float]], bound: float) -> None:
    before, after, flow = moved_by(np.array(motion, float))
    error = np.linalg.norm(searching.inverse_search(before, after) - flow, axis=0)
    assert error[MARGIN:-MARGIN, MARGIN:-MARGIN].mean() < bound


def test_pictures_of_one_colour_stay_where_they_are() -> None:
    grey = np.full((40, 50), 0.5, np.float32)
    assert np.abs(searching.inverse_search(grey, grey)).max() == 0


def test_sweeps_end_at_the_solution_of_the_linear_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    """All terms are quadratic in the step, so their minimum is a linear system, solved here row by row."""
    monkeypatch.setattr(refinement, "SWEEPS", 400)
    height, width = 5, 4
    generator = torch.Generator().manual_seed(1)
    flow, weight = torch.randn(height, width, 2, generator=generator), torch.rand(height, width, generator=generator)
    slopes = torch.randn(3, 2, height, width, generator=generator)
    rest = torch.randn(3, height, width, generator=generator)
    rows, columns = slopes[:, 0], slopes[:, 1]
    matrix = [(a * b).sum(0) for a, b in ((rows, rows), (rows, columns), (columns, columns))]
    right = [(a * rest).sum(0) for a in (rows, columns)]
    white = (torch.arange(height)[:, None] + torch.arange(width)) % 2 == 0
    links = refinement._links(weight)
    found = refinement._relaxed(torch.zeros_like(flow), flow, links, matrix, right, white)

    unknowns = height * width
    system, target = np.zeros((2 * unknowns, 2 * unknowns)), np.zeros(2 * unknowns)
    for y in range(height):
        for x in range(width):
            for channel in range(2):
                row = 2 * (y * width + x) + channel
                a, b, c = (float(each[y, x]) for each in matrix)
                system[row, 2 * (y * width + x)] += (a, b)[channel]
                system[row, 2 * (y * width + x) + 1] += (b, c)[channel]
                target[row] -= float(right[channel][y, x])
                for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        link = float(weight[y, x] + weight[y + dy, x + dx]) / 2
                        system[row, row] += link
                        system[row, 2 * ((y + dy) * width + x + dx) + channel] -= link
                        target[row] -= link * float(flow[y, x, channel] - flow[y + dy, x + dx, channel])
    expected = np.linalg.solve(system, target).reshape(height, width, 2)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)
