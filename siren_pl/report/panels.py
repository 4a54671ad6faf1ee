"""Pictures of a comparison: what each setting made of the target, where it errs, its derivatives beside the truth."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from siren_pl.commands.evaluate import load
from siren_pl.errors import UserError
from siren_pl.field.networks.bundle import Bundle
from siren_pl.problems.pictures.figures import RANGE_PERCENTILE, Array, draw_pixels
from siren_pl.problems.pictures.windows import busiest
from siren_pl.problems.sampled.evaluation import WholeEvaluation
from siren_pl.problems.sampled.judge import SampledJudge
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.report.blocks import Block, Figure, Paragraph
from siren_pl.report.charts import LETTERS, PAGE_WIDTH, png, sheet
from siren_pl.report.measures import headline
from siren_pl.report.runs import Run
from siren_pl.report.settings import Comparison, Setting
from siren_pl.runs import build, identity
from siren_pl.training.fields import ask_of

# The excerpt is this fraction of the picture's sides.
EXCERPT = 4
# What the maps are drawn in: colours, and whether their values have a sign.
MAPS = (("magma", False), ("magma", False), ("RdBu_r", True))
# Height of a colour bar in rows of pictures, and the error that a perfect field is drawn against.
BAR, STEP_OF_BYTES = 0.07, 1 / 255
# Rows of pictures that fit a page with its caption.
ROWS = 5
# A comparison of more settings than this shows two pages of them.
MOST_SHOWN = 13
TITLES = ("image", "excerpt", "absolute error", "gradient magnitude", "Laplacian")
Scales = tuple[float, ...]


@dataclass(frozen=True)
class Strip:
    """One row of pictures: a target, or what a field made of it."""

    label: str
    pixels: Array
    slope: Array
    laplacian: Array
    window: tuple[slice, slice]
    error: Array | None = None


def panels(comparison: Comparison) -> list[Block]:
    """Figures of the first run of every setting; a line in their place where a picture cannot be made."""
    pages: list[list[Strip]] = []
    missing: dict[str, list[str]] = {}
    chosen = _chosen(comparison)
    for row in chosen:
        try:
            target, field = _strips(row.label, row.runs[0])
        except Exception as error:  # one picture that cannot be made does not take the others with it
            missing.setdefault(str(error), []).append(row.label)
            continue
        shown = [strip for strip in pages[-1] if strip.error is None][-1:] if pages else []
        added = [field] if shown and np.array_equal(shown[0].pixels, target.pixels) else [target, field]
        if pages and len(pages[-1]) + len(added) <= ROWS:
            pages[-1] += added
        else:
            pages.append([target, field])
    told = [f"Pictures of {', '.join(rows)} are left out: {why}" for why, rows in missing.items()]
    if len(chosen) < len(comparison.settings) and pages:
        told.append(
            "Shown are settings from the best to the worst of the table; the others' pictures are in their runs."
        )
    scales = _scales([strip for page in pages for strip in page]) if pages else ()
    return [
        *(Figure(_drawn(page, scales), _caption(comparison)) for page in pages),
        *([Paragraph(" ".join(told))] if told else []),
    ]


def _chosen(comparison: Comparison) -> list[Setting]:
    """The settings that are shown: all of a few; of many, evenly from the best to the worst, in the table's order."""
    rows, measure = [row for row in comparison.settings if row.runs], headline(comparison)
    if len(rows) <= MOST_SHOWN or measure is None:
        return rows
    ordered = sorted(rows, key=lambda row: -(mean.mean if (mean := row.estimate(measure.name)) else -np.inf))
    chosen = [ordered[round(place)] for place in np.linspace(0, len(rows) - 1, 2 * (ROWS - 1))]
    return [row for row in rows if row in chosen]


def _strips(label: str, run: Run) -> tuple[Strip, Strip]:
    """The target's row and the field's.

    Raises:
        UserError: The data or the checkpoint is missing, or the signal is no image of a size to draw.
    """
    network, config = load(run.directory, run.packages), run.config
    (plan,) = identity.opened(config, run.directory)
    problem, judge = plan.problem, plan.problem.judge
    if not isinstance(judge, SampledJudge):
        raise UserError(f"{problem.data} is no image.")
    signal = judge.signal
    if signal.in_features != 2 or signal.is_large:  # noqa: PLR2004 - panels are of images
        raise UserError(f"{signal.name} is not an image of a size that is drawn whole.")
    ask = ask_of(Bundle({"field": network}), build.strategies(config, problem.fields))
    found = WholeEvaluation(judge, problem.answer(ask))
    if found.jet is None or found.jet.gradient is None:
        raise UserError(f"{signal.name} is too large for its derivatives to be drawn.")
    shape = signal.values.shape
    target, pixels = to_unit(signal.values), found.pixels
    slopes = found.jet.gradient.double().numpy()
    # A field of linear pieces has no Laplacian: its map stays blank.
    blank = np.full(shape, np.nan)
    laplacian = blank if found.jet.second is None else found.jet.laplacian.double().numpy()
    truth = found.targets
    slope = _magnitude(truth["gradient"], shape)
    (window,) = busiest(slope, (max(1, shape[0] // EXCERPT), max(1, shape[1] // EXCERPT)))
    title = f"{label}\n{found.metrics.get('psnr_mean_aligned', found.metrics['psnr']):.2f} dB"
    error = np.abs(pixels - target).mean(-1)
    return (
        Strip("target", target, slope, truth["laplacian"].mean(-1), window),
        Strip(title, pixels, _magnitude(slopes, shape), laplacian.reshape(shape).mean(-1), window, error),
    )


def _magnitude(gradient: Array, shape: Sequence[int]) -> Array:
    """Length of the gradient (D, …) at every pixel, mean over the channels."""
    return np.sqrt((gradient.reshape(-1, *shape) ** 2).sum(0)).mean(-1)


def _scales(strips: Sequence[Strip]) -> Scales:
    """What the maps are drawn up to: the target's own range for derivatives, the median field's for errors."""
    errors = [_range(strip.error) for strip in strips if strip.error is not None]
    target = strips[0]
    return max(float(np.median(errors)), STEP_OF_BYTES), _range(target.slope) or 1.0, _range(target.laplacian) or 1.0


def _range(values: Array) -> float:
    return float(np.percentile(np.abs(values), RANGE_PERCENTILE))


def _drawn(strips: Sequence[Strip], scales: Scales) -> bytes:
    """Rows of strips over a row of colour bars."""
    aspect = max(0.5, min(1.4, strips[0].pixels.shape[0] / strips[0].pixels.shape[1]))
    height = (PAGE_WIDTH / len(TITLES) * aspect + 0.05) * len(strips) + 0.5
    figure, axes = sheet(len(strips) + 1, len(TITLES), height, (*[1.0] * len(strips), BAR))
    for row, strip in zip(axes, strips, strict=False):
        draw_pixels(row[0], strip.pixels)
        _frame(row[0], strip.window)
        draw_pixels(row[1], strip.pixels[strip.window])
        row[0].set_ylabel("\n".join(textwrap.fill(line, 24) for line in strip.label.split("\n")), fontsize=LETTERS - 1)
        for panel in row:
            panel.set(xticks=[], yticks=[])
        for panel, bar, values, (colours, signed), limit in zip(
            row[2:], axes[-1, 2:], (strip.error, strip.slope, strip.laplacian), MAPS, scales, strict=True
        ):
            if values is None:
                panel.set_box_aspect(strip.pixels.shape[0] / strip.pixels.shape[1])
                panel.set_axis_off()
                continue
            low = -limit if signed else 0
            image = panel.imshow(values, cmap=colours, vmin=low, vmax=limit, interpolation="nearest")
            if strip is strips[-1]:
                figure.colorbar(image, cax=bar, orientation="horizontal", extend="both" if signed else "max")
                bar.tick_params(labelsize=LETTERS - 2)
    for panel in axes[-1, :2]:
        panel.set_axis_off()
    for panel, title in zip(axes[0], TITLES, strict=True):
        panel.set_title(title, fontsize=LETTERS)
    return png(figure)


def _frame(panel: Any, window: tuple[slice, slice]) -> None:
    from matplotlib.patches import Rectangle

    rows, columns = window
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    panel.add_patch(Rectangle(corner, *size, fill=False, edgecolor="yellow", linewidth=1))


def _caption(comparison: Comparison) -> str:
    return (
        f"{comparison.task}: target, and fields of each setting's first replicate with their PSNR. The yellow frame is "
        "the excerpt, where the target has most detail. Errors are means over the channels, of values in [0, 1]; "
        "derivatives are per unit of the coordinate, of the target by stencils, of the fields exact. A map has "
        "one scale in all rows; that of derivatives is the target's range."
    )
