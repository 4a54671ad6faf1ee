"""Poisson reconstruction from the Laplacian: the network is given only the Laplacian of the image.

A Laplacian determines an image up to a harmonic function, which a condition on the border must fix. SciPy's reflecting
stencil implies one: its border rows assume no flux through the image's edge, so they are supervised as normal
derivatives, which are zero there. Values on the border pixels may be supervised as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.jet import Jet
from siren_pl.problems.derivatives.alignment import align_mean, aligned_scores
from siren_pl.problems.derivatives.known import axis_weights, require_all, some_known
from siren_pl.problems.derivatives.lattice import integrator, potential_of_gradient, potential_of_laplacian
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.measures import of_samples
from siren_pl.problems.sampled.signal import SampledSignal, require_whole
from siren_pl.problems.sampled.stencils import LAPLACIAN_STENCILS
from siren_pl.training.ask import Ask
from siren_pl.training.problem import Problem
from siren_pl.training.term import Points, Term

# The measures that the table shows.
ABOUT = of_samples("heldout_psnr", "psnr_mean_aligned", "psnr_affine_aligned", "ssim", "laplacian_psnr")


@dataclass(frozen=True)
class LaplacianTerm(Term):
    """The squared error of the Laplacian at the samples, as in the SIREN paper (section 4.1).

    Attributes:
        signal: The samples.
        stencil: The stencil of the targets; targets that read an unobserved sample are left out.
        target_factor: Factor of the pixel Laplacian in the targets; None for true units (per squared coordinate unit).
        border: Whether to supervise the stencil's border rows, which hold normal derivatives, as Laplacians.
    """

    signal: SampledSignal = field(compare=False)
    stencil: str
    target_factor: float | None
    border: bool

    order = 2
    rows = ("coords", "laplacian")
    pointwise = True

    def points(self) -> Points:
        """Make the table: coordinates (M, D), Laplacians (M, C) per coordinate unit², factor () from per pixel²."""
        signal = self.signal
        require_whole(signal)
        known = some_known(LAPLACIAN_STENCILS[self.stencil], self.stencil, signal)
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
        """Compute `laplacian`, per pixel²."""
        jet = ask(points["coords"], self.order)
        return {"laplacian": (jet.laplacian - points["laplacian"]) / points["unit"]}


@dataclass(frozen=True)
class LaplacianLatticeTerm(Term):
    """The error of the Laplacian f at the pixel centres, and the potential of its weak form.

    The weak form asks that ∫ ∇u·∇φ = -∫ f φ for every cosine φ of the lattice. It implies that nothing flows over the
    edge. Its potential, the right-hand side less the left one divided by |ω|², is an error in values. It could be
    computed from the field's Laplacian as well, but what the field has beyond the samples' Nyquist frequency aliases
    into low frequencies there, and 1/|ω|² magnifies it; with the gradient it is 1/|ω|.

    Attributes:
        signal: The samples, all of which must be observed.
        stencil: The stencil of the targets.
        target_factor: As in `LaplacianTerm`.
    """

    signal: SampledSignal = field(compare=False)
    stencil: str
    target_factor: float | None

    order = 2

    def points(self) -> Points:
        """Make the table: all samples, their Laplacians per pixel², and the spectrum of the values that these imply."""
        signal = self.signal
        require_whole(signal)
        require_all(signal)
        shape, (first, *_) = signal.shape, signal.pixels_per_unit
        unit = laplacian_unit(signal, self.target_factor)
        weights = tuple(pixels / first for pixels in signal.pixels_per_unit)
        tools = integrator(shape, shape, torch.device("cpu"), torch.float32, weights)
        target = per_pixel(signal, self.stencil)
        return {
            "coords": signal.coords(),
            "laplacian": target,
            "unit": torch.tensor(unit),
            "slope_unit": torch.tensor(unit / first),
            "implied": potential_of_laplacian(target, tools),
            **tools,
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Take everything, whatever the batch size, since the potential couples all samples."""
        return table

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `laplacian`, the squared error per pixel², and `potential`, the squared error in values."""
        assert jet.gradient is not None
        target = points["laplacian"]
        residual = jet.laplacian.reshape(target.shape) / points["unit"] - target
        slopes = jet.gradient.reshape(-1, *target.shape) / points["slope_unit"]
        potential = potential_of_gradient(slopes, points) - points["implied"]
        return {"laplacian": residual.square().mean(), "potential": potential.square().mean()}


@dataclass(frozen=True)
class BorderValueTerm(Term):
    """The mean squared error of the values on the image's border pixels.

    Attributes:
        signal: The samples.
        value_scale: Factor from the values of the signal to those of the field.
    """

    signal: SampledSignal = field(compare=False)
    value_scale: float

    rows = ("coords", "value")
    pointwise = True

    def points(self) -> Points:
        """Make the table: coordinates and values of the observed border samples."""
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
        """Compute `border_value`."""
        return {"border_value": ask(points["coords"]).value / self.value_scale - points["value"]}


def on_border(signal: SampledSignal) -> Tensor:
    """Mark the samples at an end of any axis: bool of the grid's shape."""
    mask = torch.ones(signal.shape, dtype=torch.bool)
    if min(signal.shape) > 2:  # noqa: PLR2004 - otherwise every sample is at an end
        mask[(slice(1, -1),) * signal.in_features] = False
    return mask


def per_pixel(signal: SampledSignal, stencil: str) -> Tensor:
    """Compute the stencil's Laplacian (n_1, …, n_D, C) per pixel² of the first axis."""
    values, weights = signal.given.double().numpy(), axis_weights(signal.pixels_per_unit)
    return torch.from_numpy(LAPLACIAN_STENCILS[stencil].apply(values, weights)).float()


def laplacian_unit(signal: SampledSignal, target_factor: float | None) -> float:
    """The factor from a Laplacian per pixel² to one per coordinate unit², or `target_factor` if it is given."""
    return signal.pixels_per_unit[0] ** 2 if target_factor is None else target_factor


def poisson_laplacian(
    signal: SampledSignal,
    stencil: str = "laplace",
    integrated: bool = True,
    border: bool = True,
    boundary: bool = False,
    target_factor: float | None = None,
) -> Problem:
    """Make the problem of reconstructing an image from its Laplacian.

    Args:
        signal: The samples whose Laplacian is known.
        stencil: `laplace` (SciPy's 5-point stencil) or `spectral`.
        integrated: Whether to supervise with the potential of the error and zero flux over the edge; False for the
            paper's pointwise loss, the only choice if samples are held out.
        border: Whether to supervise the stencil's border rows; False (pointwise only) leaves the border undetermined.
        boundary: Whether to supervise the values on the border pixels as well.
        target_factor: Factor of the pixel Laplacian in the targets (the paper's code: 10⁴); None for true units.
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
    judge = SampledJudge(signal, aligned_scores, align_mean, value_scale, ("sobel", stencil), about=ABOUT)
    return sampled_problem("poisson_laplacian", terms, judge)
