"""Commands in processes of their own, forked from one that has imported everything, which takes seconds."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["siren_pl.commands.train", "siren_pl.runs.train", "siren_pl.commands.callbacks", "lightning.pytorch"]
)


def start(function: Callable[..., int], *arguments: Any) -> BaseProcess:
    """Begin a process that calls a function in this working directory, and ends with what it returns.

    What it says goes to the file `said`.
    """
    Path("said").touch()
    process = FORKS.Process(target=_call, args=(function, str(Path.cwd()), arguments))
    with pytest.MonkeyPatch.context() as patch:
        # The first of them starts the server, which looks for packages here.
        patch.setenv("PYTHONPATH", str(ROOT))
        process.start()
    return process


def _call(function: Callable[..., int], place: str, arguments: tuple[Any, ...]) -> None:
    import torch

    os.chdir(place)
    with Path("said").open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    torch.set_num_threads(1)
    os._exit(function(*arguments))
