"""UserError, the exception whose text is a message to the user: it names the key or file, and the cure."""

from __future__ import annotations

import re

# All but tabs and newlines: a terminal obeys control characters, and no text file may hold half a surrogate pair.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with control characters escaped, since it may come from a stranger's file."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class UserError(Exception):
    """Bad input or configuration. Its text is one paragraph; commands print it without a traceback and exit with 1."""
