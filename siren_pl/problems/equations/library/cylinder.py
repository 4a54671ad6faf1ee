"""Waves of a point source that a cylinder in the plane scatters, as a series of cylindrical waves.

The wave of the source is a sum of cylindrical waves about the cylinder's axis (Graf's addition theorem; Abramowitz and
Stegun 9.1.79), each of which is continued with its slope across the rim.
"""

import numpy as np
from numpy.typing import NDArray

# Cylindrical waves: those of orders well above k r = 10, as far as the receivers are, no longer matter.
ORDERS = 40


def scattered(
    x: NDArray, y: NDArray, source: tuple[float, float], k: float, radius: float, contrast: float
) -> NDArray[np.complex128]:
    """What a cylinder around the origin adds to the wave -i/4 H₀⁽²⁾(k r) of a point source outside of it.

    Args:
        x: Places (N,).
        y: Places (N,).
        source: Where the source is.
        k: Wave number around the cylinder.
        radius: Its radius.
        contrast: By how much its squared slowness differs from one.
    """
    from scipy.special import h2vp, hankel2, jv, jvp

    orders = np.arange(-ORDERS, ORDERS + 1)
    inner = k * np.sqrt(1 + contrast)
    distance, turn = np.hypot(*source), np.arctan2(source[1], source[0])
    coming = -0.25j * hankel2(orders, k * distance)  # of J_n(k r) e^{i n (θ - turn)}
    here, slope = jv(orders, k * radius), k * jvp(orders, k * radius)
    inside, inside_slope = jv(orders, inner * radius), inner * jvp(orders, inner * radius)
    out, out_slope = hankel2(orders, k * radius), k * h2vp(orders, k * radius)
    crossing = out * inside_slope - out_slope * inside
    going = coming * (slope * inside - here * inside_slope) / crossing  # of H_n(k r)
    staying = coming * (slope * out - here * out_slope) / (inside_slope * out - inside * out_slope)  # of J_n(k₁ r)
    r, angle = np.hypot(x, y)[:, None], np.arctan2(y, x)[:, None]
    outside = going * hankel2(orders, k * np.maximum(r, radius))
    within = staying * jv(orders, inner * np.minimum(r, radius)) - coming * jv(orders, k * np.minimum(r, radius))
    return np.sum(np.where(r < radius, within, outside) * np.exp(1j * orders * (angle - turn)), 1)
