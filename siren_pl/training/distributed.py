"""Training on several devices, each with its share of every batch, in processes that Lightning spawns.

Plain `ddp` would run the script again, which under Hydra would start a second run. Spawned processes instead rebuild
the module from its configuration, train it, and leave the result in the checkpoint, which this process reads.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.accelerators import CPUAccelerator

from siren_pl.errors import UserError
from siren_pl.training.allocator import reuse_pages
from siren_pl.training.checkpoints import LAST, read_checkpoint
from siren_pl.training.module import DivergenceError, FieldModule

SPAWN = "ddp_spawn"
# Processes that are admitted on any machine, so that sharing can be tried.
FEWEST_CORES = 2


class InEveryProcess(pl.Callback):
    """Prepare a process for training: its allocator, its share of the cores, the precision of its matrix products.

    Args:
        tf32: Whether CUDA may round the factors of matrix products to ten bits of mantissa.
    """

    def __init__(self, tf32: bool) -> None:
        self.tf32 = tf32

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Prepare this process; Lightning calls it in each."""
        quieten()
        reuse_pages()
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        if trainer.world_size > 1 and pl_module.device.type == "cpu":
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // trainer.world_size))


def require_cores(trainer: pl.Trainer) -> None:
    """Refuse more processes than a CPU has cores; two are always admitted.

    Raises:
        UserError: Naming the key and the number of cores.
    """
    cores = max(FEWEST_CORES, os.cpu_count() or 1)
    if trainer.num_devices > cores and isinstance(trainer.accelerator, CPUAccelerator):
        raise UserError(
            f"trainer.devices={trainer.num_devices} would start as many processes on this machine's processor, which "
            f"does not run more than {cores} at once: lower trainer.devices to {cores} or fewer."
        )


def quieten() -> None:
    """Silence Lightning's messages at every start, which do not concern a fit without workers and epochs."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*GPU available but not used.*",
        ".*isinstance.treespec, LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", message)


def recover(module: FieldModule, directory: Path) -> None:
    """Load the result of the spawned processes into the module of this process."""
    checkpoint = read_checkpoint(directory / LAST)
    module.on_load_checkpoint(checkpoint)
    module.load_state_dict(checkpoint["state_dict"])


def explained(error: BaseException) -> BaseException:
    """Turn the error of a spawned process back into our own exception, if it was one; otherwise return it unchanged."""
    text = str(error)
    step = re.search(r"DivergenceError: .* step (\d+)", text)
    if step:
        return DivergenceError(int(step.group(1)))
    paragraph = re.search(r"UserError: (.*)", text)
    return UserError(paragraph.group(1)) if paragraph else error
