"""The document as a list of blocks in the order of a paper: what was done, how, the results, how to reproduce them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from siren_pl.report import charts, discussion, literature, numbers, protocol, tables
from siren_pl.report.blocks import Block, Heading, Paragraph, Table, numbered
from siren_pl.report.panels import panels
from siren_pl.report.reproduction import reproduction
from siren_pl.report.runs import Sweep
from siren_pl.report.settings import REPLICATE_KEYS, Comparison, compare, is_silent
from siren_pl.runs.attempts import attempt
from siren_pl.runs.sweeps import swept_keys

TITLE = "Coordinate networks measured"


def compose(sweeps: Sequence[Sweep], command: str) -> list[Block]:
    """Compose the whole document.

    Args:
        sweeps: The runs.
        command: The command line that makes this document, for its last pages.
    """
    comparisons = [(sweep, compare(sweep)) for sweep in sweeps]
    runs = [run for sweep in sweeps for run in sweep.runs]
    names = {run.value(key) for run in runs for key in ("model", "init", "init.first", "init.hidden")}
    names |= {run.settled.init[layers] for run in runs if run.settled for layers in ("first", "hidden")}
    related, references = literature.related(names)
    verdicts = [
        f"{_title(sweep)}, {comparison.task}: {discussion.verdict(comparison)}"
        for sweep, found in comparisons
        for comparison in found
    ]
    return numbered(
        [
            Heading(TITLE, 1),
            Heading("Summary"),
            *map(Paragraph, verdicts),
            *literature.introduction(),
            *related,
            Heading("Protocol"),
            Paragraph(
                f"{len(runs)} runs in {len(sweeps)} {'group' if len(sweeps) == 1 else 'groups'}. PSNR is computed from "
                "values in [0, 1] after clipping; held-out samples took no part in training. No run was stopped early "
                "on account of the truth. Gaps between settings are measured replicate by replicate."
            ),
            protocol.common(runs),
            *(block for sweep, found in comparisons for block in _section(sweep, found, sweeps)),
            *reproduction(sweeps, command),
            *references,
        ]
    )


def _section(sweep: Sweep, comparisons: Sequence[Comparison], sweeps: Sequence[Sweep]) -> Iterator[Block]:
    yield Heading(_title(sweep))
    diverged = sum(run.diverged for run in sweep.runs)
    yield Paragraph(
        f"Runs that ended: {len(sweep.runs)}, of them by divergence: {diverged}; runs that did not end and are left "
        f"out: {len(sweep.left_out)}. Read from {', '.join(map(str, sweep.directories))}."
    )
    if sweep.left_out:
        rows = tuple((str(path), status) for path, status in sweep.left_out)
        yield Table(("run", "status"), rows, "Runs that are left out.")
    if own := protocol.own(sweep.runs, [run for each in sweeps for run in each.runs], _swept(sweep)):
        yield own
    for comparison in comparisons:
        if len(comparisons) > 1:
            yield Heading(comparison.task, 3)
        yield tables.results(comparison)
        yield Paragraph(" ".join([discussion.verdict(comparison), *discussion.remarks(comparison)]))
        with attempt(f"the figure of curves of {comparison.task}"):
            yield from filter(None, [charts.curves(comparison)])
        with attempt(f"the figures over numbers of {comparison.task}"):
            yield from numbers.over_keys(comparison)
        with attempt(f"the figure of layers of {comparison.task}"):
            yield from filter(None, [charts.layers(comparison)])
        with attempt(f"the pictures of {comparison.task}"):
            yield from panels(comparison)


def _title(sweep: Sweep) -> str:
    """A title from what varies and the sweep's name."""
    keys = [key for key in _swept(sweep) if key not in REPLICATE_KEYS]
    return f"{' × '.join(keys) if keys else 'One setting'} ({sweep.name})"


def _swept(sweep: Sweep) -> list[str]:
    return [key for key in swept_keys([run.overrides for run in sweep.runs]) if not is_silent(key)]
