"""Full-waveform inversion as SIREN's code does it: waves and medium are fields, all terms are absolute values.

The code has one network with a channel for the medium; here the medium has a network of its own.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from siren_pl.problems.equations import Disc, observed, within
from siren_pl.problems.equations.library.full_waveform import PLACES, RECEIVERS, SOURCES, FullWaveform
from siren_pl.problems.equations.library.paper import AROUND, OF_POINTS, RADIUS, VARIANCE, absolute, gaussian

# The weight of a point at a source beside a point elsewhere: thousands of points in a step.
AT_SOURCE = 115**2 / OF_POINTS
# The squared slowness is at least this, and it is one where |x| or |y| is larger than KNOWN_FROM.
LEAST, KNOWN_FROM = 1e-3, 0.75


def _near(number: int) -> Callable:
    """A hundred points more around a source, with the weight of the source."""

    @within(Disc(RADIUS, PLACES[number]))
    def source(self, d):
        residual = self._residual(d, self.outputs[number], PLACES[number])
        return (AROUND / OF_POINTS) ** 0.5 * absolute(residual)

    return source


class PaperInverseHelmholtz(FullWaveform):
    """Δu + k² m u = (1 + i) s in stretched coordinates for every source."""

    integrate = False
    edges = walls = None  # type: ignore[assignment] - nothing is said of them
    detail = 128.0

    def interior(self, d):
        """The residuals, which count more where a source is."""
        return tuple(
            torch.where(self._sent(d, place) > 0, AT_SOURCE, 1.0) ** 0.5 * absolute(self._residual(d, name, place))
            for name, place in zip(self.outputs, PLACES, strict=True)
        )

    source1, source2, source3, source4, source5 = map(_near, range(SOURCES))

    @observed
    def receivers(self, d):
        """The waves at the receivers, whose sum counts as often as there are points."""
        found = []
        for name in self.outputs:
            real, imaginary = (getattr(d.measured, f"{name}_{part}") for part in ("real", "imaginary"))
            sent = -(1 + 1j) * torch.complex(real, imaginary).to(getattr(d, name))
            found.append((3 * RECEIVERS) ** 0.5 * absolute(getattr(d, name) - sent))
        return tuple(found)

    def _residual(self, d, name: str, place: tuple[float, float]) -> Tensor:
        known = torch.maximum(d.x.abs(), d.y.abs()) > KNOWN_FROM
        medium = torch.where(known, 1.0, (1 + d.contrast).clamp(min=LEAST))
        return self._operator(d, name, medium * getattr(d, name)) - (1 + 1j) * self._sent(d, place)

    def _sent(self, d, place: tuple[float, float]) -> Tensor:
        return gaussian(d.x - place[0], d.y - place[1], VARIANCE)

    def added(self, x: Tensor, y: Tensor) -> None:  # type: ignore[override]
        """Nothing is split off."""

    def reference(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """The waves of unit sources, times the strength of the code's."""
        return tuple(-(1 + 1j) * each for each in super().reference(x, y))
