"""A checkpoint appears whole or not at all, and reading one runs no code."""

import errno
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.training.checkpoints import AtomicCheckpointIO, LastCheckpoint, read_checkpoint
from siren_pl.training.whole_files import sweep_partial

OLD = {"step": 1, "weights": torch.arange(6.0)}
NEW = {"step": 2, "weights": torch.arange(6.0) * 2}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where a run keeps its checkpoint; the directory does not exist yet."""
    return tmp_path / "run" / "checkpoints" / "last.ckpt"


def assert_holds(path: Path, expected: dict) -> None:
    found = read_checkpoint(path)
    assert found.keys() == expected.keys()
    assert found["step"] == expected["step"]
    assert torch.equal(found["weights"], expected["weights"])


def test_round_trip(target):
    AtomicCheckpointIO().save_checkpoint(OLD, target)
    assert_holds(target, OLD)
    AtomicCheckpointIO().save_checkpoint(NEW, target)
    assert_holds(target, NEW)
    assert [path.name for path in target.parent.iterdir()] == ["last.ckpt"]


def test_whoever_may_read_the_metrics_may_read_the_checkpoint(target):
    mask = os.umask(0o022)
    try:
        AtomicCheckpointIO().save_checkpoint(OLD, target)
    finally:
        os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o644


def test_the_old_file_stands_until_the_new_one_is_whole_and_on_disk(target, monkeypatch):
    AtomicCheckpointIO().save_checkpoint(OLD, target)
    events = []
    save, fsync, replace = torch.save, os.fsync, os.replace

    def record(name, call):
        def wrapped(*args):
            assert_holds(target, OLD)
            result = call(*args)
            events.append(name)
            return result

        return wrapped

    monkeypatch.setattr(torch, "save", record("save", save))
    monkeypatch.setattr(os, "fsync", record("fsync", fsync))
    monkeypatch.setattr(os, "replace", record("replace", replace))
    AtomicCheckpointIO().save_checkpoint(NEW, target)
    assert events == ["save", "fsync", "replace"]
    assert_holds(target, NEW)


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
    ],
)
def test_a_failed_write_leaves_the_old_checkpoint(failure, target, monkeypatch):
    AtomicCheckpointIO().save_checkpoint(OLD, target)

    def fail(checkpoint, file):
        file.write(b"half of it")
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fail)
        with pytest.raises(UserError) as caught:
            AtomicCheckpointIO().save_checkpoint(NEW, target)
    message = str(caught.value)
    assert str(target) in message
    assert f"resume={target.parent.parent}" in message
    assert "\n" not in message
    assert_holds(target, OLD)
    assert [path.name for path in target.parent.iterdir()] == ["last.ckpt"]


def test_a_directory_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "run").write_text("a file where the run directory should be")
    with pytest.raises(UserError, match="could not be written"):
        AtomicCheckpointIO().save_checkpoint(OLD, tmp_path / "run" / "checkpoints" / "last.ckpt")


class Malicious:
    """Unpickling this runs a command; here it creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("writer", ["torch.save", "pickle"])
def test_no_code_is_run(writer, tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "last.ckpt"
    content = {"step": 1, "weights": Malicious(marker)}
    if writer == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=r"last\.ckpt is not a checkpoint.*weights only") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    if writer == "pickle":  # the object is live: a plain unpickler does run it
        pickle.loads(path.read_bytes())
        assert marker.exists()


DAMAGE = {
    "half": lambda content: content[: len(content) // 2],
    "one byte": lambda content: content[:1],
    "empty": lambda content: b"",
    "text": lambda content: b"not a checkpoint",
    "line break": lambda content: b"\n",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_refused(damage, target):
    AtomicCheckpointIO().save_checkpoint(OLD, target)
    target.write_bytes(DAMAGE[damage](target.read_bytes()))
    with pytest.raises(UserError, match="is not a checkpoint of siren_pl, or it is damaged") as caught:
        read_checkpoint(target)
    assert str(target) in str(caught.value)


def test_missing_checkpoint(target):
    with pytest.raises(UserError, match=r"last\.ckpt does not exist"):
        read_checkpoint(target)


def test_sweep_removes_leftovers_only(target):
    AtomicCheckpointIO().save_checkpoint(OLD, target)
    (target.parent / ".last.ckpt.abc123.partial").write_bytes(b"half")
    (target.parent / "notes.partial").write_bytes(b"mine")
    sweep_partial(target.parent)
    assert sorted(path.name for path in target.parent.iterdir()) == ["last.ckpt", "notes.partial"]
    sweep_partial(target.parent / "nowhere")
    assert_holds(target, OLD)


@pytest.mark.parametrize(("first", "there"), [(True, True), (False, False)])
def test_the_first_process_decides_about_the_first_checkpoint_for_all(tmp_path, first, there):
    """A process that looks late, or early, follows the first one: saving waits for all of them."""
    if there:
        (tmp_path / "last.ckpt").touch()
    saved = []
    trainer = SimpleNamespace(
        strategy=SimpleNamespace(broadcast=lambda _: first),
        save_checkpoint=lambda path, weights_only: saved.append(path),
        world_size=1,
    )
    LastCheckpoint(tmp_path).on_train_start(trainer, None)
    assert bool(saved) is first
