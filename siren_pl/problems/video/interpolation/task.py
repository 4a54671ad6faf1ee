"""The task of finding frames in between: two motions are learned, and the pixels of the files are moved by them.

One motion is a field of its own, which starts from block matching; the other is the field's correction of a dense flow.
They err in different places, so the mean of the frames that they lead to is better than either.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.video.interpolation.features import SIGMAS
from siren_pl.problems.video.interpolation.flows import DenseFlow
from siren_pl.problems.video.interpolation.frames import Frames
from siren_pl.problems.video.interpolation.judge import BetweenJudge
from siren_pl.problems.video.interpolation.paths import Paths
from siren_pl.problems.video.interpolation.references.rife import rife_of
from siren_pl.problems.video.interpolation.rendering import Motion, Moved, places_of
from siren_pl.problems.video.interpolation.scene import following, scene_of
from siren_pl.problems.video.interpolation.seeding import enlarged, matched
from siren_pl.problems.video.interpolation.terms import MotionTerm
from siren_pl.problems.video.interpolation.warping import BICUBIC, seen
from siren_pl.training.ask import Ask
from siren_pl.training.problem import Problem

MOTION, CORRECTION = "motion", "correction"
# Pixels that the correction's values count: the flow is right to about one.
CORRECTED = 1.0
# Fraction of a step's points that the correction gets: there is little to learn.
SHARE = 0.25
# The correction begins with the blur at which the flow's own error is within reach.
FINE = 1
# A field is evaluated at every fourth pixel at most, on at least this many places along the longer side, where it is
# about as fine as a picture of 100: on frames of Vimeo that changes the error by a thousandth of a level.
MOST_STEP, FINEST = 4, 128
# Points of a field that are evaluated at once.
MOST_POINTS = 1 << 16
# Points of a line and of a lattice's side at which layers are inspected.
LINE, SIDE = 256, 32


def video_interpolation(
    frames: Frames, flow: DenseFlow, tv: float = 0.1, straight: float = 0.02, reference: str | None = None
) -> Problem:
    """Make the problem of finding the frames between given ones.

    Args:
        frames: The frames.
        flow: The dense flow that is corrected.
        tv: Weight of the motions' slopes, in pixels per pixel.
        straight: Weight of the motions' acceleration along their paths, in pixels per interval squared.
        reference: File of weights of RIFE HDv3, to which the frames will be compared; it is tried at once.

    Raises:
        UserError: The dataset does not hold frames, or the file no weights.
    """
    if not isinstance(frames, Frames):
        raise UserError("task=video_interpolation needs frames: choose dataset=frames dataset.path=[a.png,b.png].")
    if reference is not None and not frames.kept:
        rife_of(reference)
    scene, paths = scene_of(frames, flow), Paths(frames.values)
    seed = _seed(scene.values)
    unit = max(1.0, float(seed.abs().max()))
    terms = {
        MOTION: MotionTerm(paths, MOTION, torch.zeros_like(scene.flow), seed, unit, tv, straight, SIGMAS),
        CORRECTION: MotionTerm(paths, CORRECTION, scene.flow, None, CORRECTED, tv, straight, SIGMAS[FINE:], SHARE),
    }

    def answer(ask: Ask) -> Moved:
        base = following(scene.flow)
        learned = _motion(ask, paths, MOTION, unit)
        correction = _motion(ask, paths, CORRECTION, CORRECTED)
        return scene.moved([learned, lambda moment, places: base(moment, places) + correction(moment, places)])

    def probes() -> tuple[Tensor, Tensor]:
        extent = torch.tensor(paths.domain().extent)
        rows = torch.linspace(-1, 1, SIDE)
        lattice = torch.stack(torch.meshgrid(torch.zeros(1), rows, rows, indexing="ij"), -1).reshape(-1, 3)
        line = torch.zeros(LINE, 3)
        line[:, 2] = torch.linspace(-1, 1, LINE)
        return lattice * extent, line * extent

    domain = paths.domain()
    return Problem(
        "video_interpolation",
        frames.name,
        {MOTION: domain, CORRECTION: domain},
        terms,
        answer,
        BetweenJudge(scene),
        given=scene,
        layout=tuple(frames.stored.shape),
        probes=probes,
        keeps=scene.arrays(),
    )


def _seed(values: Tensor) -> Tensor:
    """The motion in every interval by block matching, (T - 1, H, W, 2)."""
    return torch.stack([enlarged(matched(*pair), *values.shape[1:3]) for pair in pairwise(values)])


def _motion(ask: Ask, paths: Paths, name: str, unit: float) -> Motion:
    """A field as a motion in pixels, found on a lattice and interpolated between its places."""
    height, width = paths.frames.shape[1:3]
    step = max(1, min(MOST_STEP, max(height, width) // FINEST))
    size = -(-height // step), -(-width // step)
    lattice = places_of(height, width, size).reshape(-1, 2)
    per_pixel = torch.tensor(size) / torch.tensor([height, width])

    def motion(moment: float, places: Tensor) -> Tensor:
        with torch.no_grad():
            parts = [
                ask(ask.placed(paths.coords(torch.full((len(part),), moment), part)), field=name).value.float().cpu()
                for part in lattice.split(MOST_POINTS)
            ]
        return seen(unit * torch.cat(parts).reshape(*size, 2), (places + 0.5) * per_pixel - 0.5, BICUBIC)

    return motion
