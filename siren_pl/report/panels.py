"""Pictures of a comparison: the result of each setting, its errors, and its derivatives, next to those of the truth."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siren_pl.commands.evaluate import load
from siren_pl.errors import UserError
from siren_pl.field.networks.bundle import Bundle
from siren_pl.problems.pictures.figures import RANGE_PERCENTILE, Array, draw_pixels, frame
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

# The sides of the picture are this many times those of the excerpt.
EXCERPT = 4
# Colours of the maps, and whether their values have a sign.
MAPS = (("magma", False), ("magma", False), ("RdBu_r", True))
# Height of a colour bar in rows of pictures, and the smallest error at the end of a colour bar.
BAR, STEP_OF_BYTES = 0.07, 1 / 255
# Rows of pictures that fit a page with its caption.
ROWS = 5
# Of more settings than this, only as many as fill two pages are shown.
MOST_SHOWN = 13
TITLES = ("image", "excerpt", "absolute error", "gradient magnitude", "Laplacian")
Scales = tuple[float, ...]


class OtherKindError(UserError):
    """A signal is not an image, so what its own kind has drawn is shown."""


@dataclass(frozen=True)
class Strip:
    """One row of pictures: those of a target or of a field."""

    label: str
    pixels: Array
    slope: Array
    laplacian: Array
    window: tuple[slice, slice]
    error: Array | None = None


def panels(comparison: Comparison) -> list[Block]:
    """Draw figures of the first run of every setting; if a picture cannot be made, a line of text replaces it."""
    pages: list[list[Strip]] = []
    missing: dict[str, list[str]] = {}
    drawn: list[Block] = []
    chosen = _chosen(comparison)
    for row in chosen:
        try:
            target, field = _strips(row.label, row.runs[0])
        except Exception as error:  # if one picture cannot be made, the others still can
            if isinstance(error, OtherKindError) and (own := _own_figure(row)):
                drawn.append(own)
                continue
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
            "The settings shown range from the best to the worst in the table; the others' pictures are in their runs."
        )
    scales = _scales([strip for page in pages for strip in page]) if pages else ()
    return [
        *(Figure(_drawn(page, scales), _caption(comparison)) for page in pages),
        *drawn,
        *([Paragraph(" ".join(told))] if told else []),
    ]


def _own_figure(row: Setting) -> Figure | None:
    """What a run of another kind of signal drew of its result: the first of its figures that is not its curve."""
    drawn = sorted((row.runs[0].directory / "figures").glob("*.png"))
    own = [file for file in drawn if not file.stem.startswith("curve")]
    return Figure(own[0].read_bytes(), f"{row.label}: {own[0].stem} of its first replicate.") if own else None


def _chosen(comparison: Comparison) -> list[Setting]:
    """The settings to show, in the table's order: all of a few; of many, an even choice from the best to the worst."""
    rows, column = [row for row in comparison.settings if row.runs], headline(comparison)
    if len(rows) <= MOST_SHOWN or column is None:
        return rows
    better = column.measure.better
    ordered = sorted(rows, key=lambda row: -(better * mean.mean if (mean := row.estimate(column.key)) else -np.inf))
    chosen = [ordered[round(place)] for place in np.linspace(0, len(rows) - 1, 2 * (ROWS - 1))]
    return [row for row in rows if row in chosen]


def _strips(label: str, run: Run) -> tuple[Strip, Strip]:
    """Make the row of the target and that of the field.

    Raises:
        UserError: The data or the checkpoint is missing, or the signal is not an image, or too large to draw.
    """
    network, config = load(run.directory, run.packages), run.config
    (plan,) = identity.opened(config, run.directory)
    problem, judge = plan.problem, plan.problem.judge
    if not isinstance(judge, SampledJudge):
        raise OtherKindError(f"{problem.data} is no image.")
    signal = judge.signal
    if signal.in_features != 2:  # noqa: PLR2004 - panels are of images
        raise OtherKindError(f"{signal.name} is not an image.")
    if signal.is_large:
        raise UserError(f"{signal.name} is not an image of a size that is drawn whole.")
    ask = ask_of(Bundle({"field": network}), build.strategies(config, problem.fields))
    found = WholeEvaluation(judge, problem.answer(ask))
    if found.jet is None or found.jet.gradient is None:
        raise UserError(f"{signal.name} is too large for its derivatives to be drawn.")
    shape = signal.values.shape
    target, pixels = to_unit(signal.values), found.pixels
    slopes = found.jet.gradient.double().numpy()
    # A piecewise linear field has no Laplacian, so its map stays blank.
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
    """The norm of the gradient (D, …) at every pixel, averaged over the channels."""
    return np.sqrt((gradient.reshape(-1, *shape) ** 2).sum(0)).mean(-1)


def _scales(strips: Sequence[Strip]) -> Scales:
    """Ranges of the maps' colours: that of the target for derivatives, that of the median field for errors."""
    errors = [_range(strip.error) for strip in strips if strip.error is not None]
    target = strips[0]
    return max(float(np.median(errors)), STEP_OF_BYTES), _range(target.slope) or 1.0, _range(target.laplacian) or 1.0


def _range(values: Array) -> float:
    return float(np.percentile(np.abs(values), RANGE_PERCENTILE))


def _drawn(strips: Sequence[Strip], scales: Scales) -> bytes:
    """Draw the strips in rows, with a row of colour bars below."""
    aspect = max(0.5, min(1.4, strips[0].pixels.shape[0] / strips[0].pixels.shape[1]))
    height = (PAGE_WIDTH / len(TITLES) * aspect + 0.05) * len(strips) + 0.5
    figure, axes = sheet(len(strips) + 1, len(TITLES), height, (*[1.0] * len(strips), BAR))
    for row, strip in zip(axes, strips, strict=False):
        draw_pixels(row[0], strip.pixels)
        rows, columns = strip.window
        edges = (rows.start - 0.5, columns.start - 0.5, rows.stop - 0.5, columns.stop - 0.5)
        frame(row[0], edges, "yellow", 1)
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


def _caption(comparison: Comparison) -> str:
    return (
        f"{comparison.task}: target, and fields of each setting's first replicate with their PSNR. The yellow frame is "
        "the excerpt, where the target has most detail. Errors are means over the channels, of values in [0, 1]. "
        "Derivatives are per coordinate unit; those of the target come from stencils, those of the fields are exact. "
        "Each map has one colour scale in all rows, which for derivatives is the target's range."
    )
