"""The comparison that a report makes of one sweep, and what its table and its text say of it."""

from pathlib import Path

from siren_pl.report import discussion, tables
from siren_pl.report.runs import read
from siren_pl.report.settings import Comparison, compare


def only(directory: Path) -> Comparison:
    (comparison,) = compare(read([directory])[0])
    return comparison


def row_of(comparison: Comparison, label: str) -> dict[str, str]:
    table = tables.results(comparison)
    (row,) = [row for row in table.rows if row[0] == label]
    return dict(zip(table.header, row, strict=True))


def best_of(comparison: Comparison) -> set[tuple[str, str]]:
    table = tables.results(comparison)
    return {(table.rows[row][0], table.header[column]) for row, column in table.best}


def words(comparison: Comparison) -> str:
    return " ".join([discussion.verdict(comparison), *discussion.remarks(comparison)])
