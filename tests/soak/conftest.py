"""How much of the soak a run of the suite takes: a little, or with --soak all of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

# Mutated inputs and kills: in the suite, and by `make soak`.
SPOILT, KILLS = (20, 300), (3, 100)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The products of all members are for the soak alone."""
    left_out = collection_path.name == "test_combinations.py" and not config.getoption("soak")
    return True if left_out else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Number the cases."""
    whole = metafunc.config.getoption("soak")
    for name, counts in (("spoilt", SPOILT), ("kill", KILLS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, range(counts[whole]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line on the inputs and one on the kills: how they ended."""
    for what, test in (("mutated inputs", "test_inputs.py"), ("kills", "test_kills.py")):
        reports = [
            report
            for kind in ("passed", "failed", "error")
            for report in terminalreporter.stats.get(kind, [])
            if test in report.nodeid
        ]
        if reports:
            ways = Counter(dict(report.user_properties).get("soak", "FAILED") for report in reports)
            told = ", ".join(f"{count} {way}" for way, count in sorted(ways.items()))
            terminalreporter.write_line(f"soak: {len(reports)} {what}: {told}")
