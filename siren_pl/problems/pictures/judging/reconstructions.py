"""Figures of the truth beside the field and every rival; derivatives that the field was given are drawn above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from siren_pl.problems.derivatives.alignment import align_mean
from siren_pl.problems.derivatives.known import observed_by
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.judging.zooms import name_of_truth, thumbnail
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.evaluation import SlabEvaluation, WholeEvaluation
from siren_pl.problems.sampled.grid import coordinates
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS
from siren_pl.training.judge import Rival

# Pixels with a smaller error than this are equal in an 8-bit file.
HALF_A_LEVEL = 0.5 / 255
# Pixels along the longer side of a large picture's panels, which are shown with fewer than 400.
THUMBNAIL = 512


def draw(found: WholeEvaluation, path: Path, rivals: Mapping[str, Rival]) -> Path:
    """Write the truth, the field, every rival that differs from the truth, and what the field was given."""
    judge, signal = found.judge, found.signal
    truth = to_unit(signal.values)
    results, exact = [], []
    for name, values in {"field": found.values, **{name: each.answer for name, each in rivals.items()}}.items():
        pixels = to_unit(judge.align(values, signal))
        # A rival this close would only repeat the truth above a black error.
        if name != "field" and abs(pixels - truth).max() < HALF_A_LEVEL:
            exact.append(name.replace("_", " "))
        else:
            results.append((f"{name.replace('_', ' ')}, {metrics.psnr(pixels, truth):.2f} dB", pixels))
    title = name_of_truth(signal)
    given = list(_given(found)) if judge.panels is None else []
    notes = ["The field was given what is on the left, and never this picture."] if given else []
    if given and signal.has_gaps:
        notes.append("Magenta: nothing was given.")
    if judge.align is align_mean:
        notes.append("Derivatives leave the mean open: every result's is set to the truth's.")
    if exact:
        notes.append(f"Equal to the {title} in 8 bits, so not drawn: {', '.join(exact)}.")
    return figures.reconstruction((title, truth), results, path, given=given, notes=notes)


def draw_thumbnail(found: SlabEvaluation, path: Path) -> Path:
    """Write the truth and the field of a large picture, both thinned out."""
    signal = found.signal
    target, step = thumbnail(signal, THUMBNAIL)
    axes = [axis[::step] for axis in signal.grid.axes(signal.shape, signal.shape)]
    values = found.answer(coordinates(axes)) + found.offset
    panel = (f"field, {found.metrics['psnr']:.2f} dB over all pixels", to_unit(values.reshape(target.shape)))
    return figures.reconstruction((name_of_truth(signal), target), [panel], path, step)


def derivatives_of(found: WholeEvaluation) -> dict[str, figures.Array]:
    """The field's own `gradient` (D, n_1, …, n_D, C) and `laplacian` (n_1, …, n_D, C), if it has them."""
    jet = found.jet
    if jet is None or jet.gradient is None:
        return {}
    shape = found.signal.values.shape
    own = {"gradient": jet.gradient.double().numpy().reshape(-1, *shape)}
    if jet.second is not None:
        own["laplacian"] = jet.laplacian.double().numpy().reshape(shape)
    return own


def _given(found: WholeEvaluation) -> Iterator[figures.Given]:
    """Yield the derivatives that the task supervises, the target's and the field's."""
    judge, own = found.judge, derivatives_of(found)
    observed = found.signal.observed.numpy()
    stencils = GRADIENT_STENCILS[judge.stencils[0]], LAPLACIAN_STENCILS[judge.stencils[1]]
    for name, stencil in zip(("gradient", "laplacian"), stencils, strict=True):
        if name not in judge.supervised or name not in own:
            continue
        target = np.where(observed_by(stencil, observed)[..., None], found.targets[name], np.nan)
        if name == "laplacian":
            yield figures.Given("Laplacian", target.mean(-1), own[name].mean(-1))
        else:
            axes = ("slope down, ∂/∂y", "slope across, ∂/∂x")
            for axis, wanted, slope in zip(axes, target, own[name], strict=True):
                yield figures.Given(axis, wanted.mean(-1), slope.mean(-1))
