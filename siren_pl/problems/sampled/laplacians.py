"""Poisson reconstruction from the Laplacian: the network sees only where the image curves.

A Laplacian leaves every harmonic function open; what happens on the border decides among them. SciPy's reflecting
stencil states it: its border rows count no flux through the image's edge, so they are supervised as normal derivatives,
which are zero there. Values on the border pixels may be supervised as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.jet import Jet
from siren_pl.problems.sampled.gradients import require_all, require_some
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.lattice import Lattice, integrator, potential_of_laplacian
from siren_pl.problems.sampled.measures import OF_LAPLACIANS
from siren_pl.problems.sampled.scores import align_mean, aligned_scores
from siren_pl.problems.sampled.signal import SampledSignal, require_whole
from siren_pl.problems.sampled.stencils import LAPLACIAN_STENCILS, axis_weights, seen_by
from siren_pl.training.ask import Ask
from siren_pl.training.problem import Problem
from siren_pl.training.term import Points, Term


@dataclass(frozen=True)
class LaplacianTerm(Term):
    """Squared error of the Laplacian at the samples, as the SIREN paper has it (section 4.1).

    Attributes:
        signal: The samples.
        stencil: Where the targets come from; targets that read an unseen sample are left out.
        target_factor: Targets are the pixel Laplacian times this; None for true units (per squared coordinate unit).
        border: Whether the stencil's border rows, which hold normal derivatives, count as Laplacians.
    """

    signal: SampledSignal = field(compare=False)
    stencil: str
    target_factor: float | None
    border: bool

    order = 2
    rows = ("coords", "laplacian")
    pointwise = True

    def points(self) -> Points:
        """Coordinates (M, D), Laplacians (M, C) per coordinate unit², and the factor from pixel² to unit² ()."""
        signal = self.signal
        require_whole(signal)
        rule = LAPLACIAN_STENCILS[self.stencil]
        known = torch.from_numpy(seen_by(rule, signal.observed.numpy()))
        require_some(known, signal, self.stencil)
        if not self.border:
            known &= ~on_border(signal)
            if not known.any():
                raise UserError(
                    f"task.border=false leaves out every Laplacian of {signal.name} that is known: set "
                    "task.border=true, choose a larger dataset.size, or hold out less."
                )
        rows = known.reshape(-1)
        unit = laplacian_unit(signal, self.target_factor)
        target = per_pixel(signal, self.stencil).reshape(-1, signal.out_features)[rows]
        return {
            "coords": signal.coords()[rows],
            "laplacian": target * unit,
            "unit": torch.tensor(unit),
        }

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        """`laplacian`, per pixel²."""
        jet = ask(points["coords"], self.order)
        return {"laplacian": (jet.laplacian - points["laplacian"]) / points["unit"]}


@dataclass(frozen=True)
class LaplacianLatticeTerm(Term):
    """The error of the Laplacian at the pixel centres, the flux over the edge, and the potential of both.

    The lattice is not shifted here: a shift would tear the balance between the cells' Laplacians and the flux over the
    edge, whose error the potential magnifies by 1/|ω|².

    Attributes:
        signal: The samples.
        stencil: Where the targets come from; every sample must be observed.
        target_factor: As in `LaplacianTerm`.
    """

    signal: SampledSignal = field(compare=False)
    stencil: str
    target_factor: float | None

    order = 2

    def points(self) -> Points:
        """All samples and, after them, the points of each face of the domain: axis by axis, low face then high."""
        signal = self.signal
        require_whole(signal)
        require_all(signal)
        shape, pixels = signal.shape, torch.tensor(signal.pixels_per_unit)
        centres = [torch.arange(n) + 0.5 for n in shape]
        coords = [Lattice(shape, centres).coords(shape, pixels)]
        for axis, n in enumerate(shape):
            for edge in (0.0, float(n)):
                positions = [torch.tensor([edge]) if i == axis else c for i, c in enumerate(centres)]
                coords.append(Lattice(shape, positions).coords(shape, pixels))
        target = per_pixel(signal, self.stencil)
        unit = laplacian_unit(signal, self.target_factor)
        weights = tuple((pixels / pixels[0]).tolist())
        return {
            "coords": torch.cat(coords).float(),
            "laplacian": target,
            "unit": torch.tensor(unit),
            # From slopes per coordinate unit to the flux of a cell in the units of the target.
            "flux_unit": unit / pixels,
            **integrator(shape, shape, torch.device("cpu"), torch.float32, weights),
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Everything, whatever the batch size: the potential couples all samples."""
        return table

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """`laplacian` and `flux`: squared errors per pixel² and pixel; `potential`: the error in values they imply."""
        assert jet.gradient is not None
        target = points["laplacian"]
        shape = target.shape
        inside = target[..., 0].numel()
        residual = jet.laplacian[:inside].reshape(shape) / points["unit"] - target
        balance, flux, start = residual, residual.new_zeros(()), inside
        for axis, n in enumerate(shape[:-1]):
            face = [m for i, m in enumerate(shape[:-1]) if i != axis]
            size = inside // n
            slopes = jet.gradient[axis] / points["flux_unit"][axis]
            low, high = (slopes[start + k * size : start + (k + 1) * size].reshape(*face, -1) for k in (0, 1))
            start += 2 * size
            flux = flux + (low.square().sum() + high.square().sum()) / target.numel()
            # What flows in over the low face and out over the high one belongs to the cells beside them.
            sources = [low, *[torch.zeros_like(low)] * (n - 2), -high] if n > 1 else [low - high]
            balance = balance + torch.stack(sources, dim=axis)
        potential = potential_of_laplacian(balance, points)
        return {
            "laplacian": residual.square().mean(),
            "flux": flux,
            "potential": potential.square().mean(),
        }


@dataclass(frozen=True)
class BorderValueTerm(Term):
    """Mean squared error of the values on the image's border pixels.

    Attributes:
        signal: The samples.
        value_scale: What the field is in units of the signal.
    """

    signal: SampledSignal = field(compare=False)
    value_scale: float

    rows = ("coords", "value")
    pointwise = True

    def points(self) -> Points:
        """Coordinates and values of the observed border samples."""
        signal = self.signal
        require_whole(signal)
        rows = (on_border(signal) & signal.observed).reshape(-1)
        if not rows.any():
            raise UserError(
                f"task.boundary=true finds no observed sample on the border when {signal.withheld}: hold out less, or "
                "set task.boundary=false."
            )
        values = signal.given.reshape(-1, signal.out_features)
        return {"coords": signal.coords()[rows], "value": values[rows]}

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        """`border_value`."""
        return {"border_value": ask(points["coords"]).value / self.value_scale - points["value"]}


def on_border(signal: SampledSignal) -> Tensor:
    """Which samples lie at an end of some axis: bool of the grid's shape."""
    mask = torch.ones(signal.shape, dtype=torch.bool)
    if min(signal.shape) > 2:  # noqa: PLR2004 - else every sample is at an end
        mask[(slice(1, -1),) * signal.in_features] = False
    return mask


def per_pixel(signal: SampledSignal, stencil: str) -> Tensor:
    """The stencil's Laplacian (n_1, …, n_D, C) per pixel² of the first axis."""
    values, weights = signal.given.double().numpy(), axis_weights(signal.pixels_per_unit)
    return torch.from_numpy(LAPLACIAN_STENCILS[stencil].apply(values, weights)).float()


def laplacian_unit(signal: SampledSignal, target_factor: float | None) -> float:
    """Laplacian per coordinate unit² over Laplacian per pixel², or the factor asked for."""
    return signal.pixels_per_unit[0] ** 2 if target_factor is None else target_factor


def poisson_laplacian(
    signal: SampledSignal,
    stencil: str = "laplace",
    integrated: bool = True,
    border: bool = True,
    boundary: bool = False,
    target_factor: float | None = None,
) -> Problem:
    """Rebuild an image from its Laplacian.

    Args:
        signal: The samples whose Laplacian is known.
        stencil: `laplace` (SciPy's 5-point stencil) or `spectral`.
        integrated: Supervise with the potential of the error and zero flux over the edge; False for the paper's
            pointwise loss, which is also what remains when samples are held out.
        border: Supervise the stencil's border rows; without them (pointwise only) the border is left open.
        boundary: Supervise the values on the border pixels as well.
        target_factor: Supervise the pixel Laplacian times this (the paper's code: 10⁴); None for true units.
    """
    whole = integrated and border
    term = (
        LaplacianLatticeTerm(signal, stencil, target_factor)
        if whole
        else LaplacianTerm(signal, stencil, target_factor, border)
    )
    terms: dict[str, Term] = {"laplacian": term}
    value_scale = laplacian_unit(signal, target_factor) / laplacian_unit(signal, None)
    if boundary:
        terms["boundary"] = BorderValueTerm(signal, value_scale)
    judge = SampledJudge(signal, aligned_scores, align_mean, value_scale, ("sobel", stencil), about=OF_LAPLACIANS)
    return sampled_problem("poisson_laplacian", terms, judge)
