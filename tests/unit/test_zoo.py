"""Every model under conf/model is a jet, maps over many fields, and can be sized to a budget of parameters."""

import functools
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch.func import functional_call, vmap

from siren_pl.errors import UserError
from siren_pl.field.derivatives import AutogradDerivatives, ForwardDerivatives
from siren_pl.field.domain import Domain
from siren_pl.field.networks import CoordinateNetwork
from siren_pl.runs import autos, build, create
from siren_pl.runs.costs import BUDGET_TOLERANCE, say_settled
from siren_pl.runs.keys import conf_directory
from tests.fields import domain

MODELS = sorted(path.stem for path in (conf_directory() / "model").glob("*.yaml") if not path.name.startswith("_"))
COLOUR = domain(in_features=2, out_features=3, resolution=32.0)
BUDGET = 199_000


@functools.cache
def configuration(model: str, *overrides: str) -> build.Plain:
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        return build.plain(compose("train", [f"model={model}", *overrides]))


def settled(config: build.Plain, where: Domain) -> autos.SettledField:
    return autos.settle(config, {"field": where}).leading


def built(config: build.Plain, where: Domain) -> CoordinateNetwork:
    options = settled(config, where)
    return create.network(options.network, options.init, where, config["seed"])


def small(model: str) -> CoordinateNetwork:
    layers = () if model == "tensor_product" else ("model.hidden_layers=2",)
    return built(configuration(model, "model.hidden_features=6", *layers), COLOUR).double()


def points(count: int = 7) -> torch.Tensor:
    return torch.rand(count, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("model", MODELS)
def test_derivatives_agree_with_nested_autograd(model: str) -> None:
    network = small(model)
    order = network.highest_order
    found, expected = (strategy(network, points(), order) for strategy in (ForwardDerivatives(), AutogradDerivatives()))
    torch.testing.assert_close(found.value, expected.value, rtol=1e-12, atol=1e-14)
    assert found.value.detach().std() > 1e-5  # the network says something
    for part in ("gradient", "second")[:order]:
        wanted = getattr(expected, part)
        size = float(wanted.detach().abs().max())
        torch.testing.assert_close(getattr(found, part).expand_as(wanted), wanted, rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize("model", MODELS)
def test_weights_get_the_gradients_that_nested_autograd_gives(model: str) -> None:
    network = small(model)

    def slopes(strategy) -> list[torch.Tensor | None]:
        jet = strategy(network, points(), network.highest_order)
        highest = jet.gradient if jet.second is None else jet.second
        loss = highest.square().mean() + jet.value.square().mean()
        return list(torch.autograd.grad(loss, list(network.parameters()), allow_unused=True))

    for found, wanted in zip(slopes(ForwardDerivatives()), slopes(AutogradDerivatives()), strict=True):
        assert found is not None and wanted is not None
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10 * float(wanted.abs().max() + 1))


@pytest.mark.parametrize("model", MODELS)
def test_many_fields_are_evaluated_as_one_each(model: str) -> None:
    network, copies = small(model), 3
    stacked = {name: torch.stack([p + 0.01 * i for i in range(copies)]) for name, p in network.named_parameters()}
    coords = points()
    together = vmap(lambda weights: functional_call(network, weights, (coords,)))(stacked)
    for index in range(copies):
        weights = {name: stack[index] for name, stack in stacked.items()}
        alone = functional_call(network, weights, (coords,))
        torch.testing.assert_close(together[index], alone, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_a_compiler_sees_one_graph(model: str) -> None:
    network, coords = small(model), points()

    def loss(x: torch.Tensor) -> torch.Tensor:
        return ForwardDerivatives()(network, x, 1).gradient.square().mean()

    torch.compiler.reset()
    captured = torch.compile(loss, fullgraph=True, dynamic=False, backend="aot_eager")
    torch.testing.assert_close(captured(coords), loss(coords))


@pytest.mark.parametrize("model", MODELS)
def test_a_budget_of_parameters_sizes_the_model(model: str) -> None:
    colour = domain(in_features=2, out_features=3, resolution=192.0)
    config = configuration(model, f"model.parameters={BUDGET}")
    count = sum(parameter.numel() for parameter in built(config, colour).parameters())
    assert BUDGET * (1 - BUDGET_TOLERANCE) <= count <= BUDGET
    found, key = settled(config, colour), config["model"]["sized_by"]
    larger = create.network(found.network | {key: found.network[key] + 1}, found.init, colour, 0)
    assert sum(parameter.numel() for parameter in larger.parameters()) > BUDGET


def test_a_budget_that_is_too_small_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.parameters=3 is less than"):
        built(configuration("siren", "model.parameters=3"), COLOUR)


def test_a_budget_out_of_reach_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A small image has so few grid corners that no table is large."""
    config = configuration("hash_grid", "model.parameters=1000000", "dataset.size=8")
    plan = build.plan(config)
    say_settled(build.module([plan]), plan.settled)
    assert "the nearest network below it has" in caplog.text


def test_every_model_names_its_source() -> None:
    for model in MODELS:
        text = Path(conf_directory() / "model" / f"{model}.yaml").read_text()
        assert text.startswith("# ")


def test_learning_rates_follow_the_documented_rule() -> None:
    siren = configuration("siren")
    grey = domain(in_features=2, out_features=1, resolution=128.0)
    rate = siren["recipe"]["lr"]
    assert settled(siren, grey).lr == pytest.approx(rate * 30 / 15)
    grid = configuration("hash_grid")
    assert settled(grid, grey).lr == pytest.approx(rate * grid["model"]["lr_factor"])
    assert settled(configuration("relu"), grey).lr == pytest.approx(rate)
    tiles = configuration("tiles")
    assert settled(tiles, grey).network["tiles"] == 2
    assert settled(tiles, COLOUR).network["tiles"] == 1
    # omega_0 = 15 on the domain is 15 · 1.25 / 2 on one of two tiles.
    assert settled(tiles, grey).lr == pytest.approx(rate * 30 / (15 * 1.25 / 2))
