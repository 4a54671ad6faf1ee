"""The Helmholtz equation as SIREN's code solves it: a narrow Gaussian as the source, absolute values of residuals."""

import torch
from torch import Tensor

from siren_pl.problems.equations import Disc, within
from siren_pl.problems.equations.library.helmholtz import Helmholtz
from siren_pl.problems.equations.library.paper import AROUND, OF_POINTS, RADIUS, VARIANCE, absolute, gaussian

# The weight of a point at the source beside a point elsewhere: thousands of points in a step.
AT_SOURCE = 230**2 / OF_POINTS


class PaperHelmholtz(Helmholtz):
    """Δu + k² u = (1 + i) s in stretched coordinates; nothing is said of the walls."""

    integrate = False
    walls = None  # type: ignore[assignment] - nothing is said of them

    def interior(self, d):
        """The residual, which counts more where the source is."""
        weight = torch.where(gaussian(d.x, d.y, VARIANCE) > 0, AT_SOURCE, 1.0)
        return weight**0.5 * absolute(self._residual(d))

    @within(Disc(radius=RADIUS))
    def source(self, d):
        """A hundred points more around the source: their share of all points, with the weight of the source."""
        return (AROUND / OF_POINTS) ** 0.5 * absolute(self._residual(d))

    def _residual(self, d) -> Tensor:
        return self._operator(d, "u", d.u) - (1 + 1j) * gaussian(d.x, d.y, VARIANCE)

    def added(self, x: Tensor, y: Tensor) -> None:
        """Nothing is split off."""

    def reference(self, x: Tensor, y: Tensor) -> Tensor:
        """The wave of a Gaussian is that of a point, but for a factor."""
        smooth = torch.exp(torch.tensor(-(self.k**2) * VARIANCE / 2))
        return -(1 + 1j) * smooth * super().reference(x, y)
