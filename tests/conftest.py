"""Shared by all tests: a private place to run in, and commands run as a user runs them but in this process."""

from __future__ import annotations

import logging
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

from siren_pl.commands import evaluate as evaluation
from siren_pl.commands import train as commands
from siren_pl.commands.guard import guarded
from siren_pl.problems.pictures import figures
from tests import forked

# torch's compiler looks up what it made by the source alone, and would hand code for wide vectors to a process that
# ATEN_CPU_CAPABILITY keeps to narrow ones. So each capability has a cache of its own.
os.environ.setdefault(
    "TORCHINDUCTOR_CACHE_DIR",
    str(Path(tempfile.gettempdir(), f"siren_pl_tests_{os.getuid()}_{torch.backends.cpu.get_cpu_capability()}")),
)

ROOT = Path(__file__).resolve().parents[1]
# Seconds after which a command is not slow but stuck.
PATIENCE = 800.0

# `make test` runs a process of tests per core. Each keeps to its share of the cores, and so does whatever it starts.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if WORKERS > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // WORKERS)))
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

# A run that takes a second: every override that the tests of commands share.
TINY = (
    "dataset.size=16",
    "model.hidden_features=16",
    "model.hidden_layers=1",
    "trainer.max_steps=4",
    "trainer.evaluations=2",
    "trainer.progress=false",
    "compile=false",
    "figures=false",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code and what it said on each stream."""

    code: int
    out: str
    err: str

    @property
    def paragraph(self) -> str:
        """The error message, which must be one line of its own."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` takes all cases of tests/soak, not a few."""
    parser.addoption("--soak", action="store_true", help="300 mutated inputs and 100 kills, not 20 and 3; all pairs")


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory, with no W&B account and W&B's own caches inside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR", "SIREN_PL_DATA"):
        monkeypatch.setenv(name, str(tmp_path / "caches" / name.lower()))


class Kept(logging.Handler):
    """Keeps the messages of a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def left_out() -> Iterator[list[str]]:
    """What a run went on without, in words: nothing, unless a test takes this list and empties it."""
    kept, logger = Kept(), logging.getLogger("siren_pl.runs.attempts")
    logger.addHandler(kept)
    yield kept.messages
    logger.removeHandler(kept)
    assert not kept.messages


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Networks this small are fitted faster by one thread, and on a busy machine much faster."""
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that take a second each are a dot, where a test looks at others."""
    for name in ("reconstruction", "derivatives", "zooms"):
        monkeypatch.setattr(figures, name, empty_figure)


def empty_figure(*given: object, **_: object) -> Path:
    """Stands for a function that draws a figure into the path that it is given: a dot."""
    (path,) = (each for each in given if isinstance(each, Path))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (1, 1)).save(path)
    return path


Command = Callable[..., Ended]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`train("task=poisson_grad", …)` is `python train.py task=poisson_grad …`, shrunk by TINY and without a logger."""

    def run(*arguments: str, tiny: bool = True, logger: str = "none") -> Ended:
        if tiny and any(each in SHAPES for each in arguments):
            small_shapes(monkeypatch)
        shrink = [_of_kind(option, arguments) for option in TINY if tiny and not _is_missing(option, arguments)]
        shrink += [FEW_CELLS] if tiny and "task=shape_fit" in arguments else []
        if tiny and "task=equation" in arguments:
            small_equations(monkeypatch)
            shrink += ["task.lattice=12"]
        flags = 2 if arguments[:1] == ("--config-dir",) else 0
        chosen = [*arguments[:flags], *shrink, f"logger={logger}", *arguments[flags:]]
        if any(argument.startswith(("resume=", "sweep.resume=")) for argument in arguments):
            chosen = list(arguments)
        return _invoke(commands._train, chosen, "train.py", monkeypatch, capfd)

    return run


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Path]:
    """Where `trained` keeps what it trained, by what was typed."""
    return defaultdict(lambda: tmp_path_factory.mktemp("shelf") / "run")


@pytest.fixture
def trained(train: Command, shelf: dict[tuple[str, ...], Path]) -> Callable[..., Path]:
    """`trained("run", "dataset=coffee")` is `train("dataset=coffee", "hydra.run.dir=run")`, but for its time.

    It is trained for the first test that asks, and copied for the others. Data and everything else that is typed must
    be the same in every working directory.
    """

    def copied(name: str, *arguments: str) -> Path:
        kept = shelf[arguments]
        if not kept.exists():
            where = "hydra.sweep.dir" if "-m" in arguments else "hydra.run.dir"
            ended = train(*arguments, f"{where}={name}")
            assert ended.code == 0, ended.err
            shutil.copytree(name, kept)
        else:
            shutil.copytree(kept, name)
        return Path(name)

    return copied


# What stands in a command whose data are sounds, and how these are shrunk: to 220 samples of the melody.
SOUNDS, FEW_SAMPLES = ("task=audio_fit", "dataset=audio", "dataset=audio_folder"), "dataset.seconds=[0,0.01]"


# The same for shapes; what is fitted to and measured is shrunk by `small_shapes`.
SHAPES, FEW_POINTS = ("task=shape_fit", "dataset=shape"), "dataset.points=200"
FEW_CELLS = "task.resolution=24"


def small_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes are cut from lattices of 24 cells and compared at 500 points, which takes less than a second."""
    from siren_pl.problems.shapes import figures as shape_figures
    from siren_pl.problems.shapes import knot, measures, pool, rivals

    monkeypatch.setattr(pool, "PLACES", 500)
    for name, value in {"CELLS": 24, "SAMPLES": 500, "PLACES": 200}.items():
        monkeypatch.setattr(measures, name, value)
    monkeypatch.setattr(knot, "STEPS_ALONG", 80)
    monkeypatch.setattr(knot, "STEPS_AROUND", 12)
    monkeypatch.setattr(rivals, "RESOLUTION", 24)
    monkeypatch.setattr(shape_figures, "SIDE", 48)
    monkeypatch.setattr(shape_figures, "POINTS", 20)


def small_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solutions are looked at on few points, and their films have two frames."""
    from siren_pl.problems.equations import figures as equation_figures
    from siren_pl.problems.equations import judge

    monkeypatch.setattr(judge, "ALONG", {1: 33, 2: 17, 3: 9})
    monkeypatch.setattr(equation_figures, "FRAMES", 2)


def _of_kind(option: str, arguments: tuple[str, ...]) -> str:
    """The option that shrinks data of the kind that a command asks for."""
    if option.startswith("dataset.size=") and "task=equation" in arguments:
        return "dataset.batch_size=64"
    if option.startswith("dataset.size=") and any(each in SHAPES for each in arguments):
        return FEW_POINTS
    is_sound = any(each in SOUNDS for each in arguments)
    return FEW_SAMPLES if option.startswith("dataset.size=") and is_sound else option


def _is_missing(option: str, arguments: tuple[str, ...]) -> bool:
    """Whether the chosen model has no such option: a sum of products has no hidden layers."""
    return option.startswith("model.hidden_layers") and "model=tensor_product" in arguments


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`evaluate("run=…")` is `python evaluate.py run=…`."""
    return lambda *arguments: _invoke(evaluation._evaluate, list(arguments), "evaluate.py", monkeypatch, capfd)


def _invoke(
    command: Callable[[list[str]], int],
    arguments: list[str],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Ended:
    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    capfd.readouterr()
    try:
        code = guarded(command, arguments)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    captured = capfd.readouterr()
    return Ended(code, captured.out, captured.err)


def end_at(moment: str, how: signal.Signals, *arguments: str, steps: int) -> int:
    """Run train.py, which ends itself by a signal so many optimiser steps after a file is there; the exit code."""
    process = forked.start(_ended_at, moment, how.name, arguments, steps)
    process.join(PATIENCE)
    code = process.exitcode
    process.kill()
    assert code is not None, Path("said").read_text()
    return code


def _ended_at(moment: str, how: str, arguments: tuple[str, ...], steps: int) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    commands.STARTED = time.time()
    sys.argv = ["train.py", *arguments]
    runpy.run_path(str(ROOT / "tests/interruption/sitecustomize.py"))["end_at"](how, moment, steps)
    try:
        code = guarded(commands._train, list(arguments))
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    sys.stderr.flush()
    return code


def end_a_fresh_one_at(moment: str, how: signal.Signals, *arguments: str, steps: int = 0) -> int:
    """The same with a new interpreter, which may end while it still imports, or start processes of its own."""
    # A shell that runs the tests in the background ignores SIGINT, and so would every process that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    environment = {"PYTHONPATH": str(ROOT / "tests/interruption"), "END_AT": f"{how.name} {moment} {steps}"}
    with Path("said").open("w") as said:
        command = [sys.executable, str(ROOT / "train.py"), *arguments]
        return subprocess.run(
            command, env=os.environ | environment, stdout=said, stderr=said, timeout=PATIENCE, check=False
        ).returncode


def only_run(base: Path = Path("outputs")) -> Path:
    """The one run directory beneath a folder."""
    (config,) = base.rglob(".hydra/config.yaml")
    return config.parents[1]
