"""What a run can do without: a figure, a rival's score, a table. It is tried, and where it fails a warning names it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from siren_pl.errors import UserError

log = logging.getLogger(__name__)

# Letters of a foreign error's first line that a warning repeats: SciPy's own errors fill pages.
MOST_LETTERS = 300


@contextmanager
def attempt(what: str) -> Iterator[None]:
    """Go on after what stands inside, whether it succeeds or not.

    Args:
        what: Its name in the warning, as the subject of a sentence.
    """
    try:
        yield
    except Exception as error:
        told = " ".join(str(error).split())
        if not isinstance(error, UserError):
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            told = f"{type(error).__name__}: {' '.join(first.split())[:MOST_LETTERS]}"
        log.warning("%s is left out: %s", what, told)
