"""A table that keeps samples as stored gives the same rows as a table of coordinates and values."""

import pytest
import torch
from torch.func import vmap

from siren_pl.errors import UserError
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.laplacians import poisson_laplacian
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled import compact
from siren_pl.problems.sampled import signal as sampled
from siren_pl.problems.sampled.grid import PixelCentres, PixelCorners
from siren_pl.problems.sampled.observations import RandomFraction
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.values import ValueTerm, laid_out
from siren_pl.training.problem import tables_of
from siren_pl.training.term import Term, placed

KINDS = {
    "uint8": lambda *shape: torch.randint(0, 256, shape, dtype=torch.uint8),
    "uint16": lambda *shape: torch.randint(0, 65536, shape, dtype=torch.int32).to(torch.uint16),
    "float32": lambda *shape: torch.rand(shape) * 2 - 1,
}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize("batch_size", [None, 20, 10_000])
@pytest.mark.parametrize("heldout", [0.0, 0.4])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(50,), (9, 12), (4, 5, 6)])
def test_draws_are_the_rows_of_the_laid_out_table(shape, kind, heldout, batch_size):
    for grid in (PixelCentres(), PixelCorners()):
        signal = SampledSignal(KINDS[kind](*shape, 2), grid=grid, observation=RandomFraction(heldout))
        found = compact.draw(compact.table(signal), batch_size, generator())
        expected = Term.draw(ValueTerm(signal), laid_out(signal), batch_size, generator(), 0.0)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_the_term_chooses_by_size(monkeypatch):
    signal = SampledSignal(KINDS["uint8"](40, 30, 3))
    term = ValueTerm(signal)
    eager = term.draw(term.points(), 50, generator(), 0.0)
    assert "coords" in term.points()
    monkeypatch.setattr("siren_pl.problems.sampled.values.MOST_LAID_OUT", 1000)
    assert "coords" not in term.points()
    lazy = term.draw(term.points(), 50, generator(), 0.0)
    assert all(torch.equal(lazy[key], eager[key]) for key in eager)


@pytest.mark.parametrize(("heldout", "most"), [(0.0, 2048**2 + 100_000), (0.5, 3 * 2048**2 + 100_000)])
def test_a_large_table_takes_the_bytes_of_its_samples(heldout, most):
    """One byte a sample; four more for each observed one where some are not; axes and levels are a few kB."""
    signal = SampledSignal(torch.zeros(2048, 2048, 1, dtype=torch.uint8), observation=RandomFraction(heldout))
    (table,) = tables_of(image_fit(signal)).values()
    assert sum(column.nbytes for column in table.values()) < most
    assert table["samples"].data_ptr() == signal.stored.data_ptr()  # not even a copy of those
    assert placed(table, torch.zeros(1))["samples"].data_ptr() == signal.stored.data_ptr()


def test_many_signals_are_drawn_from_at_once():
    signals = [SampledSignal(KINDS["uint8"](9, 12, 2), observation=RandomFraction(0.25)) for _ in range(3)]
    tables = [compact.table(signal) for signal in signals]
    stacked = tables[0] | {"samples": torch.stack([table["samples"] for table in tables])}
    axes = {key: 0 if key == "samples" else None for key in stacked}
    found = vmap(lambda table: compact.draw(table, 20, generator()), in_dims=(axes,), randomness="same")(stacked)
    for index, table in enumerate(tables):
        alone = compact.draw(table, 20, generator())
        assert all(torch.equal(found[key][index], alone[key]) for key in alone)


def test_double_precision_reaches_the_points_but_not_the_stored_samples():
    table = placed(
        compact.table(SampledSignal(KINDS["uint8"](9, 12, 2), observation=RandomFraction(0.25))),
        torch.zeros(1).double(),
    )
    assert (table["samples"].dtype, table["observed"].dtype) == (torch.uint8, torch.int32)
    assert {column.dtype for column in compact.draw(table, 20, generator()).values()} == {torch.float64}


@pytest.mark.parametrize(
    ("task", "options"),
    [
        (image_fit, {"gradient_weight": 0.1}),
        (poisson_grad, {}),
        (poisson_grad, {"integrated": False}),
        (poisson_laplacian, {}),
    ],
)
def test_derivatives_of_large_signals_are_refused(task, options, monkeypatch):
    monkeypatch.setattr(sampled, "MOST_NUMBERS", 100)
    with pytest.raises(UserError, match=r"scan has 9 × 12 samples of 2 channels.*dataset\.size"):
        tables_of(task(SampledSignal(torch.zeros(9, 12, 2), "scan"), **options))
