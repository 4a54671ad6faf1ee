"""`python -m benchmarks.ruler base=<commit>`: see the docstring of the package."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import ruler
from benchmarks.ruler import compare, explanations, run
from benchmarks.ruler.cases import CASES, Case
from benchmarks.ruler.renames import SINCE_BASE

OPTIONS = ("base", "only", "keep", "explained")
# Most differences of one case that the table shows.
SHOWN = 6


def main(arguments: Sequence[str]) -> int:
    """Run, compare and print; return 0 if all differences are explained, 1 if not or if the options are wrong."""
    options = dict(argument.partition("=")[::2] for argument in arguments)
    if not options.get("base") or not options.keys() <= {*OPTIONS}:
        print(f"{ruler.__doc__}\nCases: {', '.join(case.name for case in CASES)}", file=sys.stderr)
        return 1
    pattern = options.get("only", "*")
    cases = [case for case in CASES if fnmatchcase(case.name, pattern if "*" in pattern else f"*{pattern}*")]
    kept = options.get("keep")
    try:
        if not cases:
            raise run.RulerError(f"only={pattern} names no case: choose among {', '.join(c.name for c in CASES)}.")
        reasons = explanations.read(Path(options["explained"]) if "explained" in options else None)
        with nullcontext(_empty(Path(kept))) if kept else tempfile.TemporaryDirectory() as place:
            with run.checkout(options["base"], Path(place) / "checkout") as code:
                base, head = run.both(cases, code, Path(place), SINCE_BASE)
            return _tell(cases, base, head, reasons)
    except (run.RulerError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _empty(directory: Path) -> Path:
    """Check that a directory can hold both sides, and create it if necessary."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise run.RulerError(f"keep={directory} is not empty: name a new directory.")
    return directory.resolve()


def _tell(cases: Sequence[Case], base: Path, head: Path, reasons: explanations.Explanations) -> int:
    """Print a row per case, and return the exit code."""
    table = Table("case", "verdict", "files", "s, base", "s, head")
    count = dict.fromkeys(("same", "explained", "different"), 0)
    for case in cases:
        codes = [step.code for step in case.steps]
        verdict = compare.directories(base / case.name, head / case.name, codes, SINCE_BASE)
        given = {each: reasons.of(f"{case.name}/{each.place}") for each in verdict.differences}
        lines = [f"{each.place}: {each.text}" for each, reason in given.items() if reason is None]
        kind = "different" if lines else "explained" if given else "same"
        count[kind] += 1
        more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        meant = [f"explained: {reason}" for reason in dict.fromkeys(filter(None, given.values()))]
        drawn = [f"(drawn otherwise: {', '.join(verdict.redrawn)})"] if verdict.redrawn else []
        text = "\n".join([*([kind] if kind == "same" else []), *lines[:SHOWN], *more, *meant, *drawn])
        table.add_row(case.name, text, str(verdict.files), *(_seconds(side / case.name) for side in (base, head)))
    console = Console()
    console.print(table, markup=False)
    for pattern in reasons.unused:
        console.print(f"explains nothing: {pattern}", markup=False, highlight=False)
    console.print(", ".join(f"{number} {kind}" for kind, number in count.items()), highlight=False)
    return int(count["different"] > 0)


def _seconds(directory: Path) -> str:
    path = directory / "seconds"
    return path.read_text() if path.is_file() else ""


if __name__ == "__main__":
    # Exit normally on SIGTERM, so that temporary files are removed then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise SystemExit(main(sys.argv[1:]))
