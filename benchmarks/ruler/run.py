"""Run the cases on both sides at once: the base in a separate worktree, the head in this checkout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ruler import pictures
from benchmarks.ruler.cases import WARM_UP, Case, Step
from benchmarks.ruler.renames import Renames

HEAD = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
# With one thread, no accelerator and no network, results are the same at every call.
ALONE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",
    "WANDB_MODE": "disabled",
}


class RulerError(Exception):
    """A comparison was impossible; the message says why."""


@contextmanager
def checkout(commit: str, place: Path) -> Iterator[Path]:
    """Yield a worktree of a commit, and remove it at the end.

    Raises:
        RulerError: There is no such commit.
    """
    made = _git("worktree", "add", "--detach", "--quiet", str(place), commit)
    if made.returncode:
        raise RulerError(f"base={commit}: {made.stderr.strip()}")
    try:
        yield place
    finally:
        _git("worktree", "remove", "--force", str(place))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(HEAD), *arguments], capture_output=True, text=True, check=False)


def both(cases: Sequence[Case], base: Path, place: Path, renames: Renames) -> tuple[Path, Path]:
    """Run the cases with the code of both checkouts, and return the directory of each side.

    Args:
        cases: The cases.
        base: The base's checkout.
        place: An empty directory for all files that are read and written.
        renames: The names that differ in the base.

    Raises:
        RulerError: A side could not start.
    """
    pictures.make(place / "pictures")
    sides = {"base": (base, _plan(cases, renames)), "head": (HEAD, _plan(cases, None))}
    processes = {name: _start(place / name, code, plan) for name, (code, plan) in sides.items()}
    try:
        codes = {name: process.wait() for name, process in processes.items()}
    finally:
        for process in processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # the group includes the case that is running
                process.wait()
    for name, code in codes.items():
        if code:
            raise RulerError(f"the {name} could not be run: see above, and {place / name}/warm_up/log.txt (with keep=)")
    return place / "base", place / "head"


def _plan(cases: Sequence[Case], renames: Renames | None) -> dict:
    """The commands of a side as plain data; the base gets `renames`, the head None."""

    def told(steps: Sequence[Step]) -> list:
        return [[step.door, [renames.for_base(a) if renames else a for a in step.arguments]] for step in steps]

    own = {case.name: [[s.door, s.arguments] for s in case.base] for case in cases if renames and case.base}
    return {"warm_up": told(WARM_UP), "cases": {case.name: told(case.steps) for case in cases} | own}


def _start(directory: Path, code: Path, plan: dict) -> subprocess.Popen:
    caches = directory.parent / "caches" / directory.name
    private = {name: str(caches / name.lower()) for name in ("SIREN_PL_DATA", "TORCHINDUCTOR_CACHE_DIR", "TMPDIR")}
    for folder in (directory, *map(Path, private.values())):
        folder.mkdir(parents=True)
    file = directory.parent / f"{directory.name}.json"
    file.write_text(json.dumps(plan))
    # Set PYTHONPATH, so that processes started by a command find the same code.
    environment = os.environ | ALONE | private | {"PYTHONPATH": str(code)}
    command = [sys.executable, str(WORKER), str(code), str(file)]
    return subprocess.Popen(command, cwd=directory, env=environment, start_new_session=True)
