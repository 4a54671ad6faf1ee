"""UserError, the exception whose text is a message to the user: it names the key or file, and the cure."""

from __future__ import annotations


class UserError(Exception):
    """Bad input or configuration. Its text is one paragraph; commands print it without a traceback and exit with 1."""
