"""A report's layout, pictures and words, apart from its numbers."""

import re
from pathlib import Path

import pytest

from siren_pl.report import html, literature, reproduction
from siren_pl.report.blocks import Code, Figure, Heading, Paragraph, Table, numbered
from siren_pl.report.layout import columns_of, split
from siren_pl.runs.keys import conf_directory
from tests.handmade_runs import handmade_run


@pytest.mark.parametrize("columns", [1, 2, 7, 30])
@pytest.mark.parametrize("letters", [1, 12, 400])
def test_tables_never_leave_the_page(columns: int, letters: int) -> None:
    row = tuple("x" * (letters if column % 2 else 3) for column in range(columns))
    table = Table(tuple(f"heading {column}" for column in range(columns)), (row,), "")
    parts = split(table, lambda text: 4.0 * len(text), 400.0)
    assert [column for part in parts for column in part if column] == list(range(1, columns))
    for part in parts:
        widths = columns_of(table, part, lambda text: 4.0 * len(text), 400.0)
        assert part[0] == 0 and sum(widths) <= 400.001 and min(widths) > 0


def test_blocks_are_numbered_in_the_order_of_reading() -> None:
    table, figure = Table(("a",), (("b",),), "numbers"), Figure(b"", "picture")
    done = numbered(
        [Heading("T", 1), Heading("A"), table, Heading("a", 3), figure, Heading("B"), Heading("b", 3), table]
    )
    assert [block.text for block in done if isinstance(block, Heading)] == ["T", "1 A", "1.1 a", "2 B", "2.1 b"]
    captions = [block.caption for block in done if isinstance(block, (Table, Figure))]
    assert captions == ["Table 1. numbers", "Figure 1. picture", "Table 2. numbers"]


def test_the_page_escapes_what_runs_are_called() -> None:
    evil = "<script src='http://elsewhere'>"
    table = Table((evil,), ((evil,),), evil, best=frozenset({(0, 0)}))
    page = html.render([Heading(evil, 1), Paragraph(evil), Code(evil), table])
    assert "<script" not in page and page.count("&lt;script") == 7  # once more in the title
    assert "<strong>" in page


def test_papers_are_numbered_as_they_are_cited() -> None:
    about, references = literature.related(["siren", "finer", "wire_complex", "wire", "somebody's own"])
    text = " ".join(block.text for block in about if isinstance(block, Paragraph))
    papers = [block.text for block in references if isinstance(block, Paragraph)]
    assert [paper[:3] for paper in papers] == ["[1]", "[2]", "[3]"]
    for name, number in (("SIREN puts", 1), ("FINER", 3), ("WIRE", 2)):
        cited = re.search(rf"{name}[^.]*\[(\d)\]", text)
        assert cited is not None and int(cited[1]) == number
    assert "Saragadam" in papers[1] and "FINER" in papers[2] and not any("NeRF" in paper for paper in papers)


def test_every_method_has_its_paper() -> None:
    assert {paper for _, paper in literature.METHODS.values()} == set(literature.REFERENCES)
    plain = {"relu", "tanh", "softplus"}  # activations that need no reference
    models = {path.stem for path in (conf_directory() / "model").glob("[!_]*.yaml")}
    assert models - plain <= set(literature.METHODS)


def test_commands_are_those_that_were_typed(tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").write_text("hydra: {overrides: {task: ['model=siren,relu', 'dataset.path=a b.png']}}")
    assert reproduction.training_command(tmp_path) == (
        f"python train.py -m model=siren,relu 'dataset.path=a b.png' hydra.sweep.dir={tmp_path}"
    )
    run = handmade_run(tmp_path / "run", {"seed": 3}, {})
    assert reproduction.training_command(run) == f"python train.py seed=3 hydra.run.dir={run}"
