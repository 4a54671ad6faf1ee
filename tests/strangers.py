"""What every test of a stranger's files needs: a secret to keep, a place to leave alone, and how a refusal reads."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from siren_pl.runs.keys import conf_directory
from tests.conftest import TINY, Ended

SECRET = "s3cr3t-0f-th3-r3ad3r"


@pytest.fixture(autouse=True)
def nothing_of_theirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """At the end of every test no command was run, nobody saw the secret, and nothing lies outside."""
    monkeypatch.setenv("SECRET", SECRET)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    yield
    assert not list(tmp_path.rglob("pwned"))
    assert [path.name for path in outside.iterdir()] == ["kept"] and (outside / "kept").read_text() == "kept"
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes() and path.name != "credentials"]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        return compose("train", [*TINY, "logger=none", *overrides])


def assert_refused(ended: Ended, named: str) -> None:
    assert ended.code == 1 and "Traceback" not in ended.err
    assert named in ended.paragraph and "nothing was run" in ended.paragraph
    assert SECRET not in ended.out + ended.err
