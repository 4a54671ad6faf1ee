"""Gradient-domain composition: a picture gets the gradients of others (Pérez, Gangnet and Blake 2003; SIREN, 4.1).

The truth of these tasks is the direct solution of the same problem, which the signal's samples hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.derivatives.alignment import align_mean
from siren_pl.problems.derivatives.gradients import GradientLatticeTerm, GradientTerm, Guidance
from siren_pl.problems.pictures.editing.composition import Composition
from siren_pl.problems.pictures.editing.edits import Edit
from siren_pl.problems.pictures.editing.terms import BOUNDARY, CloneTerm, SurroundingsTerm, cloning_of
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.measures import of_samples
from siren_pl.problems.sampled.scores import keep, truth_scores
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.training.judge import Measure, Metrics
from siren_pl.training.problem import Problem

Array = NDArray[np.float64]

# What the table of an edit shows.
ABOUT = {
    "inside_psnr": Measure("PSNR inside the mask", "dB", "against the direct solution"),
    **of_samples("psnr_mean_aligned"),
    "boundary_error": Measure("error on the mask's rim", "of 1", "against the target, which it has to meet", -1),
    "guidance_error": Measure(
        "error of the slopes", "of 1", "per pixel, against those asked for; 0 is out of reach", -1
    ),
    **of_samples("psnr", "ssim"),
}


def edit_of(signal: SampledSignal) -> Edit:
    """The edit that the signal is a result of.

    Raises:
        UserError: The signal is not a composition.
    """
    if not isinstance(signal.observation, Edit):
        raise UserError("task=poisson_edit edits images: choose a dataset of images, such as dataset=image.")
    return signal.observation


@dataclass(frozen=True)
class EditGradient(Guidance):
    """The wanted gradient of an edit without a mask. See `siren_pl.problems.derivatives.gradients.Guidance`."""

    @override
    def everywhere(self, signal: SampledSignal) -> Array:
        edit_of(signal)
        return signal.measured.double().numpy()

    @override
    def somewhere(self, signal: SampledSignal) -> tuple[Array, Tensor]:
        return self.everywhere(signal), torch.ones(signal.shape, dtype=torch.bool)


def edit_scores(values: Tensor, signal: SampledSignal) -> Metrics:
    """Measure the distance to the direct solution, and how well the field solves the problem itself.

    `guidance_error` is the root mean squared error of the gradients inside the mask, per pixel; `boundary_error` and
    `boundary_max` compare the samples next to the mask with the target's. All three are in units of [0, 1], without
    clipping. `inside_psnr` and `outside_psnr` are for the mask and the rest. Without a mask, a constant is
    undetermined; `psnr_mean_aligned`, like all scores but `psnr`, disregards it.
    """
    edit, found = edit_of(signal), values.detach().double().cpu()
    scores = truth_scores(found, signal, align_mean if edit.rim is None else keep)
    # The observed samples are those outside the mask; without a mask, the first score is that of the whole again.
    outside, inside = scores.pop("train_psnr"), scores.pop("heldout_psnr", None)
    error = edit.gradients(edit.apply(found)) - edit.gradients(signal.measured.double())
    scores["guidance_error"] = float(error.square().mean().sqrt()) / 2
    if edit.rim is None:
        return scores | {"psnr_mean_aligned": outside}
    rim = (found - edit.material.target.double())[edit.rim].abs() / 2
    assert inside is not None
    scores |= {"inside_psnr": inside, "outside_psnr": outside}
    return scores | {"boundary_error": float(rim.square().mean().sqrt()), "boundary_max": float(rim.max())}


def edit_panels(values: Tensor, signal: SampledSignal) -> list[tuple[str, Array]]:
    """Show the pictures of an edit, the result of copying, the direct solution and the field."""
    edit = edit_of(signal)
    material = edit.material
    panels = [(f"target: {material.names[0]}", to_unit(material.target))]
    panels += [
        (f"source: {name}", to_unit(source)) for name, source in zip(material.names[1:], material.sources, strict=True)
    ]
    if edit.rim is not None:
        panels.append(("mask", material.inside.double().numpy()[..., None]))
        panels.append(("pasted", to_unit(material.pasted)))
    else:
        panels.append(("weighted mean of the pictures", to_unit(material.blended)))
    result, truth = to_unit(values), to_unit(signal.values)
    panels += [("direct solution", truth), (f"field, {metrics.psnr(result, truth):.2f} dB", result)]
    return panels


def poisson_edit(
    signal: SampledSignal,
    mode: str = "clone",
    stencil: str = "spectral",
    integrated: bool = True,
    boundary_weight: float = BOUNDARY,
    edit: Composition | None = None,
) -> Problem:
    """Make the problem of composing a picture from the gradients of others.

    Args:
        signal: The picture to edit.
        mode: `clone`, with known values outside a mask, or `fuse` or `mixed`, without known values.
        stencil: For `fuse` and `mixed`: the derivative of the samples to supervise.
        integrated: Whether to supervise the potential of the error as well; False for the paper's pointwise loss.
        boundary_weight: For `clone`: weight of the values on the rim of the mask.
        edit: Makes the composition, with the same mode and stencil; None if the signal is a composition already.
    """
    signal = signal if edit is None else edit(signal)
    if mode == "clone":
        terms = {
            "clone": CloneTerm(signal, cloning_of(signal).rule, integrated),
            "surroundings": SurroundingsTerm(signal, boundary_weight),
        }
        return sampled_problem(
            "poisson_edit", terms, SampledJudge(signal, edit_scores, panels=edit_panels, about=ABOUT)
        )
    term = (GradientLatticeTerm if integrated else GradientTerm)(signal, EditGradient())
    stencils = (stencil, "laplace")
    judge = SampledJudge(signal, edit_scores, align_mean, stencils=stencils, panels=edit_panels, about=ABOUT)
    return sampled_problem("poisson_edit", {"gradient": term}, judge)
