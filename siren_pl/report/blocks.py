"""Blocks: a document is a flat list of them, which is composed once and rendered by `pdf` and by `html`.

All text is plain; the renderers escape it. Pictures are PNG bytes, so that a page can embed them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Heading:
    """A heading: the title of the document at level 1, then sections and subsections."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Code:
    """Lines to type, rendered verbatim."""

    text: str


@dataclass(frozen=True)
class Equation:
    """A formula as a picture, with alternative text."""

    png: bytes
    words: str


@dataclass(frozen=True)
class Figure:
    """A picture with a caption."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, with a caption.

    Attributes:
        best: Cells (row, column) to set in bold.
        aside: Rows to set in italics: methods that are not ranked with the others.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    best: frozenset[tuple[int, int]] = frozenset()
    aside: frozenset[int] = frozenset()


Block = Heading | Paragraph | Code | Equation | Figure | Table


def numbered(blocks: Iterable[Block]) -> list[Block]:
    """Number the sections, tables and figures among the blocks in reading order."""
    done: list[Block] = []
    section = subsection = 0
    counts = {Table: 0, Figure: 0}
    for block in blocks:
        if isinstance(block, Heading) and block.level > 1:
            top = block.level == 2  # noqa: PLR2004 - level 1 is the title
            section, subsection = (section + 1, 0) if top else (section, subsection + 1)
            number = str(section) if top else f"{section}.{subsection}"
            done.append(replace(block, text=f"{number} {block.text}"))
        elif isinstance(block, (Table, Figure)):
            counts[type(block)] += 1
            number = counts[type(block)]
            done.append(replace(block, caption=f"{type(block).__name__} {number}. {block.caption}"))
        else:
            done.append(block)
    return done
