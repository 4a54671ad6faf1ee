"""A medium from waves that went through it, full-waveform inversion, in the geometry of SIREN's section 4.3.

Five sources on one side of a square send waves of wave number 20, and thirty receivers on the other sides record them.
What is sought is by how much the squared slowness differs from one: it is a field, the waves live on a lattice.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siren_pl.problems.equations import at, observed, prior
from siren_pl.problems.equations.library.cylinder import scattered
from siren_pl.problems.equations.library.helmholtz import Helmholtz

# The sources stand at y = -BELOW; receivers at y = ABOVE, and at x = -ABOVE and x = ABOVE, ten each.
BELOW, ABOVE, SOURCES, RECEIVERS = 0.34705882, 0.40196078, 5, 10
LOWEST = -0.25294118  # of the receivers at the sides
PLACES = tuple((float(x), -BELOW) for x in np.linspace(-BELOW, BELOW, SOURCES))
# The medium is known where |x| or |y| is larger.
KNOWN_FROM = 0.5
# The cylinder that the built-in measurements are of: as fast as twice the medium around it, so m = 1/4.
RADIUS, CONTRAST = 0.1, -0.75
# The deviation of the noise of the built-in measurements, in root mean squares of the scattered waves.
NOISE = 0.01
# How unlikely edges are beside misfits, and the slope at which an edge begins.
EDGES, SLOPE = 0.006, 0.05


class FullWaveform(Helmholtz):
    """Δu + k² (1 + c) u = -δ for each source, c unknown; the field is the part of u that the medium scatters."""

    outputs = tuple(f"u{number}" for number in range(1, SOURCES + 1))
    coefficients: ClassVar[Mapping[str, float]] = {"contrast": 0.0}
    detail, effort, lattice = 32.0, 300, 96

    def interior(self, d):
        """The equation of what is scattered, in the stretched coordinates of the absorbing layers."""
        contrast = torch.where(self._is_unknown(d.x, d.y), d.contrast, 0.0)
        residuals = []
        for name, place in zip(self.outputs, PLACES, strict=True):
            moved = (1 + contrast) * getattr(d, name) + contrast * self._incoming(d.x, d.y, place)
            residuals.append(self._operator(d, name, moved))
        return tuple(residuals)

    @at(boundary=True)
    def walls(self, d):
        """Nothing is left of any wave."""
        return tuple(getattr(d, name) for name in self.outputs)

    @observed
    def receivers(self, d):
        """The whole waves at the receivers."""
        found = []
        for name, place in zip(self.outputs, PLACES, strict=True):
            real, imaginary = (getattr(d.measured, f"{name}_{part}") for part in ("real", "imaginary"))
            whole = getattr(d, name) + self._incoming(d.x, d.y, place)
            found.append(whole - torch.complex(real, imaginary).to(whole))
        return tuple(found)

    @prior
    def edges(self, d):
        """Edges are few: the square of this is the total variation."""
        variation = (d.contrast_x**2 + d.contrast_y**2 + SLOPE**2) ** 0.25
        return EDGES**0.5 * torch.where(self._is_unknown(d.x, d.y), variation, 0.0)

    def _is_unknown(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.maximum(x.abs(), y.abs()) < KNOWN_FROM

    def _incoming(self, x: Tensor, y: Tensor, place: tuple[float, float]) -> Tensor:
        r = torch.sqrt((x - place[0]) ** 2 + (y - place[1]) ** 2)
        return self._green(r.clamp(min=1e-3))[0]

    def added(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """The incoming waves."""
        return tuple(self._incoming(x, y, place) for place in PLACES)

    def reference(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """The waves around and inside of the cylinder, in the square of sources and receivers."""
        whole = []
        for place in PLACES:
            near = torch.sqrt((x - place[0]) ** 2 + (y - place[1]) ** 2) < RADIUS
            scored = self._is_unknown(x, y) & ~near
            found = self._incoming(x, y, place) + torch.from_numpy(
                scattered(x.numpy(), y.numpy(), place, self.k, RADIUS, CONTRAST)
            )
            whole.append(torch.where(scored, found, torch.full_like(found, torch.nan)))
        return tuple(whole)

    def reference_coefficients(self, x: Tensor, y: Tensor) -> Tensor:
        """The cylinder."""
        c = torch.where(torch.sqrt(x**2 + y**2) < RADIUS, CONTRAST, 0.0).to(x)
        return torch.where(self._is_unknown(x, y), c, torch.full_like(c, torch.nan))

    def measurements(self, generator: np.random.Generator) -> Mapping[str, NDArray]:
        """What the receivers record."""
        along, up = np.linspace(-BELOW, BELOW, RECEIVERS), np.linspace(LOWEST, ABOVE, RECEIVERS)
        x = np.concatenate([along, np.full(RECEIVERS, -ABOVE), np.full(RECEIVERS, ABOVE)])
        y = np.concatenate([np.full(RECEIVERS, ABOVE), up, up])
        columns = {"x": x, "y": y}
        places = torch.from_numpy(x), torch.from_numpy(y)
        for name, place in zip(self.outputs, PLACES, strict=True):
            clean = scattered(x, y, place, self.k, RADIUS, CONTRAST)
            size = NOISE * np.sqrt(np.mean(np.abs(clean) ** 2) / 2)
            noise = size * (generator.standard_normal(len(x)) + 1j * generator.standard_normal(len(x)))
            whole = self._incoming(*places, place).numpy() + clean + noise
            columns |= {f"{name}_real": whole.real, f"{name}_imaginary": whole.imag}
        return columns
