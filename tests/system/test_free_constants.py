"""Fields from derivatives are scored when what the derivatives leave open is settled, on observed samples alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from siren_pl import SampledSignal, load
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.laplacians import poisson_laplacian
from siren_pl.problems.pictures.images import bundled, image_signal
from siren_pl.problems.pictures.rivals.poisson_solvers import gradient_solver
from siren_pl.problems.sampled.observations import RandomFraction
from tests.conftest import Command

GAPS = ("task=poisson_grad", "task.integrated=false", "task.stencil=central", "dataset=coffee", "dataset.heldout=0.1")
TASKS = {
    "gradient": lambda of: poisson_grad(of, "central", integrated=False),
    "laplacian": lambda of: poisson_laplacian(of, integrated=False),
}


def psnr(error: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean(error**2)))


def test_scores_are_of_the_field_with_its_mean_set_right(train: Command) -> None:
    """By NumPy and scikit-image, from the stored field and its picture; the solver beside it by the same rule."""
    assert train(*GAPS, "hydra.run.dir=run").code == 0
    found = json.loads(Path("run/metrics.json").read_text())
    signal = image_signal(bundled("coffee"), size=16, heldout=0.1)
    with torch.no_grad():
        field = load("run")(signal.coords()).reshape(signal.values.shape)
    target, known = signal.values.double().numpy() / 2 + 0.5, signal.observed.numpy()
    for prefix, values in (("", field), ("baseline/poisson_solver/", gradient_solver(signal, "central"))):
        plain = values.double().numpy() / 2 + 0.5
        aligned = (plain + (target - plain)[known].mean(0)).clip(0, 1)
        error = aligned - target
        wanted = {
            "psnr": psnr(plain.clip(0, 1) - target),
            "psnr_mean_aligned": psnr(error),
            "train_psnr": psnr(error[known]),
            "heldout_psnr": psnr(error[~known]),
            "psnr_8bit": psnr(np.round(aligned * 255) / 255 - np.round(target * 255) / 255),
            "psnr_y": psnr(error @ [0.299, 0.587, 0.114]),
        }
        assert {name: found[prefix + name] for name in wanted} == pytest.approx(wanted, abs=0.01)
        similar = structural_similarity(
            *(target, aligned), channel_axis=-1, data_range=1.0, gaussian_weights=True, use_sample_covariance=False
        )
        assert found.get(prefix + "ssim", similar) == pytest.approx(similar, abs=1e-3)


@pytest.mark.parametrize("name", TASKS)
def test_a_constant_changes_no_score_but_plain_psnr(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(20, 24, 3, generator=generator) - 0.5
    of = SampledSignal(truth, observation=RandomFraction(0.3))
    judge = TASKS[name](of).judge.judge
    values = truth + 0.05 * torch.randn(truth.shape, generator=generator)
    right, moved = (judge(values + by).metrics for by in (0.0, torch.tensor([0.3, -0.2, 0.4])))
    assert moved["psnr"] < right["psnr"] - 5
    assert {**moved, "psnr": 0} == pytest.approx({**right, "psnr": 0}, abs=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_held_out_samples_have_no_say_in_the_constant(name: str) -> None:
    """Right where it was observed and wrong by 0.1 in [0, 1] elsewhere: exact, and 20 dB; no mean evens that out."""
    of = SampledSignal(torch.rand(20, 24, 1) - 0.5, observation=RandomFraction(0.3))
    judge = TASKS[name](of).judge
    scores = judge.judge(of.values + 0.2 * ~of.observed[..., None] + 0.7).metrics
    # Exact, up to a digit less than float32 has: 1e-6.
    assert scores["train_psnr"] > 120 and scores["heldout_psnr"] == pytest.approx(20, abs=1e-3)
    assert scores["psnr_affine_aligned"] == pytest.approx(scores["psnr_mean_aligned"], abs=1e-3)


@pytest.mark.parametrize("task", ["poisson_grad", "poisson_laplacian"])
def test_derivatives_are_taken_of_the_measurement_not_of_its_truth(task: str, train: Command) -> None:
    """Beside a truth, the exact solver gives the measured picture back: as near to the truth as that is."""
    pixels = np.random.default_rng(0).integers(60, 200, (2, 12, 14), dtype=np.uint8)
    for name, picture in zip(("measured", "truth"), pixels, strict=True):
        Image.fromarray(picture).save(f"{name}.png")
    options = ("dataset=image", "dataset.path=measured.png", "dataset.reference=truth.png", "dataset.size=null")
    assert train(f"task={task}", *options, "hydra.run.dir=run", "trainer.max_steps=1").code == 0
    found = json.loads(Path("run/metrics.json").read_text())["baseline/poisson_solver/psnr_mean_aligned"]
    measured, truth = pixels / 255
    assert found == pytest.approx(psnr((measured - measured.mean() + truth.mean()).clip(0, 1) - truth), abs=0.01)


def test_a_sweep_is_plotted_by_what_reports_rank_by(train: Command, one_thread: None) -> None:
    options = ("model.omega_0=5,9", "baselines={}", "trainer.max_steps=1", "hydra.sweep.dir=sweep")
    ended = train("-m", *GAPS[:-1], *options)
    assert ended.code == 0 and "psnr_mean_aligned" in ended.err
    assert [path.name for path in Path("sweep/figures").iterdir()] == ["psnr_mean_aligned_over_model.omega_0.png"]
