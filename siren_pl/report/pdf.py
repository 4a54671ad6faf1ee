"""The document as a PDF on A4, with running text, tables that fit the page width and may break, and page numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from siren_pl.errors import printable
from siren_pl.report.blocks import Block, Code, Equation, Figure, Heading, Paragraph, Table
from siren_pl.report.layout import PADDING, columns_of, split

# Margins in points: 20 mm.
MARGIN = 56.7
# Space in points that reportlab leaves free inside the margins, both sides together.
FRAME = 12.0
BODY, BOLD, ITALIC, MONO = "Body", "Body-Bold", "Body-Italic", "Mono"
# These fonts ship with matplotlib, and have the letters and signs that PDF's own fonts lack.
FONTS = {BODY: "STIXGeneral", BOLD: "STIXGeneralBol", ITALIC: "STIXGeneralItalic", MONO: "DejaVuSansMono"}
TEXT, SMALL, LEADING = 10.5, 9.0, 1.3
# Font sizes of tables; a table gets the first at which it need not be cut.
CELLS = (8.5, 7.5, 6.5)
HEADINGS = {1: 20, 2: 14, 3: 11.5}
# Subscript digits, which the text font lacks.
ZERO, SUBSCRIPTS, LOWERED = "₀", re.compile("[₀-₉]"), '<sub rise="1.5" size="7">{}</sub>'
# The largest fraction of the page's height for a figure without its caption.
TALLEST = 0.86
# Tables up to this height, in points, are not broken over pages.
WHOLE = 260.0


def render(blocks: Sequence[Block], path: Path) -> None:
    """Write the PDF."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    _register_fonts()
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN)
    page = SimpleDocTemplate(str(path), pagesize=A4, title=title, author="siren_pl", **margins)
    flow = [flowable for block in blocks for flowable in _flowables(block, page.width - FRAME, page.height - FRAME)]
    page.build(flow, onFirstPage=_number, onLaterPages=_number)


def _register_fonts() -> None:
    import matplotlib as mpl
    from reportlab.pdfbase import pdfmetrics, ttfonts

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name, file in FONTS.items():
        pdfmetrics.registerFont(ttfonts.TTFont(name, folder / f"{file}.ttf"))


def _number(canvas: Any, page: Any) -> None:
    canvas.setFont(BODY, SMALL)
    canvas.drawCentredString(page.pagesize[0] / 2, MARGIN / 2, str(canvas.getPageNumber()))


def _flowables(block: Block, width: float, height: float) -> list[Any]:
    """Convert a block to reportlab's flowables."""
    from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT
    from reportlab.platypus import CondPageBreak, KeepTogether, Spacer

    match block:
        case Heading():
            side = TA_CENTER if block.level == 1 else TA_LEFT
            style = _style(BOLD, HEADINGS[block.level], spaceBefore=10, spaceAfter=4, alignment=side, keepWithNext=True)
            return [_text(block.text, style)]
        case Paragraph():
            return [_text(block.text, _style(BODY, TEXT, spaceAfter=5, alignment=TA_JUSTIFY))]
        case Code():
            style = _style(MONO, SMALL - 2, spaceAfter=3, leftIndent=12, firstLineIndent=-12)
            return [_text(line, style) for line in block.text.splitlines()]
        case Equation():
            return [_picture(block.png, width, height)]
        case Figure():
            caption = _text(block.caption, _style(BODY, SMALL, spaceAfter=10))
            return [KeepTogether([Spacer(1, 4), _picture(block.png, width, height * TALLEST), caption])]
        case Table():
            caption = _text(block.caption, _style(BODY, SMALL, spaceBefore=6, spaceAfter=3))
            parts = [caption, *_tables(block, width), Spacer(1, 6)]
            needed = sum(part.wrap(width, height)[1] for part in parts)
            return [CondPageBreak(min(needed, WHOLE)), *parts]


def _style(font: str, size: float, **options: Any) -> Any:
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(font, fontName=font, fontSize=size, leading=LEADING * size, **options)


def _text(text: str, style: Any) -> Any:
    from reportlab.platypus import Paragraph as Running

    return Running(
        SUBSCRIPTS.sub(lambda sign: LOWERED.format(ord(sign[0]) - ord(ZERO)), escape(printable(text))), style
    )


def _picture(png: bytes, width: float, height: float) -> Any:
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image

    across, down = ImageReader(io.BytesIO(png)).getSize()
    scale = min(width / across, height / down)
    return Image(io.BytesIO(png), across * scale, down * scale)


def _tables(table: Table, width: float) -> list[Any]:
    """Convert a table, in as many parts as its columns need, each with the first column."""
    from reportlab.pdfbase.pdfmetrics import stringWidth
    from reportlab.platypus import Table as Grid

    measures = {size: partial(stringWidth, fontName=BOLD, fontSize=size) for size in CELLS}
    size = next((size for size in CELLS if len(split(table, measures[size], width)) == 1), CELLS[0])
    lines = [("LINEABOVE", (0, 0), (-1, 0), 1, "black"), ("LINEBELOW", (0, -1), (-1, -1), 1, "black")]
    lines += [("LINEBELOW", (0, 0), (-1, 0), 0.5, "black"), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    lines += [(f"{side}PADDING", (0, 0), (-1, -1), 2) for side in ("TOP", "BOTTOM")]
    lines += [(f"{side}PADDING", (0, 0), (-1, -1), PADDING / 2) for side in ("LEFT", "RIGHT")]
    grids = []
    for part in split(table, measures[size], width):
        header = [_text(table.header[column], _style(BOLD, size)) for column in part]
        body = [[_text(row[c], _style(_font(table, r, c), size)) for c in part] for r, row in enumerate(table.rows)]
        widths = columns_of(table, part, measures[size], width)
        grids.append(Grid([header, *body], widths, repeatRows=1, style=lines, spaceAfter=6, hAlign="LEFT"))
    return grids


def _font(table: Table, row: int, column: int) -> str:
    return BOLD if (row, column) in table.best else ITALIC if row in table.aside else BODY
