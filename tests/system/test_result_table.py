"""What a run says at its end: the measure that its task is about stands first, and no number is unexplained."""

import json
import re
from pathlib import Path

import pytest

from siren_pl.problems.pictures.editing.task import ABOUT
from siren_pl.problems.sampled.measures import OF_VALUES, shown
from siren_pl.runs.directory import read_measures
from siren_pl.runs.run_info import RunInfo
from siren_pl.runs.summary import print_summary, rows
from tests.conftest import Command

LEADS = {
    "poisson_grad": "psnr_mean_aligned",
    "poisson_laplacian": "psnr_mean_aligned",
    "poisson_edit": "inside_psnr",
    "inpainting": "heldout_psnr",
    "super_resolution": "psnr_y",
    "denoising": "psnr",
    "image_fit": "psnr",
}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_the_demo_leads_with_the_aligned_figure(train: Command, one_thread: None) -> None:
    said = train("task=poisson_grad", "hydra.run.dir=run").err
    metrics = json.loads(Path("run/metrics.json").read_text())
    names = [line for line in said.splitlines() if re.search(r"\b(psnr|ssim|gradient_psnr)", line)]
    assert "psnr_mean_aligned" in names[0] and f"{metrics['psnr_mean_aligned']:.2f}" in names[0]
    # The free constant stands in no line, and the solver's perfect score is a word that is explained.
    assert f"{metrics['psnr']:.2f}" not in said and not re.search(r"\bpsnr\b", said.split("exact:")[0])
    assert metrics["baseline/poisson_solver/psnr_mean_aligned"] == 200 and "200.00" not in said
    assert names[0].split()[-2:] == ["exact", "exact"] and "exact: equal up to rounding" in said
    assert "each channel's mean" in said and "why a field, where a solver is exact: " in said


@pytest.mark.parametrize("task", LEADS)
def test_every_task_leads_with_what_it_is_about(
    task: str, train: Command, one_thread: None, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(f"task={task}", "hydra.run.dir=run").code == 0
    metrics = json.loads(Path("run/metrics.json").read_text())
    measures = rows(metrics, read_measures(Path("run")))
    assert next(iter(measures)) == LEADS[task]
    assert "train_psnr" not in measures or metrics["train_psnr"] != metrics["psnr"]
    print_summary(metrics, measures, [], RunInfo(Path("run"), task))
    said = " ".join(capfd.readouterr().err.split())
    assert all(measure.name in said for measure in measures.values())


def test_pixels_kept_away_lead_a_fit_of_values() -> None:
    metrics = {"psnr": 30.0, "train_psnr": 33.0, "heldout_psnr": 27.0, "ssim": 0.9}
    assert list(rows(metrics, shown(OF_VALUES, metrics))) == ["heldout_psnr", "psnr", "train_psnr", "ssim"]


def test_a_fusion_of_pictures_leaves_the_free_constant_out() -> None:
    metrics = {"psnr": 12.0, "ssim": 0.9, "psnr_mean_aligned": 30.0, "guidance_error": 0.1}
    assert list(rows(metrics, shown(ABOUT, metrics))) == ["psnr_mean_aligned", "guidance_error", "ssim"]


def test_a_run_that_was_scored_by_nothing_has_a_table(capfd: pytest.CaptureFixture[str]) -> None:
    print_summary({"steps": 3.0}, {}, [], RunInfo(Path("run"), "denoising", overrides=("dataset.path=[/a].png",)))
    assert "dataset.path=[/a].png" in capfd.readouterr().err
