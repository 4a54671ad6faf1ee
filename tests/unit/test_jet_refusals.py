"""Operations without a jet rule are refused, never computed wrongly; the message names the rules and the fallback."""

import pytest
import torch
from torch import Tensor, nn

from siren_pl.field import jet
from siren_pl.field.jet import Jet

W = torch.tensor([[0.3, -1.2], [0.7, 0.4], [-0.5, 0.9]], dtype=torch.float64)  # (3, 2)


def points() -> Tensor:
    return torch.rand(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_foreign_module_is_refused_with_the_cure():
    seeded = jet.seed(points(), 1)
    for module in (nn.Linear(2, 3).double(), torch.sin, lambda x: torch.cat([x, x])):
        with pytest.raises(TypeError, match=r"(?s)no derivative rule.*siren_pl\.field\.jet.*AutogradDerivatives"):
            module(seeded)
    assert isinstance(seeded, Jet)


ARITHMETIC = {
    "x*2": lambda x: x * 2,
    "2*x": lambda x: 2 * x,
    "x+1": lambda x: x + 1,
    "1-x": lambda x: 1 - x,
    "x@w": lambda x: x @ W.T,
    "w*x": lambda x: W[0] * x,
    "-x": lambda x: -x,
    "x/2": lambda x: x / 2,
    "x**2": lambda x: x**2,
    "x[:1]": lambda x: x[..., :1],
}


@pytest.mark.parametrize("operation", ARITHMETIC.values(), ids=ARITHMETIC.keys())
def test_foreign_arithmetic_is_refused_with_the_cure(operation):
    with pytest.raises(TypeError, match=r"(?s)siren_pl\.field\.jet.*AutogradDerivatives"):
        operation(jet.seed(points(), 1))


def test_concat_never_drops_a_part():
    seeded = jet.seed(points(), 2)
    with pytest.raises((TypeError, ValueError)):
        jet.concat([seeded, points()])


@pytest.mark.parametrize("rule", [jet.multiply, jet.add, lambda a, b: jet.concat([a, b])], ids=["×", "+", "concat"])
def test_jets_of_different_groups_do_not_mix(rule):
    a, b = (jet.seed(points(), 2, groups=groups) for groups in (((1.0, 0.0),), ((0.0, 1.0),)))
    with pytest.raises(ValueError, match="groups"):
        rule(a, b)
