"""SIGTERM ends a fit between two steps, with a checkpoint, in however many processes it happens."""

from __future__ import annotations

import multiprocessing
import signal
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.utilities.exceptions import SIGTERMException

# A shell reports a process that a signal ended as 128 + the signal's number.
EXIT_TERMINATED = 128 + signal.SIGTERM


class Termination(pl.Callback):
    """The signal's handler, and who acts on it.

    In one process that is Lightning; this keeps a signal that comes before Lightning listens. Spawned processes get
    the signal from the one that waits for them, and agree after which step to stop.

    Args:
        spawns: Whether the fit happens in spawned processes.
    """

    def __init__(self, spawns: bool) -> None:
        self._spawns, self._received = spawns, False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The signal handler; Lightning puts its own before it."""
        self._received = True
        if self._spawns:
            for process in multiprocessing.active_children():
                process.terminate()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop here if the signal came early."""
        if self._spawns:
            # Lightning's handler would speak to the other processes while they are in the middle of a step.
            signal.signal(signal.SIGTERM, self)
        elif self._received:
            raise SIGTERMException

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Stop spawned processes if the first of them was told to."""
        if not self._spawns or not trainer.strategy.broadcast(self._received):
            return
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            # Lightning tells them of exceptions in the process that waits, which has no weights to keep.
            callback.on_exception(trainer, pl_module, SIGTERMException())
        # Not Lightning's exception, whose exit code 0 would be taken for success, and waited for the result of.
        raise SystemExit(EXIT_TERMINATED)

    def end_if_told(self) -> None:
        """After spawned processes have ended: so does this one, if that was why."""
        if self._received:
            raise SystemExit(EXIT_TERMINATED) from None
