"""The terms of a motion: what both frames show at either end of a path must agree, and motions are regular.

A step draws points in space and time, and asks what both frames of the interval show where the path through each point
begins and ends. Coarse to fine, the frames are blurred less and less (`features`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.problems.video.interpolation.features import features
from siren_pl.problems.video.interpolation.paths import Paths
from siren_pl.problems.video.interpolation.regularity import length, material_derivative, slopes
from siren_pl.problems.video.interpolation.warping import is_inside, origins, seen_at_points
from siren_pl.training.ask import Ask
from siren_pl.training.term import Points, Term

# Differences of features below this, one part in 128 of the range [-1, 1], count as squares: they are noise.
NOISE = 1 / 64
# Fraction of the points of a step at which derivatives are asked for, which cost four times as much as values.
REGULAR = 0.25
# An edge of this slope, in values, lets a motion tear: its weight falls to 1/e.
EDGE = 0.1
# Fraction of the steps in which the guess of a motion is learned.
SEEDED = 0.1


@dataclass(frozen=True)
class MotionTerm(Term):
    """A field that is a motion, or what is added to one.

    Attributes:
        paths: The frames and where their points lie.
        name: Name of the field and of the losses.
        base: The motion that the field is added to, (T - 1, H, W, 2), in pixels; zero for a field of its own.
        seed: A first guess of the field itself, in pixels, (T - 1, H, W, 2); None if it starts from nothing.
        unit: Pixels per unit of the field's values.
        tv: Weight of the motion's slopes.
        straight: Weight of its acceleration.
        sigmas: Widths of the blurs in pixels, coarse to fine.
        share: Fraction of a step's points that it gets.
    """

    paths: Paths = field(compare=False)
    name: str
    base: Tensor = field(compare=False)
    seed: Tensor | None = field(compare=False)
    unit: float
    tv: float
    straight: float
    sigmas: tuple[float, ...]
    share: float = 1.0

    order = 1
    rows = ()
    mappable = False
    compilable = False

    @override
    def points(self) -> Points:
        """Make the table: `features` (S, C, T, H, W), `base` and `seed` (2, T - 1, H, W), units."""
        table = {
            "features": features(self.paths.frames, self.sigmas),
            "base": self.base.movedim(-1, 0).contiguous(),
            "per_pixel": torch.tensor(self.paths.per_pixel),
        }
        return table if self.seed is None else table | {"seed": self.seed.movedim(-1, 0).contiguous()}

    @override
    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw points evenly in space and time, and the blur that is due."""
        _, _, count, height, width = table["features"].shape
        size = max(1, round(self.share * (batch_size or height * width)))
        unit = torch.rand((size, 3), generator=generator, device=generator.device).to(table["base"])
        shape = torch.tensor([count - 1, height, width]).to(unit)
        moments, places = unit[:, 0] * shape[0], unit[:, 1:] * shape[1:] - 0.5
        number = moments.floor().clamp(max=count - 2)
        drawn = {
            "coords": self.paths.coords(moments, places),
            "number": number,
            "fraction": moments - number,
            "places": places,
            "base": seen_at_points(table["base"], number, places),
            "per_pixel": table["per_pixel"],
        }
        if self.seed is not None and progress < SEEDED:
            return drawn | {"seed": seen_at_points(table["seed"], number, places)}
        refined = (progress - SEEDED) / (1 - SEEDED) if self.seed is not None else progress
        return drawn | {"features": table["features"][int(refined * len(self.sigmas))]}

    @override
    def evaluate(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        if "seed" in points:
            found = self.unit * ask(points["coords"], field=self.name).value
            return {f"{self.name}_seed": length(found - points["seed"]).mean()}
        few = round(REGULAR * len(points["coords"]))
        jet = ask(points["coords"][:few], 1, field=self.name)
        rest = ask(points["coords"][few:], field=self.name)
        motion = points["base"] + self.unit * torch.cat([jet.value, rest.value])
        data, edges = self._disagreement(motion, points)
        in_time, in_space = slopes(jet, points["per_pixel"] * self.unit)
        calm = torch.exp(-edges[:few] / EDGE)
        losses = {
            self.name: data,
            f"{self.name}_tv": self.tv * (calm * length(in_space.movedim(0, 1).flatten(1))).mean(),
        }
        if self.straight:
            change = material_derivative(motion[:few], in_time, in_space)
            losses[f"{self.name}_straight"] = self.straight * length(change).mean()
        return losses

    def _disagreement(self, motion: Tensor, points: Points) -> tuple[Tensor, Tensor]:
        """The mean difference of features at both ends of the paths, and the slopes of the frames there, (N,)."""
        frames = points["features"]
        before, after = origins(motion, points["places"], points["fraction"][:, None])
        first = seen_at_points(frames, points["number"], before)
        second = seen_at_points(frames, points["number"] + 1, after)
        told = (is_inside(before, *frames.shape[2:]) & is_inside(after, *frames.shape[2:]))[:, None]
        robust = ((first - second).square() + NOISE**2).sqrt() - NOISE
        edges = ((first + second) / 2)[:, -2:].detach().norm(dim=1)
        return (robust * told).sum() / (told.sum() * robust.shape[1]).clamp(min=1), edges
