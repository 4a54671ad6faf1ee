"""SIGTERM in a spawned process: Lightning's own handler, which would wait for the other processes, never runs."""

import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import lightning.pytorch as pl
import pytest

from siren_pl.training.distributed import quieten
from siren_pl.training.termination import EXIT_TERMINATED, Termination


@pytest.fixture(autouse=True)
def handler_restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def trainer_with(*callbacks: object) -> pl.Trainer:
    quieten()
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.callbacks = list(callbacks)
    return trainer


def test_a_signal_before_training_starts_is_kept_for_the_first_step() -> None:
    saved: list[BaseException] = []
    trainer = trainer_with(SimpleNamespace(on_exception=lambda _trainer, _module, error: saved.append(error)))
    termination = Termination(spawns=True)
    termination.on_fit_start(trainer, None)
    trainer._signal_connector.register_signal_handlers()  # as Lightning does after this hook
    assert signal.getsignal(signal.SIGTERM) is termination
    os.kill(os.getpid(), signal.SIGTERM)
    termination.on_train_start(trainer, None)
    with pytest.raises(SystemExit) as ended:
        termination.on_train_batch_end(trainer, None)
    assert ended.value.code == EXIT_TERMINATED and len(saved) == 1


def test_a_single_process_keeps_lightnings_handler() -> None:
    trainer, termination = trainer_with(), Termination(spawns=False)
    termination.on_fit_start(trainer, None)
    trainer._signal_connector.register_signal_handlers()
    assert signal.getsignal(signal.SIGTERM) is not termination
    trainer._signal_connector.teardown()
