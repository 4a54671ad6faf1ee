"""A learning-rate schedule is a pure function of progress: from a small start to 1, and down along a half cosine."""

import math

import numpy as np
import pytest

from siren_pl.training.schedules import Cosine, constant

GRID = np.linspace(0, 1, 1001)[:-1]


def test_constant():
    assert {constant(p) for p in GRID} == {1.0}


@pytest.mark.parametrize("final", [0.0, 0.1])
@pytest.mark.parametrize("warmup", [0.0, 0.02, 0.5])
def test_cosine(warmup, final):
    schedule = Cosine(warmup, final)
    factors = np.array([schedule(p) for p in GRID])
    after = np.array([p >= warmup for p in GRID])
    fall = (GRID[after] - warmup) / (1 - warmup)
    expected = final + (1 - final) * np.cos(math.pi * fall / 2) ** 2  # the half-angle form of a half cosine
    np.testing.assert_allclose(factors[after], expected, rtol=0, atol=1e-12)
    assert schedule(warmup) == pytest.approx(1)
    assert schedule(1.0) == pytest.approx(final)
    assert (factors > 0).all()  # no step is wasted
    assert (np.diff(factors[~after]) > 0).all()
    assert (np.diff(factors[after]) < 0).all()


@pytest.mark.parametrize("warmup", [0.02, 0.5])
def test_warmup_is_a_straight_line_that_meets_the_peak(warmup):
    schedule = Cosine(warmup)
    assert 0 < schedule(0.0) <= 0.05
    assert schedule(warmup / 2) == pytest.approx((schedule(0.0) + 1) / 2)
    assert schedule(warmup * (1 - 1e-9)) == pytest.approx(1, abs=1e-6)
