"""Comparison of two directories in which the same commands were run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.ruler import reading
from benchmarks.ruler.renames import Renames


@dataclass(frozen=True)
class Difference:
    """A value that differs between both sides.

    Attributes:
        place: `<file>` or `<file>:<name>`.
        text: The values of base and head, or their distance.
    """

    place: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison of two directories.

    Attributes:
        differences: The differences that must be explained.
        files: Number of compared files.
        redrawn: Figures whose pixels differ, which are reported but not counted.
    """

    differences: tuple[Difference, ...]
    files: int = 0
    redrawn: tuple[str, ...] = ()


def directories(base: Path, head: Path, codes: Sequence[int], renames: Renames) -> Verdict:
    """Compare the results of a case on both sides.

    Args:
        base: The case's directory on the base's side.
        head: The case's directory on the head's side.
        codes: The expected exit codes of its commands. Another code counts as a difference even if both sides have it,
            since the case then does not test what it should.
        renames: The names that differ in the base.
    """
    found = [*_ends(base, head, codes)]
    theirs = {renames.file(path): path for path in reading.files(base)} if base.is_dir() else {}
    ours = [*reading.files(head)] if head.is_dir() else []
    redrawn = []
    for path in dict.fromkeys([*theirs, *ours]):
        if path not in theirs or path not in ours:
            found.append(Difference(path, "only in the head" if path in ours else "only in the base"))
        elif path.endswith(reading.DATED):
            continue
        elif reading.is_figure(path):
            redrawn += [path] if (base / theirs[path]).read_bytes() != (head / path).read_bytes() else []
        else:
            found += _of_values(path, reading.read(base / theirs[path], renames), reading.read(head / path, Renames()))
    if not ours:
        found.append(Difference(".", "the head left nothing behind to compare"))
    return Verdict(tuple(found), len(ours), tuple(redrawn))


def _ends(base: Path, head: Path, codes: Sequence[int]) -> Iterator[Difference]:
    for side, directory in (("base", base), ("head", head)):
        path = directory / "ended.json"
        ended = json.loads(path.read_text()) if path.is_file() else None
        if ended != [*codes]:
            said = "killed" if ended is None else f"{ended} instead of {[*codes]}"
            yield Difference("exit codes", f"{side} {said}: {_last_words(directory / 'log.txt')}")


def _last_words(log: Path) -> str:
    """The last error in the log of a case, or else its last line."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    errors = [line for line in lines if line.startswith("error: ")]
    return next(iter([*errors[-1:], *lines[-1:]]), "it said nothing")


def _of_values(path: str, base: reading.Values, head: reading.Values) -> list[Difference]:
    """Find the differences between the named values of one file; those of tensors are summarised by kind."""
    found, tensors = [], {}
    for name in dict.fromkeys([*base, *head]):
        if name not in base or name not in head:
            side, value = ("head", head[name]) if name in head else ("base", base[name])
            found.append(Difference(f"{path}:{name}", f"only in the {side}: {_told(value)}"))
        elif isinstance(base[name], torch.Tensor) and isinstance(head[name], torch.Tensor):
            kind = name.partition(" ")[0]
            tensors.setdefault(kind, []).append(_distance(base[name], head[name]))
        elif not _same(base[name], head[name]):
            found.append(Difference(f"{path}:{name}", _apart(base[name], head[name])))
    for kind, distances in tensors.items():
        different = [distance for distance in distances if distance is not None]
        if different:
            text = f"{len(different)} of {len(distances)} tensors, by {max(different):.3g} at most"
            found.append(Difference(f"{path}:{kind}", text))
    return found


def _distance(base: torch.Tensor, head: torch.Tensor) -> float | None:
    """The largest difference of two tensors; None if all bits are equal, infinite if type or shape differ."""
    if base.shape != head.shape or base.dtype != head.dtype:
        return float("inf")
    a, b = base.contiguous(), head.contiguous()
    if a.reshape(-1).view(torch.uint8).equal(b.reshape(-1).view(torch.uint8)):
        return None
    # complex128 can hold numbers of every type.
    gap = (a.to(torch.complex128) - b.to(torch.complex128)).abs()
    return float(gap.masked_fill(a.isnan() & b.isnan(), 0).nan_to_num(float("inf"), float("inf")).max())


def _same(base: Any, head: Any) -> bool:
    if isinstance(base, np.ndarray):
        return isinstance(head, np.ndarray) and np.array_equal(base, head)
    return type(base) is type(head) and (base == head or (base != base and head != head))  # noqa: PLR0124 - NaN equals NaN here


def _apart(base: Any, head: Any) -> str:
    if isinstance(base, np.ndarray):
        if base.shape != head.shape:
            return f"{base.shape}, {head.shape}"
        gap = np.abs(base.astype(float) - head.astype(float))
        return f"{np.count_nonzero(gap)} of {gap.size} numbers, by {gap.max():.0f} levels at most"
    if isinstance(base, tuple):
        lines = [
            line
            for line in difflib.unified_diff([*map(str, base)], [*map(str, head)], lineterm="", n=0)
            if line[:2] not in ("--", "++", "@@")
        ]
        return f"{len(lines)} lines: {' / '.join(lines[:2])}"
    return f"{_told(base)}, {_told(head)}"


def _told(value: Any) -> str:
    return f"tensor {tuple(value.shape)}" if isinstance(value, (torch.Tensor, np.ndarray)) else str(value)
