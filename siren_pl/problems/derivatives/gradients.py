"""Poisson reconstruction from gradients: the network is never given a pixel, only the gradients of the image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from siren_pl.field.jet import Jet
from siren_pl.problems.derivatives.alignment import align_mean, aligned_scores
from siren_pl.problems.derivatives.known import require_all, some_known, units
from siren_pl.problems.derivatives.lattice import integrator, potential_of_gradient, shifted, spectrum
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.measures import of_samples
from siren_pl.problems.sampled.signal import SampledSignal, require_whole
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS
from siren_pl.training.problem import Problem
from siren_pl.training.term import Points, Term

Array = NDArray[np.float64]
# The measures that the table shows.
ABOUT = of_samples("heldout_psnr", "psnr_mean_aligned", "ssim", "gradient_psnr")


class Guidance(Protocol):
    """A source of gradients at the samples, per pixel, (D, n_1, …, n_D, C)."""

    def everywhere(self, signal: SampledSignal) -> Array:
        """Compute the gradient at every sample.

        Raises:
            UserError: Some gradients are unknown.
        """
        ...

    def somewhere(self, signal: SampledSignal) -> tuple[Array, Tensor]:
        """Compute the gradient, and where it is known: bool of the grid's shape, true for at least one sample."""
        ...


@dataclass(frozen=True)
class StencilGradient(Guidance):
    """A stencil's gradient of the measured samples; it is unknown where the stencil reads an unobserved sample."""

    stencil: str

    @override
    def everywhere(self, signal: SampledSignal) -> Array:
        require_all(signal)
        return GRADIENT_STENCILS[self.stencil].apply(signal.given.double().numpy())

    @override
    def somewhere(self, signal: SampledSignal) -> tuple[Array, Tensor]:
        rule = GRADIENT_STENCILS[self.stencil]
        known = some_known(rule, self.stencil, signal)
        return rule.apply(signal.given.double().numpy()), known


@dataclass(frozen=True)
class GradientTerm(Term):
    """The squared error of the gradient at the samples, as in the SIREN paper (section 4.1).

    Attributes:
        signal: The samples.
        guidance: The source of the targets; unknown targets are left out.
        target_factor: See `units`.
    """

    signal: SampledSignal = field(compare=False)
    guidance: Guidance
    target_factor: float | None = None

    order = 1
    rows = ("coords", "gradient")
    pointwise = True

    def points(self) -> Points:
        """Make the table: coordinates (M, D), gradients (M, D, C), factors from pixel to coordinate units (D,)."""
        signal = self.signal
        require_whole(signal)
        gradient, where = self.guidance.somewhere(signal)
        known = where.reshape(-1)
        unit = torch.tensor(units(signal, self.target_factor))
        return {
            "coords": signal.coords()[known],
            "gradient": by_sample(gradient)[known] * unit[:, None],
            "unit": unit,
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `gradient`, the squared error per pixel, summed over axes and averaged over points and channels."""
        return {"gradient": squared_error(jet, points).mean()}


def by_sample(gradient: Array) -> Tensor:
    """The gradients (D, n_1, …, n_D, C) as a row per sample, (M, D, C), float32."""
    return torch.from_numpy(gradient).float().flatten(1, -2).movedim(0, 1)


def squared_error(jet: Jet, points: Points) -> Tensor:
    """The squared error per pixel of the gradient, summed over axes: (M, C); see `GradientTerm.points`."""
    assert jet.gradient is not None
    error = (jet.gradient.movedim(0, 1) - points["gradient"]) / points["unit"][..., None]
    return error.square().sum(1)


@dataclass(frozen=True)
class GradientLatticeTerm(Term):
    """The error of the gradient on a shifted lattice, and the potential of that error (see `lattice`).

    Attributes:
        signal: The samples.
        guidance: The source of the targets, all of which must be known.
        target_factor: See `units`.
    """

    signal: SampledSignal = field(compare=False)
    guidance: Guidance
    target_factor: float | None = None

    order = 1

    def points(self) -> Points:
        """Make the table: spectra of the gradient per pixel (D, n_1, …, n_D, C), factors from pixels to coordinates."""
        signal = self.signal
        require_whole(signal)
        gradient = torch.from_numpy(self.guidance.everywhere(signal))
        spectra = [spectrum(component, axis) for axis, component in enumerate(gradient)]
        return {
            "spectra": torch.stack(spectra).float(),
            "pixels": torch.tensor(signal.pixels_per_unit),
            "unit": torch.tensor(units(signal, self.target_factor)),
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Draw a shifted lattice of about `batch_size` points, with the gradient's interpolant per pixel."""
        spectra = table["spectra"]
        samples = tuple(spectra.shape[1:-1])
        lattice = shifted(samples, batch_size, generator)
        gradient = [lattice.interpolate(component, axis) for axis, component in enumerate(spectra)]
        return {
            "coords": lattice.coords(samples, table["pixels"]).to(spectra),
            "gradient": torch.stack(gradient),  # (D, m_1, …, m_D, C)
            "unit": table["unit"],
            **integrator(samples, lattice.shape, spectra.device, spectra.dtype),
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `gradient`, the squared error per pixel, and `potential`, the squared error in values it implies."""
        assert jet.gradient is not None
        target, unit = points["gradient"], points["unit"]
        residual = jet.gradient.reshape(target.shape) / unit.reshape(-1, *[1] * (target.dim() - 1)) - target
        potential = potential_of_gradient(residual, points)
        return {"gradient": residual.square().sum(0).mean(), "potential": potential.square().mean()}


def poisson_grad(
    signal: SampledSignal, stencil: str = "spectral", integrated: bool = True, target_factor: float | None = None
) -> Problem:
    """Make the problem of reconstructing an image from its gradients.

    Args:
        signal: The samples whose gradients are known.
        stencil: The derivative of the samples to supervise, see `siren_pl.problems.sampled.stencils`.
        integrated: Whether to supervise on shifted lattices with the potential of the error; False for the paper's
            pointwise loss, the only choice if samples are held out.
        target_factor: Factor of the pixel derivatives in the targets (the paper's code: 80 = 10 × Sobel's raw sum of
            8); None for true units, in which the field is the image.
    """
    kind = GradientLatticeTerm if integrated else GradientTerm
    terms = {"gradient": kind(signal, StencilGradient(stencil), target_factor)}
    value_scale = units(signal, target_factor)[0] / signal.pixels_per_unit[0]
    judge = SampledJudge(signal, aligned_scores, align_mean, value_scale, (stencil, "laplace"), about=ABOUT)
    return sampled_problem("poisson_grad", terms, judge)
