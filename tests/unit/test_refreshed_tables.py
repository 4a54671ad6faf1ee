"""A table of points is refreshed every few steps from the current field, and an interruption leaves no trace."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from siren_pl import Term
from siren_pl.training.ask import Ask
from siren_pl.training.fields import Fields
from siren_pl.training.term import Points
from tests.fields import kept, merged, module_of, problem_of, run_module, siren, square, tensors

POINTS = 24


@dataclass(frozen=True)
class Wave(Term):
    """A wave, looked at where the field was most wrong among random places when the table was last made."""

    phase: float = field(compare=False)

    rows = ("coords", "value")
    pointwise = True
    refresh_every = 5

    def points(self) -> Points:
        phase = torch.tensor(self.phase, dtype=torch.float64)
        return self._at(square(POINTS, torch.Generator().manual_seed(1)), phase)

    def refresh(self, ask: Ask, points: Points, generator: torch.Generator) -> Points:
        fresh = self._at(square(4 * POINTS, generator), points["phase"])
        error = (ask(fresh["coords"]).value - fresh["value"]).abs()[:, 0]
        # How wrong it was weighs the points: what comes out of the field stands in the table as well.
        return self.taken(fresh, error.argsort()[-POINTS:]) | {"scale": error.mean()}

    def _at(self, coords: Tensor, phase: Tensor) -> Points:
        value = torch.sin(3 * coords[:, :1] + phase)
        return {"coords": coords, "value": value, "phase": phase, "scale": torch.ones_like(phase)}

    def residuals(self, ask: Ask, points: Points) -> dict[str, Tensor]:
        return {"value": (ask(points["coords"]).value - points["value"]) / points["scale"]}


def waves(*phases: float) -> Fields:
    problems = [problem_of({"wave": Wave(phase)}, data=f"wave {phase}") for phase in phases]
    return merged([siren() for _ in phases], problems)


@pytest.mark.parametrize("phases", [(0.0,), (0.0, 1.0)], ids=["one signal", "two signals"])
def test_a_run_that_makes_tables_anew_is_resumed_bit_for_bit(phases: tuple[float, ...]) -> None:
    """Interrupted at step 8 between the tables of steps 5 and 10; and at 10, before the second is made."""
    whole = run_module(module_of(waves(*phases), 13), Path("whole"))
    assert not torch.equal(whole.tables["wave"]["coords"], waves(*phases).tables()["wave"]["coords"])
    expected = kept(Path("whole"))
    for stop in (8, 10):
        run_module(module_of(waves(*phases), stop), Path(f"part{stop}"))
        run_module(module_of(waves(*phases), 13), Path(f"part{stop}"))
        found = kept(Path(f"part{stop}"))
        for part in ("state_dict", "optimizer_states"):
            pairs = list(zip(tensors(found[part]), tensors(expected[part]), strict=True))
            assert pairs and all(torch.equal(mine, wanted) for mine, wanted in pairs)
        mine, wanted = (each["siren_pl"]["tables"]["wave"] for each in (found, expected))
        assert mine.keys() == wanted.keys() and all(torch.equal(mine[key], wanted[key]) for key in wanted)


def test_each_signal_of_a_set_has_tables_of_its_own() -> None:
    """To rounding: products of many fields are added up in another order."""
    together = run_module(module_of(waves(0.0, 1.0), 13))
    for index, (phase, bundle) in enumerate(zip((0.0, 1.0), together.fields.split(), strict=True)):
        alone = run_module(module_of(waves(phase), 13))
        for key, column in alone.tables["wave"].items():
            torch.testing.assert_close(together.tables["wave"][key][index], column, rtol=1e-9, atol=1e-9)
        for mine, wanted in zip(bundle.parameters(), alone.fields.bundle.parameters(), strict=True):
            torch.testing.assert_close(mine, wanted, rtol=1e-9, atol=1e-9)
    first, second = together.tables["wave"]["coords"]
    assert not torch.equal(first, second)
