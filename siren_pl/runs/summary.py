"""The table at the end of a run, in plain words: it opens with what the task is about and explains every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from siren_pl.runs.run_info import RunInfo
from siren_pl.training.judge import Measure, Metrics

TIME = Measure("time", "s", "from start to end", 0)
# PSNR in dB at a root mean squared error of 1e-7 of the peak, the rounding of single-precision numbers.
EXACT = 140.0
METHODS = {
    "poisson_solver": "the least-squares picture on the pixel grid, solved directly",
    "pointwise_ceiling": "what a field ends at whose derivatives equal the given numbers at every pixel",
    "direct": "the same discrete problem solved again; what the field is scored against",
    "paste": "the source copied into the mask",
    "noisy": "the data as they are",
}
WHY_A_FIELD = (
    "why a field, where a solver is exact: it has values at any resolution (evaluate.py run=… scale=4), exact "
    "derivatives everywhere, and takes any supervision: values, slopes or curvature, with gaps, all at once"
)
# Numbers below this would lose their digits in a column with three decimals.
SMALL = 1e-2
# Width of the first column in characters when many methods follow it.
NARROWEST = 28


Measures = Mapping[str, Measure]


def rows(metrics: Metrics, measures: Measures) -> Measures:
    """The measures that a table shows: those that were measured, followed by the time."""
    return {name: measure for name, measure in {**measures, "wall_s": TIME}.items() if name in metrics}


def notes(metrics: Metrics, measures: Measures) -> list[str]:
    """Answers, one line each, to what a reader of the table would ask."""
    methods, shown = _methods(metrics), rows(metrics, measures)
    said = [f"{_spaced(name)}: {METHODS[name]}" for name in methods if name in METHODS]
    columns = ["", *(f"baseline/{name}/" for name in methods)]
    exact = [{name for name in shown if _is_exact(metrics.get(f"{column}{name}"), shown[name])} for column in columns]
    if any(exact):
        said.append("exact: equal up to rounding; a perfect PSNR is infinite, and 200 in metrics.json")
    if any(next(iter(shown)) in names for names in exact[1:] if shown):
        said.append(WHY_A_FIELD)
    return said


def print_summary(metrics: Metrics, measures: Measures, files: Sequence[Path], info: RunInfo) -> None:
    """Print how the run went and where to look."""
    from rich.console import Console
    from rich.padding import Padding

    # Names and overrides are printed as typed: brackets are not markup, colons not emoji.
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    console.print(table(metrics, measures, info))
    for note in notes(metrics, measures):
        console.print(Padding(note, (0, 0, 0, 2)), style="dim")
    for path in [info.directory / "metrics.json", *files]:
        console.print(f"  {path}", soft_wrap=True)
    if info.config.get("logger", {}).get("name") == "wandb":
        console.print(f"  wandb leet {info.config['logger']['directory']}/wandb", soft_wrap=True)


def table(metrics: Metrics, measures: Measures, info: RunInfo) -> Any:
    """A table with a row per measure: its name and meaning, and the values of the field and each classical method."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    methods = _methods(metrics)
    found = Table(title=Text(f"{info.task}: {info.title}"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    found.add_column("", min_width=NARROWEST)
    found.add_column(Text("field"), justify="right", style="bold", vertical="top")
    for name in methods:
        found.add_column(Text(_spaced(name)), justify="right", vertical="top")
    for key, measure in rows(metrics, measures).items():
        unit = f" ({measure.unit})" if measure.unit else ""
        head = Text.assemble((f"{measure.name}{unit}", "bold"), f"  {key}\n", (measure.says, "dim"))
        values = [metrics[key], *(metrics.get(f"baseline/{name}/{key}") for name in methods)]
        found.add_row(head, *(Text(_cell(value, measure)) for value in values))
    return found


def _cell(value: float | None, measure: Measure) -> str:
    if value is None:
        return ""
    if _is_exact(value, measure):
        return "exact"
    return f"{value:{form(value, measure)}}"


def form(value: float, measure: Measure) -> str:
    """The format in which a metric's value can be read: decibels and seconds, counts, or a number of any size."""
    if measure.unit in ("dB", "s"):
        return ".2f"
    if not measure.better:
        return ",.0f"
    if value and abs(value) < SMALL:
        return ".2e"
    return ".3f" if measure.unit else ".4f"  # a likeness such as SSIM or IoU differs in the digits after 0.99


def _is_exact(value: float | None, measure: Measure) -> bool:
    return value is not None and measure.unit == "dB" and value >= EXACT


def _methods(metrics: Metrics) -> list[str]:
    return list(dict.fromkeys(name.split("/")[1] for name in metrics if name.startswith("baseline/")))


def _spaced(name: str) -> str:
    return name.replace("_", " ")
