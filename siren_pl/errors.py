"""The one exception that is a message to the user: a paragraph that names the key or file, and the cure."""

from __future__ import annotations


class UserError(Exception):
    """Bad input or configuration. Its text is one paragraph; commands print it without a traceback and exit 1."""
