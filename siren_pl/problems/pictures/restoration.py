"""Restoration: tasks that recover a picture from a smaller one, from some of its pixels, or from a noisy one.

They differ in the observation and in the usual scores. All of them compare the observed field with the data, and have
the same penalties for what the data do not determine (see `siren_pl.problems.penalties`).
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

from torch import Tensor

from siren_pl.problems.penalties import penalties
from siren_pl.problems.pictures import metrics
from siren_pl.problems.pictures.enlargement import LATTICE, downsampling_of, enlargement_term
from siren_pl.problems.pictures.rivals.enlargement import usable
from siren_pl.problems.pictures.scores import IMAGE_AXES, shaved_border
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.measures import Measures, of_samples
from siren_pl.problems.sampled.measuring import measured_by
from siren_pl.problems.sampled.observations import Observation
from siren_pl.problems.sampled.scores import value_scores
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.values import ValueTerm
from siren_pl.training.judge import Measure, Metrics
from siren_pl.training.problem import Problem

# Weight of total variation per gap: the fewer samples are known, the more the penalty must decide. With a tenth known,
# 0.04 was better than 0.02, 0.005 and 0.001 (21.5, 21.3, 21.1 and 20.7 dB).
PER_GAP = 4e-3
# Weight of total variation per unit of noise, for pixels in [0, 1]: two thirds of what Chambolle's equation gives with
# the weight of the classical rival, since the network smooths as well.
PER_NOISE = 2.0
# What the tables of these tasks show.
OF_INPAINTING = of_samples("heldout_psnr", "psnr", "ssim", "train_psnr")
OF_DENOISING = of_samples("psnr", "ssim", "train_psnr")
OF_ENLARGING = {
    "psnr_y": Measure("PSNR, luma", "dB", "brightness alone, without the border, as papers on enlarging compare it"),
    "ssim_y": Measure("SSIM, luma", "", "likeness of structure of the same; 1 is equal"),
    **of_samples("psnr", "ssim", "train_psnr"),
    "niqe": Measure("NIQE", "", "naturalness without a truth; smaller is better", -1),
}


def per_gap(signal: SampledSignal) -> float:
    """`task.total_variation=auto` for inpainting: proportional to (unknown samples / known samples) - 1, at least 0."""
    return PER_GAP * max(0.0, math.prod(signal.shape) / signal.observed_count - 2.0)


def per_noise(signal: SampledSignal) -> float:
    """`task.total_variation=auto` for denoising: proportional to the noise level."""
    return PER_NOISE * signal.observation.noise.level if signal.observation.noise else 0.0


def inpainting(
    signal: SampledSignal,
    total_variation: float | str = "auto",
    curvature: float = 0.0,
    spectral: float = 0.0,
    observation: Observation | None = None,
) -> Problem:
    """Make the problem of filling in what a mask withholds; `heldout_psnr` scores the missing samples only.

    Args:
        signal: The picture, whole or damaged.
        total_variation: Weight of the gradient's norm; auto depends on the known fraction (`per_gap`).
        curvature: Weight of the second derivatives' norm.
        spectral: Weight of the squared Laplacian.
        observation: The known samples; None if the signal already has an observation.
    """
    signal = measured_by(signal, observation)
    weight = per_gap(signal) if total_variation == "auto" else float(total_variation)
    return _by_values(
        "inpainting", signal, OF_INPAINTING, total_variation=weight, curvature=curvature, spectral=spectral
    )


def denoising(
    signal: SampledSignal,
    total_variation: float | str = "auto",
    curvature: float = 0.0,
    spectral: float = 0.0,
    observation: Observation | None = None,
) -> Problem:
    """Make the problem of denoising: fit noisy samples under penalties that smooth the field.

    Args:
        signal: The picture, clean or noisy.
        total_variation: Weight of the gradient's norm; auto depends on the noise level (`per_noise`).
        curvature: Weight of the second derivatives' norm.
        spectral: Weight of the squared Laplacian.
        observation: The samples with their noise; None if the signal already has an observation.
    """
    signal = measured_by(signal, observation)
    weight = per_noise(signal) if total_variation == "auto" else float(total_variation)
    return _by_values("denoising", signal, OF_DENOISING, total_variation=weight, curvature=curvature, spectral=spectral)


def _by_values(name: str, signal: SampledSignal, about: Measures, **weights: float) -> Problem:
    """Make a problem with directly measured samples and penalties."""
    terms = {"samples": ValueTerm(signal), **penalties(signal.domain, **weights)}
    return sampled_problem(name, terms, SampledJudge(signal, value_scores, about=about))


def super_resolution(
    signal: SampledSignal,
    total_variation: float = 0.0,
    curvature: float = 0.0,
    spectral: float = 0.0,
    perceptual: float = 0.0,
    perceptual_weights: str | None = None,
    perceptual_layer: str = "relu2_2",
    lattice: float = LATTICE,
    niqe: str | None = None,
    reference: str | None = None,
    observation: Observation | None = None,
) -> Problem:
    """Make the problem of enlarging a picture: the field, downsampled by the same operator, must be the small picture.

    Args:
        signal: The picture, large or small.
        total_variation: Weight of the gradient's norm.
        curvature: Weight of the second derivatives' norm.
        spectral: Weight of the squared Laplacian.
        perceptual: Weight of VGG19's distance between the observed field and the data (Johnson et al. 2016).
        perceptual_weights: File of VGG19's weights in torchvision's layout; None downloads them once.
        perceptual_layer: The layer whose features are compared.
        lattice: Points per coarse sample along an axis at which the field is evaluated.
        niqe: File of NIQE's pristine parameters; None leaves NIQE out of the scores.
        reference: Weights of a pretrained rival; unusable ones are refused here rather than after the fit.
        observation: The downsampling; None if the signal already has an observation.
    """
    signal = measured_by(signal, observation)
    if reference is not None:
        usable(reference, downsampling_of(signal.observation))
    distances = {}
    if perceptual > 0:
        from siren_pl.problems.pictures.rivals.perceptual import PerceptualDistance

        path = Path(perceptual_weights) if perceptual_weights else None
        distances["perceptual"] = (perceptual, PerceptualDistance(path, perceptual_layer))
    weights = {"total_variation": total_variation, "curvature": curvature, "spectral": spectral}
    terms = {"samples": enlargement_term(signal, distances, lattice), **penalties(signal.domain, **weights)}
    scores = functools.partial(enlargement_scores, niqe=Path(niqe) if niqe else None)
    return sampled_problem("super_resolution", terms, SampledJudge(signal, scores, about=OF_ENLARGING))


def enlargement_scores(values: Tensor, signal: SampledSignal, niqe: Path | None = None) -> Metrics:
    """Compute `value_scores`, `ssim_y` (the SSIM of what `psnr_y` compares), and NIQE on request.

    For a picture without a truth there are only `train_psnr` and NIQE.
    """
    scores = value_scores(values, signal)
    if signal.in_features != IMAGE_AXES:
        return scores
    result, border = metrics.rounded(to_unit(values)), shaved_border(signal)
    if signal.has_truth and border is not None:
        pair = (metrics.shaved_luma(pixels, border) for pixels in (result, metrics.rounded(to_unit(signal.values))))
        score = metrics.ssim(*pair)
        scores |= {} if score is None else {"ssim_y": score}
    if niqe is not None:
        from siren_pl.problems.pictures.rivals.niqe import niqe as naturalness

        score = naturalness(result, niqe)
        scores |= {} if score is None else {"niqe": score}
    return scores
