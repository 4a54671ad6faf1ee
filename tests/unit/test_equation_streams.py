"""What a residual asks for: noted by a dry run, computed by one jet, equal to nested differentiation."""

import itertools

import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.field.jet import Jet
from siren_pl.problems.equations import Box, Equation, Unknown, at
from siren_pl.problems.equations.constraints import encoded
from siren_pl.problems.equations.dry_run import dry_run
from siren_pl.problems.equations.streams import COEFFICIENTS
from tests.equations import asking, bundle_of, derivative, equation

AXES = {"t": 0, "x": 1}


def noted(given: Equation):
    return dry_run(given, given.conditions()[0])


def points(count: int = 40) -> torch.Tensor:
    uniform = torch.rand(count, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return Box(t=(0, 1), x=(-1, 2)).inside(uniform)


@pytest.mark.parametrize("along", ["", "t", "x", "tt", "xx", "tx", "xt"])
def test_a_stream_is_the_nested_derivative(along: str) -> None:
    name = f"u_{along}" if along else "u"
    given = equation(lambda d: getattr(d, name))
    bundle, coords = bundle_of(given), points()
    found = getattr(noted(given).streams.computed(asking(bundle), coords), name)

    def field(x: torch.Tensor) -> torch.Tensor:
        return bundle.network((x - x.new_tensor([0.5, 0.5])) / x.new_tensor([0.5, 1.5]))[0]

    torch.testing.assert_close(found, derivative(field, coords, AXES, along), atol=1e-12, rtol=1e-12)


def test_all_streams_at_once_come_from_one_jet_of_three_directions() -> None:
    given = equation(lambda d: d.u_t + d.u_xx + d.u_tx + d.u_tt * d.u)
    (wanted,) = noted(given).streams.wanted
    assert wanted.directions == [("t",), ("x",), ("t", "x")] and wanted.seconds == [("t", "t"), ("t", "x"), ("x", "x")]
    assert wanted.groups == ((1, 0, 0), (-0.5, -0.5, 0.5), (0, 1, 0))
    first = equation(lambda d: d.u_t)
    assert noted(first).streams.wanted[0].groups is None and noted(first).streams.order == 1


def test_outputs_coefficients_and_numbers_are_kept_apart() -> None:
    given = equation(
        lambda d: (d.p_x + d.k * d.u, d.a_x * d.u_t),
        outputs=("u", "p"),
        coefficients={"a": 0.5},
        k=Unknown(2.0, positive=True),
    )
    bundle, coords = bundle_of(given), points()
    found = noted(given)
    values = found.streams.computed(asking(bundle), coords)
    assert found.equations == 2 and found.is_affine  # in the outputs, the others being given
    inner = (coords - coords.new_tensor([0.5, 0.5])) / coords.new_tensor([0.5, 1.5])
    torch.testing.assert_close(values.u, bundle.network(inner)[:, 0])
    torch.testing.assert_close(values.k, 2.0 * (20 * bundle.numbers["k"]).exp())
    plain = equation(lambda d: d.a * d.u, coefficients={"a": 0.5})
    a = noted(plain).streams.computed(asking(bundle), coords).a
    torch.testing.assert_close(a, 0.5 + bundle(inner, COEFFICIENTS)[:, 0])


def test_conditions_that_hold_by_construction_have_exact_derivatives() -> None:
    offset, factor = (lambda t, x: torch.sin(x) * t), (lambda t, x: (1 - torch.exp(-t)) * (x + 1) * (2 - x))
    given = equation(lambda d: d.u + d.u_tx + d.u_xx + d.u_t, hard=lambda self, t, x: (offset(t, x), factor(t, x)))
    bundle, coords = bundle_of(given), points()
    values = noted(given).streams.computed(asking(bundle), coords)

    def field(x: torch.Tensor) -> torch.Tensor:
        inner = (x - x.new_tensor([0.5, 0.5])) / x.new_tensor([0.5, 1.5])
        return offset(x[0], x[1]) + factor(x[0], x[1]) * bundle.network(inner)[0]

    for along in ("", "t", "tx", "xx"):
        name = f"u_{along}" if along else "u"
        torch.testing.assert_close(getattr(values, name), derivative(field, coords, AXES, along))


def test_a_periodic_axis_has_the_same_jet_at_both_ends() -> None:
    given = equation(lambda d: d.u + d.u_x + d.u_xx + d.u_t, domain=Box(t=(0, 1), x=(-1, 2), periodic=("x",)))
    bundle = bundle_of(given)
    t = torch.linspace(0, 1, 7, dtype=torch.float64)
    low, high = (torch.stack([t, torch.full_like(t, x)], 1) for x in (-1.0, 2.0))
    streams = noted(given).streams
    left, right = (streams.computed(asking(bundle), coords) for coords in (low, high))
    for name in ("u", "u_x", "u_xx", "u_t"):
        torch.testing.assert_close(getattr(left, name), getattr(right, name), atol=1e-12, rtol=1e-12)

    def field(x: torch.Tensor) -> torch.Tensor:
        inner = (x - x.new_tensor([0.5, 0.5])) / x.new_tensor([0.5, 1.5])
        circle = torch.pi * inner[1]
        return bundle.network(torch.stack([inner[0], circle.cos(), circle.sin()])[None])[0, 0]

    found = streams.computed(asking(bundle), points())
    for along in ("t", "x", "xx"):
        torch.testing.assert_close(getattr(found, f"u_{along}"), derivative(field, points(), AXES, along))


def test_an_encoding_of_order_zero_is_a_value() -> None:
    found = encoded(Box(x=(0, 1), periodic=("x",)), torch.zeros(3, 1), 0, None, None)
    assert isinstance(found, Jet) and found.value[0].tolist() == pytest.approx([1.0, 0.0], abs=1e-7)


def test_a_complex_output_is_two_channels() -> None:
    given = equation(lambda d: d.u_xx + 1j * d.u, is_complex=True)
    bundle, coords = bundle_of(given), points()
    values = noted(given).streams.computed(asking(bundle), coords)
    inner = (coords - coords.new_tensor([0.5, 0.5])) / coords.new_tensor([0.5, 1.5])
    torch.testing.assert_close(torch.view_as_real(values.u), bundle.network(inner))


def test_linearity_is_found_by_trying() -> None:
    linear = (lambda d: d.u_t - d.x**2 * d.u_xx + d.t, lambda d: d.u_x, lambda d: (1 + 2j) * d.u + d.u_xx)
    other = (lambda d: d.u * d.u_x, lambda d: d.u**2, lambda d: torch.sin(d.u), lambda d: d.u_xx.abs())
    for residual, is_complex in itertools.product(linear, (False, True)):
        assert noted(equation(residual, is_complex=is_complex)).is_affine
    assert not any(noted(equation(residual)).is_affine for residual in other)


@pytest.mark.parametrize(
    ("residual", "said"),
    [
        (lambda d: d.v, r"Own\.interior asks for d\.v, which is not there.*d\.t, d\.x, d\.u"),
        (lambda d: d.u_y, r"asks for d\.u_y, which is not there"),
        (lambda d: d.u_xxx, r"derivative of order 3; a field has derivatives up to order 2.*output of its own"),
        (lambda d: d.u.sum(), r"returned \(\) for 16 points: a residual is a tensor of shape \(16,\)"),
        (lambda d: (d.u, d.u[:3]), r"returned \(3,\)"),
        (lambda d: 0.0, r"returned float"),
        (lambda d: d.x, r"reads no output \(u\)"),
        (lambda d: d.u + d.measured.u, r"asks for d\.measured, which is not there"),
    ],
)
def test_what_a_residual_may_not_ask_for_is_named(residual, said: str) -> None:
    with pytest.raises(UserError, match=said):
        noted(equation(residual))


def test_an_unknown_number_is_read_from_what_is_given() -> None:
    class Decay(Equation):
        domain, rate = Box(t=(0, 1)), Unknown(1.0)

        def interior(self, d):
            return d.u_t + self.rate * d.u

    with pytest.raises(UserError, match=r"write d\.nu and not self\.nu"):
        noted(Decay())
    with pytest.raises(UserError, match="must start from a positive number"):
        Unknown(0.0, positive=True)


def test_places_outside_of_the_domain_are_refused() -> None:
    class Wrong(Equation):
        domain = Box(t=(0, 1), x=(-1, 1), periodic=("x",))

        def interior(self, d):
            return d.u_t

    for places, said in (({"t": 2}, "t=2 lies outside"), ({"y": 0}, "no axis y"), ({"x": -1}, "x is periodic")):
        with pytest.raises(UserError, match=said):
            type("W", (Wrong,), {"wall": at(**places)(lambda self, d: d.u)})().conditions()
    for wrong in ({}, {"x": (1, 0)}, {"x": (0, float("inf"))}):
        with pytest.raises(UserError, match="Box"):
            Box(**wrong)
