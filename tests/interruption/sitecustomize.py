"""End a process at a chosen moment, however fast the machine is. Python runs this file when PYTHONPATH leads to it.

`END_AT="SIGTERM run/checkpoints/last.ckpt 20"`: the process sends itself SIGTERM after the twentieth optimiser step
since the file was there; with 0, at the first thing that it does (imports, opens, …) once the file is there.
It happens once: what is started afterwards in the same directory is left alone.
"""

import os
import signal
import sys
from typing import Any


def end_at(name: str, path: str, steps: int) -> None:
    """Watch this process from now on."""
    path, marker = os.path.abspath(path), os.path.abspath(f"{name}_at_{path.replace('/', '_')}")  # noqa: PTH100
    left, listening = steps, False

    def end() -> None:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        os.kill(os.getpid(), getattr(signal, name))

    def count(*_: object) -> None:
        nonlocal left
        if left > 0 and os.path.exists(path):  # noqa: PTH110
            left -= 1
            if left == 0 and not os.path.exists(marker):  # noqa: PTH110
                end()

    def watch(_event: str, _arguments: tuple) -> None:
        nonlocal listening
        if listening:
            return
        if steps == 0 and os.path.exists(path):  # noqa: PTH110
            listening = True
            end()
        elif steps > 0:
            register: Any = getattr(sys.modules.get("torch.optim.optimizer"), "register_optimizer_step_post_hook", None)
            if register is not None:
                listening = True
                register(count)

    if not os.path.exists(marker):  # noqa: PTH110
        sys.addaudithook(watch)


if "END_AT" in os.environ:
    chosen, file, number = os.environ["END_AT"].split(" ")
    end_at(chosen, file, int(number))
