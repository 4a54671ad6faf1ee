"""A compiler sees the loss of an equation as one graph, with the same losses and gradients."""

import pytest
import torch

from siren_pl.field.networks.bundle import Bundle
from siren_pl.problems.equations.task import equation_fit
from siren_pl.training.problem import drawn, tables_of
from tests.equations import asking, bundle_of


def losses(problem, bundle: Bundle, batch) -> dict[str, torch.Tensor]:
    found = {}
    for name, term in problem.terms.items():
        found |= term.evaluate(asking(bundle), batch[name])
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("burgers", {"causal": 1.0, "growth": 0.5, "adaptive": {"interior": 0.5}}),
        ("coefficient", {}),  # two fields and measurements
        ("cavity", {}),  # three outputs
        ("paper_wave", {}),  # a frame of its own
    ],
)
def test_a_compiler_sees_one_graph(name: str, options: dict) -> None:
    problem = equation_fit(equation=name, batch_size=40, **options)
    assert problem.compilable
    bundle = bundle_of(problem.given)
    tables = {
        term: {key: column.double() if column.is_floating_point() else column for key, column in table.items()}
        for term, table in tables_of(problem).items()
    }
    batch = drawn(problem, tables, None, 0, 0, 0.3)
    eager = losses(problem, bundle, batch)
    wanted = torch.autograd.grad(sum(eager.values()), list(bundle.parameters()), allow_unused=True)
    torch.compiler.reset()
    compiled = torch.compile(losses, fullgraph=True, dynamic=False, backend="aot_eager")(problem, bundle, batch)
    found = torch.autograd.grad(sum(compiled.values()), list(bundle.parameters()), allow_unused=True)
    torch.testing.assert_close(compiled, eager)
    torch.testing.assert_close(found, wanted)
