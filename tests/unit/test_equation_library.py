"""Every equation of siren_pl: its reference satisfies its residuals and conditions, and its lattice converges to it."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from siren_pl.problems.equations.catalogue import LIBRARY, equation_named
from siren_pl.problems.equations.dry_run import dry_run, stacked
from siren_pl.problems.equations.lattices import lattice_of
from siren_pl.problems.equations.library.helmholtz import Helmholtz
from siren_pl.problems.equations.parts import parts_of
from siren_pl.problems.equations.solutions import LatticeSolution
from siren_pl.problems.equations.statement import Equation
from siren_pl.problems.equations.streams import Given
from siren_pl.problems.equations.systems import System
from siren_pl.problems.equations.task import equation_fit
from tests.equations import derivative

# Points inside of a domain at which residuals are measured, and the largest residual of a numerical reference.
POINTS, ROUGH = 60, {"cavity": 1e-3}


def coords_in(given: Equation, places=None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    uniform = torch.rand(POINTS, len(given.domain.names), generator=generator, dtype=torch.float64)
    return given.domain.on(places, uniform) if places else given.domain.inside(uniform)


def component(exact, names: tuple[str, ...], name: str, x: torch.Tensor) -> torch.Tensor:
    """One function of several at a point (D,)."""
    values = exact(*x[:, None])
    return (values[names.index(name)] if len(names) > 1 else values)[0]


def streams_of(given: Equation, condition, coords: torch.Tensor) -> Given:
    """The streams of a residual, from the reference, by nested differentiation."""
    axes = {name: index for index, name in enumerate(given.domain.names)}
    found = {name: coords[:, index] for name, index in axes.items()}
    for name, (function, along) in dry_run(given, condition).streams.attributes.items():
        known = (given.outputs, given.reference), (tuple(given.coefficients), given.reference_coefficients)
        names, exact = known[0] if function in given.outputs else known[1]
        found[name] = derivative(partial(component, exact, names, function), coords, axes, "".join(along))
    return Given(found)


def differences(function, coords: torch.Tensor, names: str, along: str, step: float = 1e-3) -> torch.Tensor:
    """A derivative of a function of the axes by central differences, for functions that torch cannot differentiate."""
    shift = torch.zeros(coords.shape[1], dtype=coords.dtype)
    if not along:
        return function(*coords.unbind(1))
    shift[names.index(along[0])] = step
    after, here, before = (function(*(coords + sign * shift).unbind(1)) for sign in (1, 0, -1))
    return (after - before) / (2 * step) if len(along) == 1 else (after - 2 * here + before) / step**2


def given_by_differences(
    function, coords: torch.Tensor, names: str, u: str, along: tuple[str, ...], step: float = 1e-3
) -> dict:
    found = dict(zip(names, coords.unbind(1), strict=True))
    return found | {f"{u}_{each}".rstrip("_"): differences(function, coords, names, each, step) for each in along}


PLANE = ("", "x", "y", "xx", "yy")


@pytest.mark.parametrize(
    "name",
    sorted(
        {*LIBRARY}
        - {"helmholtz", "allen_cahn", "full_waveform", "paper_helmholtz", "paper_inverse_helmholtz", "paper_wave"}
    ),
)
def test_the_reference_satisfies_the_equation_and_its_conditions(name: str) -> None:
    given = equation_named(name).equation
    for condition in given.conditions():
        if condition.is_observed:
            continue
        coords = coords_in(given, condition.places)
        found = stacked(condition.residual(streams_of(given, condition, coords)), condition.name, POINTS)
        # A term of the equation may be as large as a hundred, and the sums of waves have rounding of their own.
        assert found.abs().max() < ROUGH.get(name, 1e-8), condition.name


def test_the_reference_of_allen_cahn_satisfies_it() -> None:
    given = equation_named("allen_cahn").equation
    t, x = (coords_in(given) * 0.9).unbind(1)
    step = 1e-3

    def u(dt: float = 0.0, dx: float = 0.0) -> torch.Tensor:
        return given.reference(t.abs() + 2 * step + dt, x + dx)

    values = {
        "u": u(),
        "u_t": (u(step) - u(-step)) / (2 * step),
        "u_xx": (u(dx=step) - 2 * u() + u(dx=-step)) / step**2,
        "x": x,
    }
    assert given.interior(Given(values)).abs().max() < 2e-3
    first = torch.zeros_like(x)
    torch.testing.assert_close(given.reference(first, x), x**2 * torch.cos(math.pi * x), atol=1e-6, rtol=0)


def test_what_helmholtz_splits_off_leaves_a_smooth_source() -> None:
    given = Helmholtz()
    generator = torch.Generator().manual_seed(1)
    coords = torch.rand(200, 2, generator=generator, dtype=torch.float64) - 0.5
    coords = coords[(coords.norm(dim=1) > 0.08) & (coords.norm(dim=1) < 0.44)]
    # torch has no derivatives of Bessel functions of the second kind, so differences stand for them.
    cut = lambda x, y: given.reference(x, y) - given.added(x, y)  # noqa: E731
    found = given_by_differences(cut, coords, "xy", "u", PLANE, step=1e-4)
    # Terms are as large as 400, and differences of second order leave 1e-4 of them.
    assert given.interior(Given(found)).abs().max() < 5e-3


def error_of(given: Equation, cells: int, shift=None) -> float:
    noted = [(condition, dry_run(given, condition)) for condition in given.conditions()]
    lattice = lattice_of(given.domain, given.conditions(), cells, shift)
    values = System(given, lattice, parts_of(noted, lattice)).solved()
    assert values is not None
    coords = coords_in(given).numpy()
    found = LatticeSolution(given, lattice, values).outputs(coords)[:, 0]
    truth = given.reference(*torch.from_numpy(coords).unbind(1)).numpy()
    known = np.isfinite(truth)
    return float(np.linalg.norm((found - truth)[known]) / np.linalg.norm(truth[known]))


@pytest.mark.parametrize(("name", "cells"), [("poisson", 24), ("heat", 40), ("wave", 96), ("helmholtz", 64)])
def test_the_lattice_converges_with_the_second_order(name: str, cells: int) -> None:
    given = equation_named(name).equation
    coarse, fine = error_of(given, cells), error_of(given, 2 * cells)
    # Halving the cells divides the error by four, in the limit; Houbolt's first step is of first order.
    assert fine < 0.36 * coarse and fine < 0.2


@pytest.mark.parametrize("name", ["poisson", "heat"])
def test_a_shifted_lattice_is_as_good(name: str) -> None:
    given = equation_named(name).equation
    assert error_of(given, 48, (0.4, -0.3)) < 3 * error_of(given, 48)


def test_newtons_steps_solve_an_equation_that_is_not_linear() -> None:
    given = equation_named("allen_cahn").equation
    assert error_of(given, 128) < 0.05


def test_the_true_medium_explains_what_the_receivers_record() -> None:
    problem = equation_fit(equation="full_waveform", lattice=64)
    chosen = problem.terms["eliminated"].eliminations[0]
    coords = torch.from_numpy(chosen.system.lattice.coords)
    truth = chosen.system.equation.reference_coefficients(*coords.unbind(1)).nan_to_num()[None].numpy()
    right, empty = (np.linalg.norm(chosen.remaining(chosen.state(medium))) for medium in (truth, 0 * truth))
    # 64 cells see a cylinder of six cells as stairs.
    assert right < 0.3 * empty


def test_the_references_of_the_papers_waves_satisfy_their_equations() -> None:
    generator = torch.Generator().manual_seed(2)
    coords = torch.rand(60, 2, generator=generator, dtype=torch.float64) * 0.9 - 0.45
    coords = coords[coords.norm(dim=1) > 0.15]  # away from the source and from the cylinder
    # Absolute values are squares of residuals; terms are as large as 100, and differences of step 0.001 leave 1e-3.
    helmholtz = equation_named("paper_helmholtz").equation
    given = Given(given_by_differences(helmholtz.reference, coords, "xy", "u", PLANE))
    assert helmholtz.interior(given).abs().square().max() < 0.02
    inverse = equation_named("paper_inverse_helmholtz").equation
    coords = coords[coords[:, 1] > -0.2]
    streams = {"contrast": torch.zeros(len(coords), dtype=torch.float64)}
    for column, name in enumerate(inverse.outputs):
        one = lambda x, y, column=column: inverse.reference(x, y)[column]  # noqa: E731
        streams |= given_by_differences(one, coords, "xy", name, PLANE)
    for residual in inverse.interior(Given(streams)):
        assert residual.abs().square().max() < 0.02


def test_the_reference_of_the_papers_pulse_starts_at_rest_and_satisfies_the_wave_equation() -> None:
    wave = equation_named("paper_wave").equation
    generator = torch.Generator().manual_seed(3)
    coords = torch.rand(40, 3, generator=generator, dtype=torch.float64) * 0.4 + torch.tensor([0.01, 0.0, 0.0])
    given = given_by_differences(wave.reference, coords, "txy", "u", ("", "tt", "xx", "yy"))
    assert wave.interior(Given(given)).square().max() < 0.01 * given["u_tt"].abs().max()
    coords[:, 0] = 0.0
    given = given_by_differences(wave.reference, coords, "txy", "u", ("", "t"))
    assert wave.initial(Given(given)).square().max() < 1e-3 and wave.velocity(Given(given)).square().max() < 1e-3
