"""Variational refinement: a flow made smooth where pictures allow it, and sharp where they differ.

Brox et al. 2004, "High accuracy optical flow estimation based on a theory for warping" (equation 4): brightness and its
slopes stay the same along the flow, up to a robust penalty, and the flow varies little. The equations are linearised at
the present flow, weights are held for a while, and what is linear is relaxed pixel by pixel, the black ones of a
chessboard after the white ones. Constraints are divided by their own slopes (Zimmer et al. 2011, section 3.1).

Letters: H × W pixels; y, x, t derivatives along rows, columns and time.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from siren_pl.problems.video.interpolation.warping import is_inside, pixel_places, seen

# Weights of smoothness, brightness and slopes, for pictures of 255 levels, as in the authors' code of DIS.
SMOOTHNESS, BRIGHTNESS, SLOPES = 20.0, 5.0, 10.0
# Times that weights are made anew, sweeps in between, and the factor by which a sweep goes beyond the solution.
WEIGHTINGS, SWEEPS, OVER = 5, 5, 1.6
# Squares of the smallest slope that a constraint is divided by, and of the difference up to which a penalty is square.
LEVEL, ROUNDING = 0.01, 1e-6


def refined(flow: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Improve a flow.

    Args:
        flow: The flow (H, W, 2) in pixels, rows first.
        before: A picture (H, W) of 255 levels.
        after: The next one.

    Returns:
        The flow, of the same shape.
    """
    there = pixel_places(*before.shape) + flow
    moved = seen(after[..., None], there)[..., 0]
    mean, change = (before + moved) / 2, moved - before
    y, x = torch.gradient(mean)
    (yy, xy), (_, xx) = torch.gradient(y), torch.gradient(x)
    yt, xt = torch.gradient(change)
    # A constraint a · dv + b · du + c = 0 for each of brightness and its two slopes: (3, H, W).
    by_row, by_column = torch.stack([y, yy, xy]), torch.stack([x, xy, xx])
    rest = torch.stack([change, yt, xt])
    scale = torch.tensor([BRIGHTNESS, SLOPES, SLOPES])[:, None, None] / (by_row**2 + by_column**2 + LEVEL)
    scale = scale * is_inside(there, *after.shape)  # what has left the picture follows what has not
    white = (pixel_places(*before.shape).sum(-1) % 2) == 0
    step = torch.zeros_like(flow)
    for _ in range(WEIGHTINGS):
        error = scale * (by_row * step[..., 0] + by_column * step[..., 1] + rest) ** 2
        # Both slopes share one penalty, since they turn with the picture.
        robust = torch.cat([_weight(error[:1]), _weight(error[1:].sum(0, keepdim=True)).expand(2, -1, -1)])
        weight = robust * scale
        total = flow + step
        around = _links(_smoothness(total))
        matrix = [(weight * a * b).sum(0) for a, b in ((by_row, by_row), (by_row, by_column), (by_column, by_column))]
        right = [(weight * a * rest).sum(0) for a in (by_row, by_column)]
        step = _relaxed(step, flow, around, matrix, right, white)
    return flow + step


def _weight(square: Tensor) -> Tensor:
    """The derivative of the penalty √(s + ε) by s, the square."""
    return 0.5 / (square + ROUNDING).sqrt()


def _smoothness(flow: Tensor) -> Tensor:
    """The weight (H, W) of smoothness at each pixel."""
    squares = sum(slope.square().sum(-1) for slope in torch.gradient(flow, dim=(0, 1)))
    assert isinstance(squares, Tensor)
    return SMOOTHNESS * _weight(squares)


def _links(weight: Tensor) -> Tensor:
    """Weights (4, H, W) of each pixel's links to the next and the last row, the next and the last column."""
    down = pad((weight[1:] + weight[:-1]) / 2, (0, 0, 0, 1))
    right = pad((weight[:, 1:] + weight[:, :-1]) / 2, (0, 1))
    return torch.stack([down, torch.roll(down, 1, 0), right, torch.roll(right, 1, 1)])


def _relaxed(
    step: Tensor, flow: Tensor, links: Tensor, matrix: list[Tensor], right: list[Tensor], white: Tensor
) -> Tensor:
    """A step (H, W, 2) after some sweeps of successive over-relaxation."""
    weight = links.sum(0)
    rows, columns = step.unbind(-1)
    for _ in range(SWEEPS):
        for colour in (white, ~white):
            found = (links * _neighbours(flow[..., 0] + rows)).sum(0) - weight * flow[..., 0]
            wanted = (found - right[0] - matrix[1] * columns) / (matrix[0] + weight)
            rows = torch.where(colour, rows + OVER * (wanted - rows), rows)
            found = (links * _neighbours(flow[..., 1] + columns)).sum(0) - weight * flow[..., 1]
            wanted = (found - right[1] - matrix[1] * rows) / (matrix[2] + weight)
            columns = torch.where(colour, columns + OVER * (wanted - columns), columns)
    return torch.stack([rows, columns], -1)


def _neighbours(values: Tensor) -> Tensor:
    """The values (4, H, W) of each pixel's neighbours, in the order of `_links`; beyond an edge, whatever."""
    return torch.stack([torch.roll(values, shift, axis) for shift, axis in ((-1, 0), (1, 0), (-1, 1), (1, 1))])
