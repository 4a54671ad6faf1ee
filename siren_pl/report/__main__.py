"""`python -m siren_pl.report`: turn sweeps and runs into `report.pdf` and `report.html`."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path

from siren_pl.commands.guard import guarded
from siren_pl.errors import UserError

USAGE = """python -m siren_pl.report: one PDF and one HTML page of sweeps and runs

  python -m siren_pl.report outputs/<sweep> [outputs/<sweep or run> …]
  … output=DIR      where report.pdf and report.html go (default: outputs/report)
  … trust=PACKAGE   admit code of your own that saved runs name"""
OUTPUT = Path("outputs/report")


def main(arguments: list[str]) -> int:
    """Write the report on the directories on the command line, and print its place at the end.

    Raises:
        UserError: A directory holds nothing to report, or a package is missing.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    _require_packages()
    from siren_pl.report import html, pdf
    from siren_pl.report.document import compose
    from siren_pl.report.runs import read
    from siren_pl.runs.trust import named

    options = dict(a.split("=", 1) for a in arguments if a.startswith(("output=", "trust=", "debug=")))
    directories = [Path(a) for a in arguments if not a.startswith(("output=", "trust=", "debug="))]
    target, packages = Path(options.get("output", OUTPUT)), named(options.get("trust", ""))
    command = shlex.join(["python", "-m", "siren_pl.report", *arguments])
    blocks = compose(read(directories, packages), command)
    target.mkdir(parents=True, exist_ok=True)
    (target / "report.html").write_text(html.render(blocks), encoding="utf-8")
    pdf.render(blocks, target / "report.pdf")
    print(target / "report.pdf", target / "report.html", sep="\n")
    return 0


def _require_packages() -> None:
    missing = [name for name in ("reportlab", "jinja2") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the report needs {' and '.join(missing)}, which is not installed: pip install siren-pl[report]"
        )


if __name__ == "__main__":
    sys.exit(guarded(main, sys.argv[1:]))
