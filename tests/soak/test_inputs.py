"""Whatever is typed and whatever the files hold: a finished run, or one clear paragraph and exit code 1."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from siren_pl.runs import directory as directory_of
from tests.conftest import Command, Ended
from tests.soak.inputs import make

# What `explain` says of an error that nobody foresaw.
UNFORESEEN = "add debug=true"
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="session")
def sound_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run of two steps is kept, to be copied and spoilt."""
    return tmp_path_factory.mktemp("sound") / "run"


@pytest.fixture(autouse=True)
def no_handlers() -> None:
    """Those of the command before write to a stream that is closed."""
    logging.getLogger().handlers.clear()


def test_a_spoilt_input(
    spoilt: int, sound_run: Path, train: Command, evaluate: Command, record_property: Callable[[str, object], None]
) -> None:
    if not sound_run.exists():
        assert train("trainer.max_steps=2", "~baselines.biharmonic", "hydra.run.dir=sound").code == 0
        shutil.move("sound", sound_run)
    case = make(spoilt, sound_run)
    ended = evaluate(*case.arguments) if case.command == "evaluate" else train(*case.arguments)
    told = f"{case.command} {' '.join(case.arguments)}\n({case.said})\n{ended.code}: {ended.err}"
    assert "Traceback" not in ended.err, told
    for run in (path.parents[1] for path in Path.cwd().rglob(".hydra/config.yaml")):
        assert not is_lost(run), told
    if ended.code != 0:
        assert ended.code == 1, told
        assert_clear(ended, told)
    record_property("soak", "finished" if ended.code == 0 else "answered by a paragraph")


def assert_clear(ended: Ended, told: str) -> None:
    """One paragraph that is not about the program's own insides, or the word that a fit diverged."""
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if "diverged" not in ended.err:
        assert len(errors) == 1, told
    assert UNFORESEEN not in ended.err, told


def is_lost(run: Path) -> bool:
    """Whether a run has trained and has no result."""
    trained = (run / "checkpoints" / "last.ckpt").is_file()
    return trained and not (run / "metrics.json").is_file() and directory_of.read_status(run) == directory_of.FAILED
