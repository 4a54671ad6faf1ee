"""Lattices: interpolation between nodes, constants that are left open, outputs that follow from coefficients."""

import math

import numpy as np
import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.problems.equations import Box, Equation, at, observed, prior
from siren_pl.problems.equations.dry_run import dry_run
from siren_pl.problems.equations.eliminated import eliminated
from siren_pl.problems.equations.integrated import integrated
from siren_pl.problems.equations.lattices import lattice_of
from siren_pl.problems.equations.library.cylinder import scattered
from siren_pl.problems.equations.measurements import Measurements
from siren_pl.problems.equations.solutions import LatticeSolution
from siren_pl.problems.equations.stated import stated
from siren_pl.problems.equations.task import equation_fit
from tests.equations import asking, bundle_of


def test_interpolation_between_nodes_is_exact_for_cubic_polynomials() -> None:
    lattice = lattice_of(Box(x=(-1, 2), y=(0, 1)), [], 7, (0.3, -0.2))
    cubic = lambda c: (1 + c[:, 0] - 2 * c[:, 0] ** 3) * (2 - c[:, 1] ** 2 + 3 * c[:, 1] ** 3)  # noqa: E731
    coords = np.random.default_rng(0).uniform((-1, 0), (2, 1), (40, 2))
    np.testing.assert_allclose(lattice.sampled(coords) @ cubic(lattice.coords), cubic(coords), atol=1e-11)


def test_interpolation_goes_on_over_the_ends_of_a_periodic_axis() -> None:
    lattice = lattice_of(Box(x=(0, 1), periodic=("x",)), [], 64)
    wave = lambda x: np.sin(2 * math.pi * x[:, 0])  # noqa: E731
    coords = np.array([[0.0], [0.001], [0.5], [0.993], [1.0]])
    np.testing.assert_allclose(lattice.sampled(coords) @ wave(lattice.coords), wave(coords), atol=1e-5)


class Open(Equation):
    """A Poisson equation that says nothing of a constant; its solution of mean zero is known."""

    domain, integrate = Box(x=(-1, 1), y=(-1, 1)), True

    def interior(self, d):
        return d.u_xx + d.u_yy - torch.cos(torch.pi * d.x)

    @at(x=(-1, 1))
    def sides(self, d):
        return d.u_x

    @at(y=(-1, 1))
    def ends(self, d):
        return d.u_y

    def reference(self, x, y):
        return -torch.cos(torch.pi * x) / torch.pi**2


def test_where_a_constant_is_left_open_the_mean_is_zero() -> None:
    problem = equation_fit(equation=Open(), lattice=32)
    assert list(problem.terms) == ["integrated"]
    solution = problem.baselines["finite_differences"]()
    assert isinstance(solution, LatticeSolution)
    coords = np.random.default_rng(1).uniform(-1, 1, (200, 2))
    truth = Open().reference(*torch.from_numpy(coords).unbind(1)).numpy()
    error = solution.outputs(coords)[:, 0] - truth
    assert np.abs(error).max() < 0.02 * np.abs(truth).max()


def test_a_constant_that_is_left_open_has_a_loss_of_its_own() -> None:
    given = Open()
    bundle = bundle_of(given)
    term = integrated(given, stated(given, Measurements("")), 8, 1.0, 0)
    table = {name: each.double() if each.is_floating_point() else each for name, each in term.points().items()}
    points = {name: column[2] for name, column in table.items() if name.startswith("coords")}
    points |= {"which": torch.tensor([2]), "weight": torch.tensor(1.0)}

    def loss() -> float:
        return float(term.evaluate(asking(bundle), points)["integrated"].detach())

    with torch.no_grad():
        last = [each for each in bundle.parameters() if each.shape == (1,)][-1]
        shares = torch.from_numpy(term.systems[2].lattice.shares)
        mean = float(asking(bundle)(points["coords_all"]).value[:, 0] @ shares)
        last -= mean  # the last bias is a constant
        centred = loss()
        moved = []
        for shift in (0.5, -1.0):
            last += shift
            moved.append(loss())
    assert sum(moved) == pytest.approx(2 * (centred + 0.25), rel=1e-9)


class Damped(Equation):
    """Two complex outputs with one unknown coefficient, whose slope is in the equation too."""

    domain, outputs, is_complex, coefficients = Box(x=(0, 1), y=(0, 1)), ("u", "v"), True, {"a": 1.0}
    coupling = 0.0

    def interior(self, d):
        k = torch.complex(d.a, torch.full_like(d.a, 0.3))
        first = d.u_xx + d.u_yy + 9 * k * d.u + d.a_x * d.u_x - torch.cos(3 * d.x)
        second = d.v_xx + d.v_yy + 9 * k * d.v + d.a_x * d.v_x - d.y + self.coupling * d.u
        return first, second

    @at(boundary=True)
    def walls(self, d):
        return d.u, d.v

    @observed
    def seen(self, d):
        return d.u - d.measured.m, 2 * d.v_x + d.a


class Coupled(Damped):
    coupling = 1.0


MEASURED = {"x": np.array([0.31, 0.62, 0.47]), "y": np.array([0.4, 0.55, 0.71]), "m": np.array([0.1, -0.2, 0.3])}


@pytest.mark.parametrize("given", [Damped(), Coupled()])
def test_the_derivative_of_what_remains_is_that_of_differences(given: Equation) -> None:
    chosen = eliminated(given, stated(given, Measurements("m", MEASURED)), MEASURED, 7, 0).eliminations[1]
    assert chosen.alike == (type(given) is Damped)
    random = np.random.default_rng(0)
    count = len(chosen.system.lattice.coords)
    a, along = 1 + 0.2 * random.standard_normal((1, count)), random.standard_normal((1, count))
    step = 1e-5
    after, before = (chosen.remaining(chosen.state(a + sign * step * along)) for sign in (1, -1))
    found = chosen.derivative(chosen.state(a)) @ along[0]
    np.testing.assert_allclose(found, (after - before) / (2 * step), rtol=1e-6, atol=1e-8)


def test_gauss_and_newtons_steps_find_the_coefficient() -> None:
    problem = equation_fit(equation="coefficient", integrate=True, lattice=12)
    assert list(problem.terms) == ["eliminated"] and list(problem.fields) == ["coefficients"]
    chosen = problem.terms["eliminated"].eliminations[0]
    a = np.full((1, len(chosen.system.lattice.coords)), 0.5)
    sizes = []
    for _ in range(5):
        sizes.append(np.sqrt(np.mean(chosen.remaining(chosen.state(a)) ** 2)))
        a = a + np.nan_to_num(chosen.step(a))
    # The measurements have a noise of 0.005, and twelve cells leave errors as large.
    assert sizes[-1] < 0.01 and sizes[0] > 0.05


def test_the_loss_is_the_mean_square_of_the_step() -> None:
    given = Damped()
    term = eliminated(given, stated(given, Measurements("m", MEASURED)), MEASURED, 7, 0)
    bundle = bundle_of(given)
    table = {name: each.double() if each.is_floating_point() else each for name, each in term.points().items()}
    points = term.draw(table, None, torch.Generator().manual_seed(0), 0.0)
    chosen = term.eliminations[int(points["which"])]
    value = (asking(bundle)(2 * points["coords"][0] - 1, field="coefficients").value.T + 1).detach().numpy()
    step = chosen.step(value)
    found = term.evaluate(asking(bundle), points)["eliminated"].detach()
    assert float(found) == pytest.approx(np.nanmean(step**2), rel=1e-9)


def test_what_a_cylinder_scatters_continues_across_its_rim_and_obeys_the_equation() -> None:
    k, radius, contrast, source = 9.0, 0.3, -0.6, (0.2, -0.8)

    def whole(x, y):
        from scipy.special import hankel2

        incoming = -0.25j * hankel2(0, k * np.hypot(x - source[0], y - source[1]))
        return incoming + scattered(x, y, source, k, radius, contrast)

    angle, step = np.linspace(0, 6, 9), 1e-5
    rim = [(radius + shift) * np.stack([np.cos(angle), np.sin(angle)]) for shift in (-2 * step, -step, step, 2 * step)]
    a, b, c, d = (whole(*each) for each in rim)
    np.testing.assert_allclose((b - a) / step, (d - c) / step, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(b, c, atol=1e-4)
    step = 1e-3
    for x, y, inside in ((0.05, 0.1, 1), (0.4, 0.3, 0)):
        moves = ((0, 0), (step, 0), (-step, 0), (0, step), (0, -step))
        middle, *around = (whole(np.array([x + dx]), np.array([y + dy])) for dx, dy in moves)
        laplacian = (sum(around) - 4 * middle) / step**2
        assert np.abs(laplacian + k**2 * (1 + contrast * inside) * middle) < 1e-3 * np.abs(k**2 * middle)


def test_a_prior_reads_coefficients_alone() -> None:
    class Wrong(Damped):
        @prior
        def small(self, d):
            return d.u

    with pytest.raises(UserError, match=r"Wrong\.small is a @prior and reads no unknown coefficient \(a\)"):
        equation_fit(Measurements("m", MEASURED), Wrong())

    class Mixed(Damped):
        @prior
        def small(self, d):
            return d.u * d.a

    with pytest.raises(UserError, match="must not read an output"):
        dry_run(Mixed(), next(each for each in Mixed().conditions() if each.is_prior))
    with pytest.raises(UserError, match=r"task\.integrate=true: Damped has no unknown coefficient.*measurements"):
        equation_fit(equation=Damped(), integrate=True)
