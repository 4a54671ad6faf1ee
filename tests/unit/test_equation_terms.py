"""Terms of an equation: where points lie, how they are weighed, and what an integrated residual is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.problems.equations import Box, Disc, Equation, Unknown, at
from siren_pl.problems.equations.balance import GradientNorm, SelfAdaptive, TangentKernel
from siren_pl.problems.equations.catalogue import equation_named
from siren_pl.problems.equations.dry_run import dry_run
from siren_pl.problems.equations.integrated import _Solved, integrated
from siren_pl.problems.equations.measurements import Measurements
from siren_pl.problems.equations.solutions import LatticeSolution
from siren_pl.problems.equations.systems import System
from siren_pl.problems.equations.task import equation_fit
from siren_pl.problems.equations.terms import ConditionTerm, Sampling
from tests.equations import asking, bundle_of

NONE = torch.tensor(float("nan"), dtype=torch.float64)


def numbers(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Walled(Equation):
    """Conditions at every kind of place."""

    domain = Box(t=(0, 2), x=(-1, 1), y=(0, 3))

    def interior(self, d):
        return d.u_t - d.u_xx - d.u_yy

    @at(t=0)
    def initial(self, d):
        return d.u

    @at(x=(-1, 1))
    def walls(self, d):
        return d.u

    @at(x=1, y=(0, 3))
    def edges(self, d):
        return d.u


def term(name: str, **sampling) -> ConditionTerm:
    given = Walled()
    condition = next(each for each in given.conditions() if each.name == name)
    return ConditionTerm(given, condition, dry_run(given, condition).streams, 1.0, Sampling(300, **sampling))


def drawn(chosen: ConditionTerm, progress: float = 0.0, seed: int = 0) -> torch.Tensor:
    return chosen.draw(chosen.points(), None, numbers(seed), progress)["coords"]


def test_points_lie_where_a_condition_holds() -> None:
    lower, upper = torch.tensor([0.0, -1, 0]), torch.tensor([2.0, 1, 3])
    for name in ("interior", "initial", "walls", "edges"):
        coords = drawn(term(name))
        assert coords.shape == (300, 3) and (coords >= lower).all() and (coords <= upper).all()
        assert not torch.equal(coords, drawn(term(name), seed=1))
    assert (drawn(term("initial"))[:, 0] == 0).all()
    walls = drawn(term("walls"))
    assert (walls[:, 1].abs() == 1).all() and (walls[:, 1] == 1).sum() == 150
    edges = drawn(term("edges"))
    assert (edges[:, 1] == 1).all() and ((edges[:, 2] == 0) | (edges[:, 2] == 3)).all()
    inside = drawn(term("interior"))
    assert torch.allclose(inside.mean(0), (lower + upper) / 2, atol=0.2)


def test_a_disc_is_filled_evenly() -> None:
    disc, uniform = Disc(radius=2.0, centre=(1.0, 0.0)), torch.rand(20_000, 2, generator=numbers()).double()
    inside = disc.inside(uniform)
    distance = (inside - torch.tensor([1.0, 0.0])).norm(dim=1)
    assert disc.contains(inside).all() and (distance < 2**0.5).double().mean() == pytest.approx(0.5, abs=0.02)
    edge = disc.on({"boundary": True}, uniform)
    assert torch.allclose((edge - torch.tensor([1.0, 0.0])).norm(dim=1), torch.tensor(2.0).double())
    with pytest.raises(UserError, match="one face"):
        disc.on({"x": 1}, uniform)
    with pytest.raises(UserError, match="positive"):
        Disc(radius=0.0)


def test_a_time_grows_and_slices_wait_for_those_before() -> None:
    grown = [drawn(term("interior", growth=0.5), progress)[:, 0].max() for progress in (0.0, 0.25, 0.5, 0.9)]
    assert grown[0] <= 0.2 < grown[1] <= 1.1 < grown[2] and grown[3] > 1.9
    causal = term("interior", causal=2.0)
    coords = drawn(causal)
    assert (coords[:, 0].diff() >= 0).all()
    losses = torch.rand(300, generator=numbers())
    found = causal._causal_weights(losses)
    means = losses[:288].reshape(32, 9).mean(1)
    expected = torch.tensor([float(torch.exp(-2.0 * means[:i].sum())) for i in range(32)])
    torch.testing.assert_close(found[:288], expected.repeat_interleave(9))
    assert (found[288:] == expected[-1]).all()


def test_hard_points_lie_where_the_residual_is_large() -> None:
    class Peaked(Equation):
        domain = Box(x=(0, 1), y=(0, 1))

        def interior(self, d):
            return d.u * 0 + torch.exp(-200 * ((d.x - 0.2) ** 2 + (d.y - 0.7) ** 2))

    given = Peaked()
    condition = given.conditions()[0]
    chosen = ConditionTerm(given, condition, dry_run(given, condition).streams, 1.0, Sampling(400, adaptive=0.5))
    before = chosen.points()
    table = chosen.refresh(asking(bundle_of(given)), before | {"weight": torch.ones(()).double()}, numbers())
    near = lambda coords: ((coords - torch.tensor([0.2, 0.7])).norm(dim=1) < 0.15).double().mean()  # noqa: E731
    # Where |r| is above its mean, chances are more than doubled; the disc has 7 % of the area.
    assert near(table["hard"]) > 3 * near(before["hard"])
    batch = chosen.draw(table, None, numbers(9), 0.0)["coords"]
    kept = {tuple(row) for row in table["hard"].tolist()}
    assert sum(tuple(row) in kept for row in batch.tolist()) == 200
    again = chosen.refresh(asking(bundle_of(given)), before | {"weight": torch.ones(()).double()}, numbers())
    assert torch.equal(again["hard"], table["hard"]) and chosen.refresh_every == 100


def residual_and_weights():
    given = Walled()
    bundle = bundle_of(given)
    chosen = term("interior")
    points = {"coords": drawn(chosen)[:7].double()}
    return chosen.residual(asking(bundle), points), list(bundle.parameters())


def jacobian() -> torch.Tensor:
    residual, weights = residual_and_weights()
    rows = [torch.autograd.grad(r, weights, retain_graph=True, allow_unused=True) for r in residual[:, 0]]
    return torch.stack([torch.cat([g.reshape(-1) for g in row if g is not None]) for row in rows])


def test_balances_are_what_their_papers_say() -> None:
    residual, weights = residual_and_weights()
    matrix, r = jacobian(), residual.detach()[:, 0]
    norm = (2 / len(r) * matrix.T @ r).norm()
    torch.testing.assert_close(GradientNorm().weight(residual, weights, NONE, numbers()), 1 / norm)
    residual, weights = residual_and_weights()
    after = GradientNorm().weight(residual, weights, torch.tensor(3.0).double(), numbers())
    torch.testing.assert_close(after, 3.0**0.9 * (1 / norm) ** 0.1)
    residual, weights = residual_and_weights()
    trace = (matrix.square().sum() / len(r)).item()
    found = TangentKernel().weight(residual, weights, NONE, numbers())
    # Sixteen probes know a trace of seven correlated entries to about a third.
    assert 1 / found.item() == pytest.approx(trace, rel=0.5)
    loss = r.square().mean()
    torch.testing.assert_close(SelfAdaptive().weight(residual, weights, NONE, numbers()), 1 + loss / (1 + loss))


def test_a_balance_changes_the_weight_and_nothing_else() -> None:
    chosen = replace(term("initial"), balance=GradientNorm())
    bundle = bundle_of(Walled())
    before = chosen.points() | {"weight": torch.ones(()).double()}
    after = chosen.refresh(asking(bundle), before, numbers())
    assert before["balance"].isnan() and after["balance"] > 0 and after.keys() == before.keys()
    points = {"coords": drawn(chosen).double(), "weight": torch.tensor(2.0), "balance": after["balance"]}
    plain = chosen.evaluate(asking(bundle), points | {"balance": NONE})["initial"]
    weighed = chosen.evaluate(asking(bundle), points)["initial"]
    torch.testing.assert_close(weighed, plain * after["balance"])
    mean = chosen.residual(asking(bundle), points).square().mean()
    torch.testing.assert_close(plain, 2.0 * mean)


def test_an_integrated_residual_is_the_error_on_the_lattice() -> None:
    given = equation_named("poisson").equation
    noted = [(condition, dry_run(given, condition)) for condition in given.conditions()]
    chosen = integrated(given, noted, 10, 1.0, 0)
    system: System = chosen.systems[1]
    bundle = bundle_of(given)
    table = {
        name: column.double() if column.is_floating_point() else column for name, column in chosen.points().items()
    }
    points = {name: column[1] for name, column in table.items() if name.startswith("coords")}
    points |= {"which": torch.tensor([1]), "weight": torch.tensor(1.0)}
    found = chosen.evaluate(asking(bundle), points)["integrated"]
    residual = np.zeros(len(system.lattice.coords))
    for part in system.parts:
        given_there = part.noted.streams.computed(asking(bundle), torch.from_numpy(system.lattice.coords[part.nodes]))
        residual[part.slots] = part.condition.residual(given_there).detach().numpy()
    matrix = system.linearised(np.zeros((1, len(residual))))[1].toarray()
    error = np.linalg.solve(matrix, residual)
    assert found.item() == pytest.approx(np.mean(error**2), rel=1e-9)


@pytest.mark.parametrize("kind", [torch.float64, torch.complex128])
def test_the_gradient_of_a_solve_is_that_of_the_transposed_factors(kind: torch.dtype) -> None:
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import splu

    matrix = torch.randn(5, 5, generator=numbers(), dtype=kind) + 3 * torch.eye(5)
    factors = splu(csc_matrix(matrix.numpy()))
    vector = torch.randn(5, generator=numbers(1), dtype=kind, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: _Solved.apply(v, factors), (vector,))
    torch.testing.assert_close(_Solved.apply(vector, factors), torch.linalg.solve(matrix, vector))


def test_what_cannot_be_integrated_says_why() -> None:
    for name, said in (("burgers", "not linear"), ("wave_2d", "more than two axes")):
        with pytest.raises(UserError, match=f"task.integrate=true: .*{said}.*task.integrate=false"):
            equation_fit(equation=name, integrate=True, lattice=8)

    class Streaks(Equation):
        domain, integrate = Box(x=(-1, 1), y=(-1, 1)), True

        def interior(self, d):
            return d.u_xx - 1

        @at(x=(-1, 1))
        def sides(self, d):
            return d.u_x

    class Strange(Streaks):
        @at(x=0)
        def middle(self, d):
            return d.u_x, d.u_y

    with pytest.raises(UserError, match="singular"):
        equation_fit(equation=Streaks(), integrate=True, lattice=8)
    assert list(equation_fit(equation=Streaks(), lattice=8).terms) == ["interior", "sides"]
    with pytest.raises(UserError, match="not as many equations as outputs"):
        equation_fit(equation=Strange(), integrate=True, lattice=8)


def test_conditions_are_named_in_weights_and_points() -> None:
    problem = equation_fit(
        equation="burgers", weights={"initial": 10.0}, points={"walls": 7}, adaptive={"interior": 0.5}, batch_size=100
    )
    assert list(problem.terms) == ["interior", "initial", "walls"]
    assert problem.terms["initial"].weight == 10 and problem.terms["initial"].sampling.count == 25
    assert problem.terms["walls"].sampling.count == 7 and problem.terms["interior"].refresh_every == 100
    with pytest.raises(
        UserError, match=r"task\.weights\.lid=3: Burgers has no condition lid; it has interior, initial"
    ):
        equation_fit(equation="burgers", weights={"lid": 3})
    with pytest.raises(UserError, match="choose among poisson"):
        equation_fit(equation="burger")
    with pytest.raises(UserError, match="dataset=measurements"):
        equation_fit(data="a picture")


def test_measurements_without_a_residual_are_compared_with_outputs() -> None:
    columns = {"t": np.array([0.1, 0.2]), "x": np.array([0.0, 0.5]), "u": np.array([1.0, 2.0])}

    class Decay(Equation):
        domain, rate = Box(t=(0, 1), x=(0, 1)), Unknown(1.0, positive=True)

        def interior(self, d):
            return d.u_t + d.rate * d.u

    problem = equation_fit(Measurements("m", columns), Decay())
    data = problem.terms["data"]
    batch = data.draw(data.points(), None, numbers(), 0.0)
    bundle = bundle_of(Decay())
    found = data.evaluate(asking(bundle), batch)["data"]
    u = bundle.network(2 * batch["coords"] - 1)[:, 0]
    torch.testing.assert_close(found, (u - torch.tensor([1.0, 2.0])).square().mean())
    assert problem.numbers == {"rate": 0.0}
    with pytest.raises(UserError, match="no outputs of Decay, which are u"):
        equation_fit(Measurements("m", {"t": columns["t"], "x": columns["x"], "v": columns["u"]}), Decay())


def test_a_lattice_solution_is_interpolated_across_a_periodic_end() -> None:
    from siren_pl.problems.equations.lattices import lattice_of

    class Circle(Equation):
        domain = Box(x=(0, 1), periodic=("x",))

        def interior(self, d):
            return d.u_xx

    lattice = lattice_of(Circle.domain, [], 64)
    found = LatticeSolution(Circle(), lattice, np.sin(2 * np.pi * lattice.nodes[0])[None])
    x = np.linspace(0, 1, 101)[:, None]
    assert np.abs(found.outputs(x)[:, 0] - np.sin(2 * np.pi * x[:, 0])).max() < 1e-4
    second = lattice.difference(("x", "x")) @ np.sin(2 * np.pi * lattice.nodes[0])
    assert second == pytest.approx(-4 * np.pi**2 * np.sin(2 * np.pi * lattice.nodes[0]), abs=0.05)
