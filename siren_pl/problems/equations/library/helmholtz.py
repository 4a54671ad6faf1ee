"""Waves of wave number 20 around a point source, absorbed by layers along the walls (SIREN, section 4.3).

The solution is infinite at the source, so its known singular part is split off: u = v + χ G, with the field of a point
source in the plane, G, and a cut-off χ that is one around the source and zero before the layers begin. The field is v.
"""

import torch
from torch import Tensor

from siren_pl.problems.equations import Box, Equation, at

# Where the cut-off begins to fall and where it is zero, and the radius within which nothing is scored.
FALLS_FROM, FALLS_TO, UNSCORED = 0.06, 0.46, 0.06


class Helmholtz(Equation):
    """Δu + k² u = -δ in stretched coordinates, u = 0 at the walls."""

    domain, is_complex = Box(x=(-1, 1), y=(-1, 1)), True
    k = 20.0
    # Thickness and strength of the absorbing layers, as in SIREN's code.
    layer, strength = 0.5, 5.0
    detail, integrate = 128.0, True

    def interior(self, d):
        """The equation of v, and what the split leaves as a source."""
        return self._operator(d, "u", d.u) + self._source(d.x, d.y)

    @at(boundary=True)
    def walls(self, d):
        """Nothing is left of the wave."""
        return d.u

    def _operator(self, d, u: str, moved: Tensor) -> Tensor:
        """∂x(ey/ex ∂x u) + ∂y(ex/ey ∂y u) + ex ey k² moved, where `moved` is u times the squared slowness."""
        (ex, slope_x), (ey, slope_y) = self._stretch(d.x), self._stretch(d.y)
        u_x, u_y, u_xx, u_yy = (getattr(d, f"{u}_{along}") for along in ("x", "y", "xx", "yy"))
        along_x = ey / ex * u_xx - ey * slope_x / ex**2 * u_x
        along_y = ex / ey * u_yy - ex * slope_y / ey**2 * u_y
        return along_x + along_y + ex * ey * self.k**2 * moved

    def _stretch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The factor 1 - i a (depth / thickness)² of a coordinate, and its slope."""
        depth = (x.abs() - (1 - self.layer)).clamp(min=0) / self.layer
        factor = torch.complex(torch.ones_like(x), -self.strength * depth**2)
        return factor, torch.complex(torch.zeros_like(x), -2 * self.strength * depth / self.layer * x.sign())

    def _cut_off(self, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """χ, which has three continuous derivatives, and the first two of them."""
        width = FALLS_TO - FALLS_FROM
        s = ((r - FALLS_FROM) / width).clamp(0, 1)
        value = 1 - s**4 * (35 - 84 * s + 70 * s**2 - 20 * s**3)
        slope = -140 * s**3 * (1 - s) ** 3 / width
        return value, slope, -420 * s**2 * (1 - s) ** 2 * (1 - 2 * s) / width**2

    def _green(self, r: Tensor) -> tuple[Tensor, Tensor]:
        """G = -i/4 H₀⁽²⁾(kr), the outgoing wave of a point source, and its slope."""
        x = self.k * r
        zero = torch.complex(-torch.special.bessel_y0(x) / 4, -torch.special.bessel_j0(x) / 4)
        one = torch.complex(torch.special.bessel_y1(x) / 4, torch.special.bessel_j1(x) / 4)
        return zero, self.k * one

    def _source(self, x: Tensor, y: Tensor) -> Tensor:
        """2 χ' G' + (χ'' + χ'/r) G, which is zero where χ is constant."""
        r = torch.sqrt(x**2 + y**2).clamp(min=FALLS_FROM / 2)
        (_, slope, curvature), (value, first) = self._cut_off(r), self._green(r)
        return 2 * slope * first + (curvature + slope / r) * value

    def added(self, x: Tensor, y: Tensor) -> Tensor:
        """χ G."""
        r = torch.sqrt(x**2 + y**2).clamp(min=1e-3)
        return self._cut_off(r)[0] * self._green(r)[0]

    def reference(self, x: Tensor, y: Tensor) -> Tensor:
        """G between the source and the layers; the layers themselves are no part of the question."""
        r = torch.sqrt(x**2 + y**2)
        inside = (torch.maximum(x.abs(), y.abs()) <= 1 - self.layer) & (r >= UNSCORED)
        return torch.where(inside, self._green(r.clamp(min=UNSCORED))[0], torch.full_like(r, torch.nan))
