"""The document as one HTML page that embeds its pictures and needs no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from siren_pl.errors import printable
from siren_pl.report.blocks import Block, Heading

TEMPLATE = "page.html.j2"


def render(blocks: Sequence[Block]) -> str:
    """Render the page; the template engine escapes all text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=here,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda told: printable(told) if isinstance(told, str) else told,
    )
    environment.filters["picture"] = lambda png: f"data:image/png;base64,{base64.b64encode(png).decode()}"
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    pairs = [(type(block).__name__, block) for block in blocks]
    return environment.get_template(TEMPLATE).render(blocks=pairs, title=title)
