"""The command line that continues a sweep is the first one, except for options that may be given again."""

from pathlib import Path

import pytest

from siren_pl.commands import sweep_resume
from siren_pl.errors import UserError
from siren_pl.runs.sweeps import Start

START = Start(
    task=("seed=0,1", "logger=wandb", "logger.mode=offline", "~baselines"),
    hydra=(
        "hydra/launcher=submitit_slurm",
        "hydra.launcher.partition=gpu",
        "hydra.sweep.dir=old",
        "hydra.mode=MULTIRUN",
    ),
    config_directory="/mine",
    working_directory=Path(),
    config={},
)


@pytest.fixture(autouse=True)
def admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a stored sweep is harmless is asked in tests of hostile ones."""
    monkeypatch.setattr(sweep_resume, "require_harmless", lambda *_: None)


def test_everything_is_kept_but_the_place() -> None:
    *arguments, place, guard = sweep_resume.arguments(START, Path("it's, here"), [], Path())
    assert arguments == ["--config-dir", "/mine", "-m", *START.task, *START.hydra[:2]]
    assert place == r"hydra.sweep.dir='it\'s, here'"
    assert guard.startswith("hydra.callbacks.guard._target_=")


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        (("logger=csv",), ("logger=wandb", "logger.mode=offline")),
        (("logger.mode=online",), ("logger.mode=offline",)),
        (
            ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
            ("hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu"),
        ),
        (("hydra.launcher.partition=cpu",), ("hydra.launcher.partition=gpu",)),
    ],
)
def test_what_is_given_anew_replaces_what_it_names(given: tuple[str, ...], gone: tuple[str, ...]) -> None:
    arguments = sweep_resume.arguments(START, Path("here"), list(given), Path())
    assert set(given) <= set(arguments) and not set(gone) & set(arguments)
    kept = {*START.task, *START.hydra[:2]} - set(gone)
    assert kept <= set(arguments)


@pytest.mark.parametrize("override", ["seed=3", "hydra.sweep.dir=new", "sweep.metric=ssim", "+extra=1"])
def test_nothing_else_may_be_given(override: str) -> None:
    with pytest.raises(UserError, match="the same sweep"):
        sweep_resume.arguments(START, Path("here"), [override], Path())
