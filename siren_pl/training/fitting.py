"""Fitting: run a FieldModule to the end of its recipe under Lightning's Trainer."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lightning.pytorch as pl
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from siren_pl.errors import UserError
from siren_pl.training.callbacks import Curve, ProgressLine, replay
from siren_pl.training.checkpoints import LAST, AtomicCheckpointIO, LastCheckpoint
from siren_pl.training.distributed import SPAWN, InEveryProcess, explained, quieten, recover, require_cores
from siren_pl.training.loader import Slices
from siren_pl.training.module import FieldModule
from siren_pl.training.termination import EXIT_TERMINATED, Termination


@dataclass(frozen=True)
class Machine:
    """The settings of Lightning's Trainer under their own names, and additional callbacks."""

    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    tf32: bool = False
    progress: bool = True
    callbacks: tuple[pl.Callback, ...] = ()

    @property
    def settled_strategy(self) -> str:
        """Lightning's strategy: spawned processes for several devices, unless another strategy is named."""
        return SPAWN if self.strategy == "auto" and self.devices != 1 else self.strategy


def run(
    module: FieldModule,
    machine: Machine,
    directory: Path | None = None,
    loggers: list[Logger] | None = None,
) -> None:
    """Fit to `max_steps`, starting from `directory/last.ckpt` if there is one.

    Args:
        module: The fields to fit; it holds the result afterwards.
        machine: Where to run.
        directory: Directory of checkpoints; None to keep none.
        loggers: Receive the loss curve.

    Raises:
        DivergenceError: The loss became NaN or infinite.
        UserError: The machine has no such devices, or too few cores for so many processes.
        KeyboardInterrupt: The user pressed Ctrl-C; the latest checkpoint is intact.
    """
    quieten()
    spawns = machine.settled_strategy.endswith("spawn")
    termination = Termination(spawns)
    callbacks: list[pl.Callback] = [InEveryProcess(machine.tf32), Curve(), termination, *machine.callbacks]
    if machine.progress:
        callbacks.append(ProgressLine())
    if directory is not None:
        callbacks.append(LastCheckpoint(directory))
    # A logger of this process cannot be used in another, so it receives the curve afterwards.
    trainer = _trainer(machine, module.recipe.max_steps, callbacks, (not spawns and loggers) or False)
    require_cores(trainer)
    last = None if directory is None else directory / LAST
    resume = str(last) if last is not None and last.exists() else None
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, termination) if in_main_thread else None
    try:
        trainer.fit(module, train_dataloaders=Slices(), ckpt_path=resume, weights_only=True)
        if spawns and directory is not None:
            recover(module, directory)
            replay(module.history, loggers or [])
    except ProcessRaisedException as error:
        raise explained(error) from None
    except ProcessExitedException:
        termination.end_if_told()
        raise
    except SIGTERMException:
        # Lightning's own exception would end the process with exit code 0.
        raise SystemExit(EXIT_TERMINATED) from None
    except SystemExit as error:
        # Lightning turns Ctrl-C into sys.exit(1); raise the interrupt for the caller instead.
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _trainer(
    machine: Machine, max_steps: int, callbacks: list[pl.Callback], loggers: list[Logger] | Literal[False]
) -> pl.Trainer:
    try:
        return pl.Trainer(
            max_steps=max_steps,
            max_epochs=-1,
            accelerator=machine.accelerator,
            devices=machine.devices,
            strategy=machine.settled_strategy,
            precision=machine.precision,  # type: ignore[arg-type] - Lightning checks the string
            logger=loggers,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ImportError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"this machine does not do trainer.accelerator={machine.accelerator} with trainer.devices="
            f"{machine.devices} and trainer.strategy={machine.strategy} ({reason}): choose auto, 1 and auto."
        ) from error
