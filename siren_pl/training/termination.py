"""The handling of SIGTERM, which ends a fit between two steps, with a checkpoint, in any number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.utilities.exceptions import SIGTERMException

# If a signal ends a process, a shell reports 128 + the signal's number.
EXIT_TERMINATED = 128 + signal.SIGTERM


class Termination(pl.Callback):
    """Handle SIGTERM.

    In one process Lightning acts on the signal; this class only remembers one that arrives before Lightning's handler
    is installed. Spawned processes get the signal from the parent that waits for them, and agree on the step after
    which to stop. Lightning's handler is never installed in them: it would communicate with the other processes, which
    may be in the middle of a step, or not have begun, and both would wait for ever.

    Args:
        spawns: Whether the fit runs in spawned processes.
    """

    def __init__(self, spawns: bool) -> None:
        self._spawns, self._received = spawns, False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal; in a single process Lightning installs its own handler on top of this one."""
        self._received = True
        if self._spawns:
            for process in multiprocessing.active_children():
                process.terminate()

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Handle the signal from now on in a spawned process."""
        if self._spawns:
            signal.signal(signal.SIGTERM, self)
            # Lightning would install its handler after this hook, and offers no option that leaves it out.
            trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop if the signal came before training started."""
        if self._received and not self._spawns:
            raise SIGTERMException

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Stop all spawned processes if the first of them got the signal."""
        if not self._spawns or not trainer.strategy.broadcast(self._received):
            return
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            # Lightning calls this hook only in the parent process, which has no weights to save.
            callback.on_exception(trainer, pl_module, SIGTERMException())
        # Do not raise Lightning's exception: its exit code 0 looks like success, and the parent would await a result.
        raise SystemExit(EXIT_TERMINATED)

    def end_if_told(self) -> None:
        """End this process too, if the signal is why the spawned processes have ended."""
        if self._received:
            raise SystemExit(EXIT_TERMINATED) from None
