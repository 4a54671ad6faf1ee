"""Checkpoints that survive crashes: they are written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities.exceptions import SIGTERMException
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.field.weights import read_plain
from siren_pl.training.whole_files import whole

LAST = "last.ckpt"
# A crash loses at most this much work.
INTERVAL_SECONDS = 10.0


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write to a temporary file in the target's directory, fsync, rename: a reader sees the old file or the new one."""

    @override
    def load_checkpoint(self, path: str | os.PathLike, *_: Any, **__: Any) -> dict[str, Any]:
        return read_checkpoint(Path(path))

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike, storage_options: Any = None) -> None:
        """Save atomically.

        Raises:
            UserError: The disk is full or not writable; the previous checkpoint is untouched.
        """
        target = Path(path)
        try:
            with whole(target) as partial, partial.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
            raise UserError(
                f"the checkpoint {target} could not be written ({error}). Free space on that disk, then continue with "
                f"resume={target.parent.parent}; the checkpoint before this one is intact."
            ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint's plain containers and tensors, without running any code from the file.

    Raises:
        UserError: The file is missing or damaged, or holds anything but plain data.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: is this the directory of a run?")
    return read_plain(path, "a checkpoint of siren_pl", "train again, or fetch the file again")


class LastCheckpoint(pl.Callback):
    """Write `last.ckpt` at the start, then every ten seconds, at the end, and on SIGTERM.

    It is written only between steps, where weights and optimiser state agree. Ctrl-C may interrupt a step, so it leaves
    the latest periodic checkpoint in place.

    Args:
        directory: Directory of the checkpoint.
    """

    def __init__(self, directory: Path) -> None:
        self.path, self._written = directory / LAST, 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the first checkpoint.

        The first process decides for all: the others may look when it has already written, and would leave it waiting.
        """
        if trainer.strategy.broadcast(not self.path.exists()):
            self._save(trainer)
        self._written = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Write if ten seconds have passed."""
        if trainer.strategy.broadcast(time.monotonic() - self._written > INTERVAL_SECONDS):
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the final state."""
        self._save(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Write on SIGTERM, which Lightning raises between steps."""
        if isinstance(exception, SIGTERMException):
            self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.path, weights_only=False)
        self._written = time.monotonic()
