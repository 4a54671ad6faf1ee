"""Explanations of intended differences: patterns of places, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path


class Explanations:
    """Reasons by pattern.

    Attributes:
        unused: Patterns that have not explained anything so far.
    """

    def __init__(self, reasons: dict[str, str]) -> None:
        self._reasons = reasons
        self.unused = list(reasons)

    def of(self, place: str) -> str | None:
        """The reason why a place differs; None without an explanation."""
        for pattern, reason in self._reasons.items():
            # Brackets are literal parts of names here, not sets of characters.
            if fnmatchcase(place, pattern.replace("[", "[[]")):
                self.unused = [other for other in self.unused if other != pattern]
                return reason
        return None


def read(path: Path | None) -> Explanations:
    """Read the explanations in a text file, `<pattern>  <reason>` per line, without blank lines and `#` comments.

    Raises:
        ValueError: A line gives no reason.
    """
    return parse([] if path is None else path.read_text().splitlines())


def parse(lines: Iterable[str]) -> Explanations:
    """Parse lines of explanations (see `read`)."""
    reasons = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        pattern, *reason = re.split(r"\s{2,}", line.strip(), maxsplit=1)
        if not reason:
            raise ValueError(f"{line!r} gives no reason: write the pattern, two blanks, and why it differs.")
        reasons[pattern] = reason[0]
    return Explanations(reasons)
