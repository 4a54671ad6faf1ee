"""Readers that turn the files of a run into named values: numbers and texts, tensors, pixels, lines."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.ruler.renames import Renames

# Metrics that measure the machine.
COSTS = ("wall_s", "peak_memory_mb")
# Columns of the report's tables that measure the machine; versions and machine are the same for both sides.
COST_HEADINGS = ("time (s)",)
# Folders and files that describe the command or its cost, not its results.
ASIDE = (".hydra", "run.log", ".lock", "sweep.yaml", "multirun.yaml", "hparams.yaml", "costs.json")
ASIDE_OF_THE_RULER = ("log.txt", "ended.json", "seconds")
# Figures may be drawn slightly differently.
FIGURES = "figures"
# Files that contain the time at which they were written.
DATED = ".pdf"

Values = dict[str, Any]


def files(directory: Path) -> Iterator[str]:
    """Paths of the files of a case that are compared, relative to its directory."""
    for path in sorted(directory.rglob("*")):
        place = path.relative_to(directory)
        if path.is_file() and not {*ASIDE, *ASIDE_OF_THE_RULER} & {*place.parts}:
            yield place.as_posix()


def is_figure(path: str) -> bool:
    """Whether a file is a figure, which must exist on both sides, but whose differences are only reported."""
    return FIGURES in Path(path).parts


def read(path: Path, renames: Renames) -> Values:
    """Read the named values of a file, under the head's names.

    Args:
        path: The file; its suffix determines how it is read, and files with unknown suffixes are read as bytes.
        renames: The renames for the file's side.
    """
    return _READERS.get(path.suffix, _bytes)(path, renames)


def _json(path: Path, renames: Renames) -> Values:
    found = dict(_flat("", json.loads(path.read_text())))
    return {renames.metric(name): value for name, value in found.items() if not _is_cost(name)}


def _flat(prefix: str, node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested objects and lists by dotted names."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for name, value in pairs:
        if isinstance(value, (dict, list)):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _is_cost(name: str) -> bool:
    return name.rpartition("/")[2] in COSTS


def _csv(path: Path, renames: Renames) -> Values:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        f"row {number} {renames.metric(column)}": text
        for number, row in enumerate(rows)
        for column, text in row.items()
        # An empty cell belongs to a column that only other rows have.
        if text and not _is_cost(column)
    }


def _checkpoint(path: Path, renames: Renames) -> Values:
    whole = torch.load(path, map_location="cpu", weights_only=True)
    found: Values = {f"weight {renames.weight(name)}": tensor for name, tensor in whole["state_dict"].items()}
    for optimizer in whole.get("optimizer_states", []):
        for number, entry in optimizer["state"].items():
            found |= {f"optimizer {number}.{name}": value for name, value in entry.items()}
        for number, group in enumerate(optimizer["param_groups"]):
            found |= {f"optimizer group {number}.{name}": value for name, value in group.items() if name != "params"}
    return found


def _picture(path: Path, _: Renames) -> Values:
    # Pillow reduces 16-bit colour to 8 bits, so the bytes of the file are compared as well.
    with Image.open(path) as image:
        return {"pixels": np.asarray(image), **_bytes(path, Renames())}


def _bytes(path: Path, _: Renames) -> Values:
    return {"bytes": hashlib.sha256(path.read_bytes()).hexdigest()[:12]}


def _text(path: Path, _: Renames) -> Values:
    return {"text": tuple(path.read_text().splitlines())}


def _html(path: Path, renames: Renames) -> Values:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return {"text": tuple(page.lines)}


class _Page(HTMLParser):
    """The text of a page, without code: a line per paragraph and per row of a table, without columns of costs."""

    _SILENT = ("style", "script", "pre", "title")
    _BLOCKS = ("p", "h1", "h2", "h3", "figcaption", "caption", "li", "tr")
    _CELLS = ("td", "th")

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._parts: list[str] = []
        self._costs: set[int] = set()
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        if tag == "table":
            self._costs = set()
        if tag in self._CELLS:
            self._parts.append("")
        elif tag in self._BLOCKS:
            self._parts = []

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts[-1:] = ["".join([*self._parts[-1:], data])]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT
        if tag in self._BLOCKS:
            parts = [" ".join(part.split()) for part in self._parts]
            self._costs |= {index for index, part in enumerate(parts) if part in COST_HEADINGS}
            line = " | ".join(part for index, part in enumerate(parts) if index not in self._costs)
            self._parts = []
            if line:
                self.lines.append(line)


_READERS: Mapping[str, Callable[[Path, Renames], Values]] = {
    ".json": _json,
    ".csv": _csv,
    ".ckpt": _checkpoint,
    ".png": _picture,
    ".tif": _picture,
    ".jpg": _picture,
    ".html": _html,
    "": _text,
}
