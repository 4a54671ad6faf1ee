"""Attempts at work that a run can do without (a figure, a rival's score, a table): a failure is only a warning."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from siren_pl.errors import UserError

log = logging.getLogger(__name__)

# Characters of the first line of another library's error that a warning repeats; some of SciPy's errors fill pages.
MOST_LETTERS = 300


@contextmanager
def attempt(what: str) -> Iterator[None]:
    """Turn an error inside the block into a warning.

    Args:
        what: The name of the attempt, used as the subject of the warning's sentence.
    """
    try:
        yield
    except Exception as error:
        told = " ".join(str(error).split())
        if not isinstance(error, UserError):
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            told = f"{type(error).__name__}: {' '.join(first.split())[:MOST_LETTERS]}"
        log.warning("%s is left out: %s", what, told)
