"""A term gets jets at its own points, which are cached, with gradients through fields, coordinates and numbers."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.func import jvp

from siren_pl import AutogradDerivatives, ForwardDerivatives, ReverseDerivatives, Term
from siren_pl.field.derivatives import AutoDerivatives, Derivatives
from siren_pl.training.ask import Ask
from siren_pl.training.pieces import pieces, shares
from siren_pl.training.problem import drawn, shuffled, tables_of
from tests.fields import doubled, gradients_of, problem_of, siren, square

STRATEGIES = [ForwardDerivatives(), ReverseDerivatives(), AutogradDerivatives(), AutoDerivatives(1)]
PURE = ((1.0, 0.0), (0.0, 1.0))


def points(count: int = 9) -> Tensor:
    return square(count, torch.Generator().manual_seed(3))


def ask_of(strategy: Derivatives = STRATEGIES[0], **fields) -> Ask:
    return Ask(fields, dict.fromkeys(fields, strategy))


def test_answers_are_found_again_by_the_identity_of_what_was_asked() -> None:
    asked: list[int] = []

    def counted(coords):
        asked.append(len(asked))
        return siren()(coords)

    ask, coords, directions = ask_of(field=counted), points(), torch.eye(2).double()
    first = ask(coords, 2)
    assert first is ask(coords, 2) is ask(coords, 1) is ask(coords) is ask(coords, field="field")
    assert len(asked) == 1
    others = [ask(coords.clone(), 2), ask(coords, 2, groups=PURE), ask(coords, 1, directions=directions)]
    assert len(asked) == 4 and all(other is not first for other in others)
    assert ask(coords, 1, directions=directions) is others[2] and len(asked) == 4
    assert ask.anew()(coords, 2) is not first and len(asked) == 5
    low = ask_of(field=counted)
    assert low(coords) is not low(coords, 1)  # the higher order was not known yet


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: type(strategy).__name__)
def test_gradients_flow_through_a_warp(strategy) -> None:
    """A seen where B leads to: what B's weights are told is what autograd finds by hand."""
    image, motion, coords = siren(seed=1), siren(2, seed=2), points()
    ask = ask_of(strategy, image=image, motion=motion)
    warped = ask(coords + ask(coords, field="motion").value, 1)
    found = torch.autograd.grad(
        warped.value.square().mean() + warped.gradient.square().mean(), list(motion.parameters())
    )

    places = coords + motion(coords)
    values = image(places)
    (slopes,) = torch.autograd.grad(values.sum(), places, create_graph=True)
    loss = values.square().mean() + slopes.square().mean()
    for mine, wanted in zip(found, torch.autograd.grad(loss, list(motion.parameters())), strict=True):
        torch.testing.assert_close(mine, wanted)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: type(strategy).__name__)
def test_every_point_may_have_directions_of_its_own(strategy) -> None:
    field, coords = siren(3), points()
    directions = torch.randn(2, len(coords), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    found = ask_of(strategy, field=field)(coords, 2, PURE, directions)
    for along, slope, bend in zip(directions, found.gradient, found.second, strict=True):

        def derivative(x: Tensor, along: Tensor = along) -> Tensor:
            return jvp(field, (x,), (along,))[1]

        torch.testing.assert_close(slope, derivative(coords))
        torch.testing.assert_close(bend, jvp(derivative, (coords,), (along,))[1])
    torch.testing.assert_close(ask_of(strategy, field=field)(coords, 1, directions=directions).gradient, found.gradient)


def test_coordinates_that_are_a_jet_give_the_jet_of_the_composition() -> None:
    image, motion, coords = siren(seed=1), siren(2, seed=2), points()
    ask = ask_of(image=image, motion=motion)
    found = ask(ask(coords, 2, field="motion"))
    wanted = AutogradDerivatives()(lambda x: image(motion(x)), coords, 2)
    torch.testing.assert_close(found.value, wanted.value)
    torch.testing.assert_close(found.gradient, wanted.gradient)
    torch.testing.assert_close(found.laplacian, wanted.laplacian)
    assert found is ask(ask(coords, 2, field="motion"))  # both were known


def test_numbers_are_asked_for_by_name() -> None:
    speed = torch.tensor(0.5, requires_grad=True)
    ask = Ask({"field": siren()}, {"field": ForwardDerivatives()}, {"speed": speed})
    ask.anew().number("speed").square().backward()
    assert speed.grad == 1.0


@pytest.mark.parametrize("order", [1, 2])
def test_nested_autograd_keeps_the_graph_of_coordinates(order: int) -> None:
    field, found = siren(2), []
    for strategy in (AutogradDerivatives(), ForwardDerivatives()):
        shift = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        jet = strategy(field, points() + shift, order)
        highest = jet.gradient if order == 1 else jet.laplacian
        found.append(torch.autograd.grad(highest.square().sum() + jet.value.sum(), shift)[0])
    torch.testing.assert_close(*found)
    still = points()
    jet = AutogradDerivatives()(field, still, order)
    assert not still.requires_grad and jet.gradient.requires_grad
    with torch.no_grad():
        assert not AutogradDerivatives()(field, points() + shift, order).gradient.requires_grad


@dataclass(frozen=True)
class Values(Term):
    """So many values, in a unit that stands in the table once; under a name of its own."""

    name: str
    count: int

    rows = ("coords", "value")
    pointwise = True

    def points(self) -> dict[str, Tensor]:
        coords = points(self.count)
        return {"coords": coords, "value": coords[:, :1] ** 2, "unit": torch.tensor([2.0, 3.0])}

    def residuals(self, ask: Ask, points: dict[str, Tensor]) -> dict[str, Tensor]:
        return {self.name: (ask(points["coords"]).value - points["value"]) / points["unit"].sum()}


@dataclass(frozen=True)
class Coupled(Values):
    """Points that belong together."""

    pointwise = False


def test_terms_are_cut_one_by_one_with_the_gradient_of_the_whole() -> None:
    """5,000 points in two pieces and 9,000 in three, as pieces of at most 4,096 want it; what is coupled in one."""
    terms = {"few": Values("few", 5000), "many": Values("many", 9000), "coupled": Coupled("coupled", 6000)}
    problem, network = problem_of(terms), siren()
    batch = doubled(tables_of(problem))
    parts = pieces(problem, batch, 0)
    assert [(part.among, *part.batch) for part in parts] == [(1, "coupled"), *[(2, "few")] * 2, *[(3, "many")] * 3]
    for part in parts:
        for name, cut in part.batch.items():
            assert cut["unit"] is batch[name]["unit"] and len(cut["coords"]) == terms[name].count // part.among
    found, whole = (gradients_of(network, problem, ForwardDerivatives(), each) for each in (parts, [(batch, 1)]))
    for mine, wanted in zip(found, whole, strict=True):
        torch.testing.assert_close(mine, wanted)


def test_terms_of_one_number_of_pieces_are_cut_together() -> None:
    problem = problem_of({"a": Values("a", 5000), "b": Values("b", 6000)})
    parts = pieces(problem, tables_of(problem), 0)
    assert [(part.among, *part.batch) for part in parts] == [(2, "a", "b")] * 2


def test_columns_without_rows_are_whole_wherever_rows_are_chosen() -> None:
    problem = problem_of({"few": Values("few", 12)})
    tables = tables_of(problem)
    chosen = drawn(problem, tables, 5, 0, 0)
    halves = shares(problem, tables, 0, 2)
    batches = [chosen, shuffled(problem, tables, 0, 0), *halves]
    assert [len(batch["few"]["coords"]) for batch in batches] == [5, 12, 6, 6]
    for batch in batches:
        assert batch["few"]["unit"] is tables["few"]["unit"]
        torch.testing.assert_close(batch["few"]["value"], batch["few"]["coords"][:, :1] ** 2)
