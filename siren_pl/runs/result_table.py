"""The table that a run ends with: what its task is about first, in plain words, and nothing unexplained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from siren_pl.runs.job import Job


class Measure(NamedTuple):
    """A row: what it is called, its unit, and what it says."""

    name: str
    unit: str
    says: str


MEASURES = {
    "psnr": Measure("PSNR", "dB", "all pixels; 6 dB more halve the error"),
    "psnr_mean_aligned": Measure(
        "PSNR, mean aligned",
        "dB",
        "all pixels; derivatives leave each channel's mean open: on the given pixels it is set to the truth's first",
    ),
    "heldout_psnr": Measure("PSNR, unseen pixels", "dB", "those that no method was given"),
    "train_psnr": Measure("PSNR, data", "dB", "the result, measured as the picture was, against what was measured"),
    "psnr_y": Measure("PSNR, luma", "dB", "brightness alone, without the border, as papers on enlarging compare it"),
    "ssim_y": Measure("SSIM, luma", "", "likeness of structure of the same; 1 is equal"),
    "ssim": Measure("SSIM", "", "likeness of structure; 1 is equal"),
    "inside_psnr": Measure("PSNR inside the mask", "dB", "against the direct solution"),
    "boundary_error": Measure("error on the mask's rim", "of 1", "against the target, which it has to meet"),
    "guidance_error": Measure("error of the slopes", "of 1", "per pixel, against those asked for; 0 is out of reach"),
    "gradient_psnr": Measure("PSNR of the gradient", "dB", "the field's exact one; peak: range of the target's"),
    "laplacian_psnr": Measure("PSNR of the Laplacian", "dB", "the field's exact one; peak: range of the target's"),
    "psnr_min": Measure("PSNR of the worst image", "dB", "of the set; the other rows are means over its images"),
    "niqe": Measure("NIQE", "", "naturalness without a truth; smaller is better"),
    "wall_s": Measure("time", "s", "from start to end"),
}
# What each task is about comes first.
ROWS = {
    "poisson_grad": ("psnr_mean_aligned", "heldout_psnr", "ssim", "gradient_psnr", "psnr_min", "wall_s"),
    "poisson_laplacian": ("psnr_mean_aligned", "heldout_psnr", "ssim", "laplacian_psnr", "psnr_min", "wall_s"),
    "poisson_edit": (
        *("inside_psnr", "psnr_mean_aligned", "boundary_error", "guidance_error"),
        *("psnr", "ssim", "psnr_min", "wall_s"),
    ),
    "inpainting": ("heldout_psnr", "psnr", "ssim", "train_psnr", "psnr_min", "wall_s"),
    "super_resolution": ("psnr_y", "ssim_y", "psnr", "ssim", "train_psnr", "niqe", "psnr_min", "wall_s"),
    "denoising": ("psnr", "ssim", "train_psnr", "psnr_min", "wall_s"),
}
# Of fits to values, image_fit and tasks of a user's own: pixels kept away, where there are any, are the honest ones.
OTHER_ROWS = ("heldout_psnr", "psnr_mean_aligned", "psnr", "train_psnr", "ssim", "gradient_psnr", "psnr_min", "wall_s")
# A root mean squared error of 1e-7 of the peak: the rounding of single-precision numbers.
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
# Characters of the first column where many methods stand beside it.
NARROWEST = 28


def rows(metrics: Mapping[str, float], task: str) -> list[str]:
    """The metrics that the table of a task shows, first what it is about."""
    # Where every pixel was trained on, they say nothing that `psnr` does not, nor does that where a constant is open.
    left_out = {"train_psnr"} if metrics.get("train_psnr") == metrics.get("psnr") else set()
    left_out |= {"psnr"} & metrics.keys() if "psnr_mean_aligned" in metrics else set()
    return [name for name in ROWS.get(task, OTHER_ROWS) if name in metrics and name not in left_out]


def notes(metrics: Mapping[str, float], task: str) -> list[str]:
    """What a reader of the table would ask, answered in a line each."""
    methods, shown = _methods(metrics), rows(metrics, task)
    said = [f"{_spaced(name)}: {METHODS[name]}" for name in methods if name in METHODS]
    columns = ["", *(f"baseline/{name}/" for name in methods)]
    if any(_is_exact(metrics.get(f"{column}{row}"), row) for column in columns for row in shown):
        said.append("exact: equal up to rounding; a perfect PSNR is infinite, and 200 in metrics.json")
    if any(_is_exact(metrics.get(f"{column}{shown[0]}"), shown[0]) for column in columns[1:] if shown):
        said.append(WHY_A_FIELD)
    return said


def report(metrics: Mapping[str, float], pictures: Sequence[Path], job: Job) -> None:
    """Say how it went and where to look."""
    from rich.console import Console
    from rich.padding import Padding

    # Names and overrides are printed as they were typed: brackets are no markup, colons no emoji.
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    console.print(table(metrics, job))
    for note in notes(metrics, job.task):
        console.print(Padding(note, (0, 0, 0, 2)), style="dim")
    for path in [job.directory / "metrics.json", *pictures]:
        console.print(f"  {path}", soft_wrap=True)
    if job.config.get("logger", {}).get("name") == "wandb":
        console.print(f"  wandb leet {job.config['logger']['directory']}/wandb", soft_wrap=True)


def table(metrics: Mapping[str, float], job: Job) -> Any:
    """A row per measure: its name and what it says, the field, and each classical method."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    methods = _methods(metrics)
    found = Table(title=Text(f"{job.task}: {job.title}"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    found.add_column("", min_width=NARROWEST)
    found.add_column(Text("field"), justify="right", style="bold", vertical="top")
    for name in methods:
        found.add_column(Text(_spaced(name)), justify="right", vertical="top")
    for key in rows(metrics, job.task):
        measure = MEASURES[key]
        unit = f" ({measure.unit})" if measure.unit else ""
        head = Text.assemble((f"{measure.name}{unit}", "bold"), f"  {key}\n", (measure.says, "dim"))
        values = [metrics[key], *(metrics.get(f"baseline/{name}/{key}") for name in methods)]
        found.add_row(head, *(Text(_cell(value, key)) for value in values))
    return found


def _cell(value: float | None, key: str) -> str:
    if value is None:
        return ""
    unit = MEASURES[key].unit
    return "exact" if _is_exact(value, key) else f"{value:.2f}" if unit in ("dB", "s") else f"{value:.3f}"


def _is_exact(value: float | None, key: str) -> bool:
    return value is not None and MEASURES[key].unit == "dB" and value >= EXACT


def _methods(metrics: Mapping[str, float]) -> list[str]:
    return list(dict.fromkeys(name.split("/")[1] for name in metrics if name.startswith("baseline/")))


def _spaced(name: str) -> str:
    return name.replace("_", " ")
