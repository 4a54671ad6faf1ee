"""Turns errors into one paragraph and an exit code, in the same way for every command."""

from __future__ import annotations

import re
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from siren_pl.commands import launchers
from siren_pl.errors import UserError, printable
from siren_pl.training.allocator import reuse_pages

EXIT_USER, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 130, 143


def guarded(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run a command and turn any error into one paragraph and an exit code."""
    debug = "debug=true" in [argument.lower().lstrip("+") for argument in arguments]
    signal.signal(signal.SIGTERM, _terminate)
    reuse_pages()
    try:
        return command(arguments)
    except KeyboardInterrupt:
        print("interrupted: continue with resume=<run directory>", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"error: {printable(explain(error))}", file=sys.stderr)
        return EXIT_USER


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End the process with exit code 143 on SIGTERM wherever it is, except in a fit, which stops between two steps."""
    raise SystemExit(EXIT_TERMINATED)


def explain(error: BaseException) -> str:
    """One paragraph about an error: the text of a UserError, a shortened one of Hydra's, the type of any other."""
    text = re.sub(r"\s*\n\s*", " ", str(error)).strip()
    if isinstance(error, UserError):
        return text
    cause = error.__cause__
    while cause is not None and not isinstance(cause, UserError):
        cause = cause.__cause__
    if isinstance(cause, UserError):
        return explain(cause)
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        absent = launchers.missing(text)
        if absent is not None:
            return absent
        return re.sub(r"(full_key|object_type)[:=]\s*\S+", "", text).strip()
    # torch has its own error for a GPU's memory; for a CPU's memory only the text tells.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        return f"not enough memory ({text}): lower dataset.size, dataset.batch_size or the sizes of the model."
    return f"{type(error).__name__}: {text} (add debug=true to see where)"
