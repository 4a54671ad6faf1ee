"""The widths of a table's columns on a page, and the cuts of a table that is too wide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from siren_pl.report.blocks import Table

Measure = Callable[[str], float]
# Space around the text of a cell, in points, both sides together; and the slack that keeps a word from being broken.
PADDING, SLACK = 8.0, 1.0
# The first column is never narrower than this fraction of the page; its labels wrap, as paths do.
LABEL = 0.22


def split(table: Table, measure: Measure, width: float) -> list[list[int]]:
    """Choose the columns of each part: as many as fit, with the first column repeated in every part."""
    narrow = [_narrowest(table, column, measure) for column in range(len(table.header))]
    first = min(narrow[0], LABEL * width)
    parts: list[list[int]] = [[0]]
    for column in range(1, len(narrow)):
        taken = first + sum(min(narrow[c], width - first) for c in parts[-1][1:])
        if len(parts[-1]) > 1 and taken + narrow[column] > width:
            parts.append([0])
        parts[-1].append(column)
    return parts


def columns_of(table: Table, part: Sequence[int], measure: Measure, width: float) -> list[float]:
    """The widths of a part's columns: what each needs without breaks if all fit, otherwise in proportion to that."""
    narrow = [_narrowest(table, column, measure) for column in part]
    narrow[0] = min(narrow[0], LABEL * width)
    narrow = [min(least, width - narrow[0]) if number else least for number, least in enumerate(narrow)]
    wide = [max(least, _widest(table, column, measure)) for least, column in zip(narrow, part, strict=True)]
    spare, wanted = width - sum(narrow), sum(wide) - sum(narrow)
    share = min(1.0, spare / wanted) if wanted > 0 else 0.0
    return [least + share * (most - least) for least, most in zip(narrow, wide, strict=True)]


def _cells(table: Table, column: int) -> list[str]:
    return [row[column] for row in table.rows]


def _narrowest(table: Table, column: int, measure: Measure) -> float:
    """The width of the longest word of a header, or of a number with its error, which stays on one line."""
    words = [word for text in (table.header[column], *_cells(table, column)) for word in text.split()]
    whole = [text for text in _cells(table, column) if "±" in text]
    return PADDING + SLACK + max(map(measure, [*words, *whole]), default=0.0)


def _widest(table: Table, column: int, measure: Measure) -> float:
    return PADDING + SLACK + max(map(measure, [table.header[column], *_cells(table, column)]))
