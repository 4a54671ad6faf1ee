"""The measures that tables show for each task, with their titles, and the one that ranks settings."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from siren_pl.report.estimates import Estimate
from siren_pl.report.settings import Comparison, Setting
from siren_pl.training.judge import leading


@dataclass(frozen=True)
class Measure:
    """A metric as a column.

    Attributes:
        name: Its key in `metrics.json`.
        title: Its name in tables.
        unit: Its unit with a space before it; empty if it has none.
        form: The format of its numbers.
        sign: +1 if more is better, -1 if less is better, 0 if it does not measure quality.
    """

    name: str
    title: str
    unit: str = " dB"
    form: str = ".2f"
    sign: int = 1

    @property
    def heading(self) -> str:
        """The column's heading."""
        return f"{self.title} ({self.unit.strip()})" if self.unit else self.title

    def text(self, value: Estimate) -> str:
        """Format a value for running text, with its unit."""
        return value.text(self.form) + self.unit


_ALL = (
    Measure("train_psnr", "training PSNR"),
    Measure("heldout_psnr", "held-out PSNR"),
    Measure("psnr", "PSNR"),
    Measure("ie_rms", "interpolation error", " levels", sign=-1),
    Measure("ie_abs", "mean absolute error", " levels", sign=-1),
    Measure("psnr_std", "spread over frames", sign=0),
    Measure("psnr_min", "PSNR, worst frame"),
    Measure("psnr_mean_aligned", "PSNR up to a constant"),
    Measure("psnr_affine_aligned", "PSNR up to a line"),
    Measure("heldout_snr", "held-out SNR"),
    Measure("snr", "SNR"),
    Measure("si_sdr", "SI-SDR"),
    Measure("mse", "MSE", "", ".2e", -1),
    Measure("log_spectral_distance", "log-spectral distance", sign=-1),
    Measure("inside_psnr", "PSNR inside the mask"),
    Measure("boundary_error", "error on the boundary", "", ".2e", -1),
    Measure("guidance_error", "error of the gradients", "", ".2e", -1),
    Measure("ssim", "SSIM", "", ".3f"),
    Measure("gradient_psnr", "gradient PSNR"),
    Measure("laplacian_psnr", "Laplacian PSNR"),
    Measure("train_loss", "training loss", "", ".1e", -1),
    Measure("parameters", "parameters", "", ",.0f", 0),
    Measure("wall_s", "time", " s", ".1f", 0),
)
MEASURES = {measure.name: measure for measure in _ALL}
# The meaningful columns by task; for another task, every measure that its runs have is shown.
COLUMNS = {
    "image_fit": ("train_psnr", "heldout_psnr", "psnr", "ssim", "train_loss", "parameters", "wall_s"),
    "poisson_grad": ("psnr_mean_aligned", "heldout_psnr", "ssim", "gradient_psnr", "parameters", "wall_s"),
    "poisson_laplacian": (
        *("psnr_mean_aligned", "psnr_affine_aligned", "heldout_psnr", "ssim"),
        *("gradient_psnr", "laplacian_psnr", "parameters", "wall_s"),
    ),
    "video_fit": ("train_psnr", "heldout_psnr", "psnr", "psnr_std", "psnr_min", "ssim", "parameters", "wall_s"),
    "video_interpolation": ("ie_rms", "ie_abs", "psnr", "ssim", "parameters", "wall_s"),
    "audio_fit": ("heldout_snr", "snr", "si_sdr", "mse", "log_spectral_distance", "parameters", "wall_s"),
    "poisson_edit": (
        *("psnr_mean_aligned", "inside_psnr", "psnr", "boundary_error", "guidance_error", "ssim"),
        *("parameters", "wall_s"),
    ),
}

# A field is called better by the first of these that was measured: unseen samples before seen ones, and what is left
# when a free constant is settled before what it makes of the plain PSNR.
HEADLINES = ("heldout_psnr", "psnr_mean_aligned", "inside_psnr", "psnr", "heldout_snr", "snr")


def columns(comparison: Comparison) -> list[Measure]:
    """The measures that a table shows: those that exist, except counts that are equal in all rows.

    With held-out samples, PSNR over all samples mixes two questions and is left out; without them, training PSNR is the
    same as PSNR and is left out. If a constant is undetermined, plain PSNR measures only that constant.
    """
    names = COLUMNS.get(comparison.task, tuple(MEASURES))
    present = {name for name in names if any(row.estimate(name) for row in comparison.settings)}
    present -= {"psnr"} if {"heldout_psnr", "train_psnr"} <= present else {"train_psnr"} if "psnr" in present else set()
    present -= {"psnr"} if "psnr_mean_aligned" in present else set()
    if len({count for row in comparison.settings for count in row.scores("parameters").values()}) == 1:
        present -= {"parameters"}
    return [MEASURES[name] for name in names if name in present]


def headline(comparison: Comparison) -> Measure | None:
    """The measure by which a task's settings are compared."""
    name = leading(HEADLINES, {name: None for row in comparison.settings for run in row.runs for name in run.metrics})
    return MEASURES[name] if name else None


def leader(rows: Sequence[Setting], measure: Measure) -> Setting | None:
    """The row with the best mean; None without rows that have one."""
    scored = [(mean.mean * measure.sign, row) for row in rows if (mean := row.estimate(measure.name))]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def baseline_names(rows: Iterable[Setting]) -> list[str]:
    """The names of the classical methods that were judged together with the fields."""
    found = {name for row in rows for run in row.runs for name in run.metrics if name.startswith("baseline/")}
    return sorted({name.split("/")[1] for name in found})


def baseline_scores(row: Setting, name: str, measure: Measure) -> dict[Hashable, float]:
    """A classical method's scores on a row's data, by replicate."""
    return row.scores(f"baseline/{name}/{measure.name}")
