"""Fit a picture that is known only through a Gaussian blur, which SciPy computes forward and backward."""

from dataclasses import dataclass, field

import torch
from scipy.ndimage import gaussian_filter

from siren_pl import SampledSignal, Term
from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.scores import value_scores


def blurred(values, width):
    """Samples (H, W, C), mirrored at the edges."""
    return torch.from_numpy(gaussian_filter(values.detach().cpu().numpy(), (width, width, 0))).to(values)


class Blur(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, width):
        ctx.width = width
        return blurred(values, width)

    @staticmethod
    def backward(ctx, gradient):
        """A blur that mirrors is its own transpose."""
        return blurred(gradient, ctx.width), None


@dataclass(frozen=True)
class BlurredTerm(Term):
    """Mean squared error of the blurred field."""

    signal: SampledSignal = field(compare=False)
    width: float

    rows = ()  # the blur couples all samples
    mappable = False
    compilable = False

    def points(self):
        return {"coords": self.signal.coords(), "value": blurred(self.signal.values, self.width)}

    def residuals(self, ask, points):
        field = ask(points["coords"]).value.reshape(points["value"].shape)
        return {"blurred": (Blur.apply(field, self.width) - points["value"]).flatten(0, 1)}


def blurred_fit(signal, width):
    return sampled_problem("blurred", {"samples": BlurredTerm(signal, width)}, SampledJudge(signal, value_scores))
