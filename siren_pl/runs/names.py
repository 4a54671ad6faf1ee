"""Finds code by its name: the only place where a text of a configuration becomes something to call."""

from __future__ import annotations

import re
from typing import Any

from siren_pl.errors import UserError

# Hydra would attempt a relative import for a name that starts with a dot, and import the package "" for an empty one.
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def is_name(name: Any) -> bool:
    """Whether this is the full name of something in a module: `package.module.thing`."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def find(name: Any, key: str) -> Any:
    """Import the module and return the object that a name stands for.

    Args:
        name: A full name such as `package.module.thing`.
        key: The key that gave the name, for the message.

    Raises:
        UserError: Nothing has that name.
    """
    from hydra.utils import get_object

    if not is_name(name):
        raise UserError(f"{key}={name} is not the name of anything: give package.module.thing.")
    try:
        return get_object(name)
    except (ImportError, ValueError, TypeError) as error:
        raise UserError(
            f"{key}={name} cannot be found ({error}): check that name and where it is imported from."
        ) from error
