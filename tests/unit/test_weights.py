"""Files of weights hold plain tensors; anything else is refused by a message that names the file and the cure."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from siren_pl.errors import UserError
from siren_pl.field.weights import read_tensors

CURE = "fetch it again"


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_tensors_by_name_without_the_wrapper(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"module.a": torch.ones(2, dtype=torch.float16), "b.module.c": torch.tensor(3)}, path)
    tensors = read_tensors(path, CURE)
    assert list(tensors) == ["a", "b.module.c"]
    torch.testing.assert_close(tensors["a"], torch.ones(2))
    torch.testing.assert_close(tensors["b.module.c"], torch.tensor(3))


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"a\.pth does not exist: fetch it again\."):
        read_tensors(tmp_path / "a.pth", CURE)


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: b"", lambda _: b"x"])
def test_a_damaged_file(damage, tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"a": torch.ones(100)}, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"a\.pth is not a file of weights, or it is damaged .*fetch it again\."):
        read_tensors(path, CURE)


def test_code_is_not_run(tmp_path):
    path = tmp_path / "a.pth"
    with path.open("wb") as file:
        pickle.dump(Trap(tmp_path / "sprung"), file)
    with pytest.raises(UserError, match="runs no code"):
        read_tensors(path, CURE)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [[torch.ones(2)], {"state_dict": {"a": torch.ones(2)}}, torch.ones(2)])
def test_no_state_dict(content, tmp_path):
    path = tmp_path / "a.pth"
    torch.save(content, path)
    with pytest.raises(UserError, match=r"a\.pth is not a state dict.*fetch it again"):
        read_tensors(path, CURE)
