"""One side of the comparison: `python worker.py <checkout> <cases.json>` runs every case in the working directory.

It runs as a script, so that `siren_pl` is imported from the checkout, and nothing from this package, which the base may
not have. torch is imported once. Then every case runs in a fork of this process and in its own directory, so that cases
share no state, and a crash affects only one of them.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
import traceback
from pathlib import Path

# A case that takes longer is hanging; none needs a tenth of this.
LIMIT_SECONDS = 400


def run(door: str, arguments: list[str], checkout: Path) -> int:
    """Call a script as a shell would, and return its exit code."""
    sys.argv = [door, *arguments]
    try:
        if door.endswith(".py"):
            runpy.run_path(str(checkout / door), run_name="__main__")
        else:
            runpy.run_module(door, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
        return 70  # EX_SOFTWARE in sysexits.h, for a traceback, with which no command should end
    return 0


def case(steps: list, directory: Path, checkout: Path) -> None:
    """Run the commands of a case one after another, in its directory and in this process."""
    directory.mkdir()
    os.chdir(directory)
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    codes = []
    for door, arguments in steps:
        print("$", door, *arguments, flush=True)
        codes.append(run(door, arguments, checkout))
        sys.stdout.flush()
        sys.stderr.flush()
    Path("ended.json").write_text(json.dumps(codes))


def forked(steps: list, directory: Path, checkout: Path) -> float:
    """Run a case in a child process, and return the seconds of processor time that it took."""
    child = os.fork()
    if not child:
        signal.alarm(LIMIT_SECONDS)
        try:
            case(steps, directory, checkout)
        finally:
            os._exit(0)
    _, _, spent = os.wait4(child, 0)
    return spent.ru_utime + spent.ru_stime


def main(checkout: Path, plan: dict) -> None:
    """Warm up, then run every case."""
    sys.path[0] = str(checkout)
    home, terminal, ruler = Path.cwd(), (os.dup(1), os.dup(2)), os.getppid()
    case(plan["warm_up"], home / "warm_up", checkout)
    os.chdir(home)
    os.dup2(terminal[0], 1)
    os.dup2(terminal[1], 2)
    found = Path(sys.modules["siren_pl"].__file__ or "").parent
    if found != checkout / "siren_pl":
        sys.exit(f"the code of {found} was imported instead of that of {checkout}")
    print(f"{home.name}: ready after {time.process_time():.0f} s", file=sys.stderr, flush=True)
    for number, (name, steps) in enumerate(plan["cases"].items(), 1):
        if os.getppid() != ruler:
            sys.exit("the ruler is gone")
        seconds = forked(steps, home / name, checkout)
        (home / name / "seconds").write_text(f"{seconds:.2f}")
        print(f"{home.name}: {number}/{len(plan['cases'])} {name}, {seconds:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
