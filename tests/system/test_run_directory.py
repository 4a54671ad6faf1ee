"""A run leaves behind what the contract names, and nothing that is not a finite number in metrics.json."""

import json
import math
from pathlib import Path

import pytest
import torch

from siren_pl.runs import directory as run_directory
from tests.conftest import Command, only_run

ALWAYS = {
    "psnr", "train_psnr", "psnr_8bit", "psnr_y", "ssim", "ssim_siren", "gradient_psnr", "laplacian_psnr",
    "steps", "points", "wall_s", "parameters", "peak_memory_mb", "diverged",
}  # fmt: skip
POISSON = {"psnr_mean_aligned", "psnr_affine_aligned", "psnr_minmax_aligned"}


@pytest.mark.parametrize("task", ["image_fit", "poisson_grad", "poisson_laplacian"])
def test_every_promised_file_and_metric_is_there(task: str, train: Command) -> None:
    assert train(f"task={task}", "figures=true").code == 0
    run = only_run()
    assert run.parts[:2] == ("outputs", task)
    for name in ("checkpoints/last.ckpt", "metrics.json", "run.log", ".hydra/config.yaml", "predictions/camera.png"):
        assert (run / name).is_file(), name
    assert {path.name for path in (run / "figures").iterdir()} == {"curve.png", "derivatives.png", "reconstruction.png"}
    metrics = json.loads((run / "metrics.json").read_text())
    expected = ALWAYS | (POISSON if task != "image_fit" else set())
    assert expected <= metrics.keys()
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert metrics["steps"] == 4
    # 2-16-16-1: (2·16 + 16) + (16·16 + 16) + (16 + 1)
    assert metrics["parameters"] == 48 + 272 + 17
    assert run_directory.read_status(run) == run_directory.FINISHED


def test_poisson_metrics_hold_the_direct_solve_and_the_ceiling(train: Command) -> None:
    train("task=poisson_grad")
    metrics = run_directory.read_metrics(only_run())
    assert metrics["baseline/poisson_solver/psnr_mean_aligned"] > 150  # exact to rounding: 3e-8 of the range
    assert metrics["baseline/pointwise_ceiling/psnr_mean_aligned"] > 150  # the spectral stencil has no ceiling


def test_held_out_pixels_are_scored_apart_beside_a_classical_method(train: Command) -> None:
    train("dataset.heldout=0.5")
    metrics = run_directory.read_metrics(only_run())
    assert {"train_psnr", "heldout_psnr", "baseline/biharmonic/heldout_psnr", "baseline/cubic/heldout_psnr"} <= set(
        metrics
    )
    assert metrics["baseline/biharmonic/train_psnr"] == 200  # it leaves known pixels alone


def test_a_used_directory_is_refused_and_untouched(train: Command) -> None:
    assert train("hydra.run.dir=here").code == 0
    before = {path: path.read_bytes() for path in Path("here").rglob("*") if path.is_file()}
    again = train("hydra.run.dir=here", "seed=1")
    assert again.code == 1
    assert "hydra.run.dir=here" in again.paragraph and "resume=here" in again.paragraph
    assert before == {path: path.read_bytes() for path in Path("here").rglob("*") if path.is_file()}


def test_an_empty_existing_directory_is_fine(train: Command) -> None:
    Path("empty").mkdir()
    assert train("hydra.run.dir=empty").code == 0


def test_checkpoints_hold_plain_data_without_wrapper_prefixes(train: Command) -> None:
    train("hydra.run.dir=here")
    checkpoint = torch.load("here/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4
    assert all(name.startswith("network.layers.") for name in checkpoint["state_dict"])


def test_colour_and_odd_sizes(train: Command) -> None:
    assert train("dataset=astronaut", "dataset.size=[13,21]", "figures=true").code == 0
    metrics = run_directory.read_metrics(only_run())
    assert metrics["parameters"] == 48 + 272 + 3 * 17
    assert metrics["points"] == 4 * 13 * 21  # fewer pixels than the batch: all of them in every step


def test_sobolev_training_names_both_losses(train: Command) -> None:
    train("task.gradient_weight=0.1", "hydra.run.dir=here", "trainer.max_steps=2")
    history = torch.load("here/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["history"]
    assert {"train/value", "train/gradient", "train/loss"} <= history[0].keys()


def test_a_run_killed_before_its_configuration_was_whole_is_started_again(train: Command) -> None:
    for name in ("here/.hydra/.config.yaml.1a2b3c4d.partial", "here/checkpoints/.last.ckpt.1a2b3c4d.partial"):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text("half")
    Path("here/checkpoints").rename("elsewhere")
    assert "not a run directory" in train("resume=here").paragraph
    assert train("hydra.run.dir=here").code == 0
    assert not list(Path("here").rglob("*.partial"))
    Path("elsewhere/.last.ckpt.1a2b3c4d.partial").rename("here/checkpoints/.last.ckpt.1a2b3c4d.partial")
    assert train("resume=here", "trainer.max_steps=5").code == 0
    assert not list(Path("here").rglob(".*.partial"))
