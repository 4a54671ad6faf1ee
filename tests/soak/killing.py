"""Commands in processes of their own, killed at a moment that is drawn: by a count of what they write, or by a clock.

The processes are forked from one that has imported everything, and keep a checkpoint after every step.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests import forked

# Audit events of whatever changes a file or a directory.
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "shutil.copyfile")
# No command of the soak takes a tenth of this.
PATIENCE = 120.0


def run(arguments: tuple[str, ...], changes: int | None = None, seconds: float | None = None) -> tuple[int, str]:
    """Run train.py in the working directory; returns its exit code (-9 if it was killed) and what it said.

    Args:
        arguments: What is typed.
        changes: Kill it just before it changes the file system for this time, from 1; None lets it live.
        seconds: Kill it after so long.
    """
    process = forked.start(_command, arguments, changes)
    process.join(PATIENCE if seconds is None else seconds)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, Path("said").read_text(errors="replace")


def _command(arguments: tuple[str, ...], changes: int | None) -> int:
    from siren_pl.commands import train as commands
    from siren_pl.commands.guard import guarded
    from siren_pl.training import checkpoints, module

    # A slice is a step, and every slice is kept: there is then much to be damaged, and the same at every run.
    commands.STARTED = time.time()
    module.SLICE_SECONDS, checkpoints.INTERVAL_SECONDS = 0.0, -1.0
    sys.argv = ["train.py", *arguments]
    place = Path.cwd()
    counter = _Counter(place, changes)
    sys.addaudithook(counter)
    code = guarded(commands._train, list(arguments))
    (place / "changes").write_text(str(counter.seen))
    return code


class _Counter:
    """Counts changes of files beneath a place, and kills its process before the last that is allowed."""

    def __init__(self, place: Path, last: int | None) -> None:
        self.place, self.last, self.seen = str(place), last, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES and not (event == "open" and _writes(arguments)):
            return
        path = os.fspath(arguments[0]) if isinstance(arguments[0], (str, os.PathLike)) else ""
        if not os.path.abspath(path).startswith(self.place):  # noqa: PTH100 - pathlib would be seen by the hook
            return
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def _writes(arguments: tuple[Any, ...]) -> bool:
    return bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
