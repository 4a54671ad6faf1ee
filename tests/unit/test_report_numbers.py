"""A report's means, standard errors and counts, against numbers worked out by hand or by NumPy."""

from pathlib import Path

import numpy as np
import pytest

from siren_pl.errors import UserError
from siren_pl.report import tables
from siren_pl.report.charts import averaged
from siren_pl.report.estimates import estimate, gap
from siren_pl.report.runs import read
from siren_pl.report.settings import compare
from siren_pl.runs.costs import spikes
from siren_pl.runs.directory import write_measures
from siren_pl.training.judge import Measure
from tests.compared import best_of, only, row_of, words
from tests.handmade_runs import handmade_run, handmade_sweep


def test_cells_are_mean_and_standard_error_over_seeds(tmp_path: Path) -> None:
    scores = {10: [30.0, 31.5, 30.3], 30: [28.0, 27.0, 29.4]}
    jobs = [
        ({"model.omega_0": omega, "seed": seed}, {"psnr": psnr})
        for omega, values in scores.items()
        for seed, psnr in enumerate(values)
    ]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    for omega, values in scores.items():
        wanted = f"{np.mean(values):.2f} ± {np.std(values, ddof=1) / np.sqrt(3):.2f}"
        assert row_of(comparison, f"omega_0={omega}")["PSNR (dB)"] == wanted
    assert best_of(comparison) == {("omega_0=10", "PSNR (dB)")}


def test_seeds_on_one_image_are_one_sample_of_images(tmp_path: Path) -> None:
    """Two seeds on each of three images: the error is that of three means, not of six runs."""
    values = np.array([[30.0, 30.2], [25.0, 25.4], [35.0, 34.8]])
    jobs = [
        ({"dataset.index": image, "seed": seed}, {"psnr": values[image, seed]})
        for image in range(3)
        for seed in range(2)
    ]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    (setting,) = comparison.settings
    found = setting.estimate("psnr")
    assert found is not None and found.count == 3
    means = values.mean(1)
    np.testing.assert_allclose([found.mean, found.error], [means.mean(), means.std(ddof=1) / np.sqrt(3)])
    assert "over 3 images, each the mean of 2 seeds" in tables.results(comparison).caption


def test_images_named_by_their_data_set_are_replicates_too(tmp_path: Path) -> None:
    jobs = [({"dataset": name}, {"psnr": psnr}) for name, psnr in (("camera", 30.0), ("coffee", 26.0))]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    assert row_of(comparison, "siren")["PSNR (dB)"] == "28.00 ± 2.00"


def test_gaps_are_paired(tmp_path: Path) -> None:
    """Images differ by 10 dB, the settings by 1 on every one: a gap that unpaired errors would drown."""
    jobs = [
        (
            {"dataset.index": image, "model.omega_0": omega},
            {"psnr": 20.0 + 10 * image + omega / 10 + 0.01 * (image == omega)},
        )
        for image in range(3)
        for omega in (10, 20)
    ]
    text = words(only(handmade_sweep(tmp_path / "sweep", jobs)))
    assert "omega_0=20 has the highest PSNR" in text
    assert "1.00 ± 0.00 dB above omega_0=10, more than 2 standard errors" in text
    paired = gap({0: 3.0, 1: 5.0, 2: 9.0}, {0: 1.0, 1: 2.0, 3: 100.0})
    assert paired is not None and (paired.mean, paired.count) == (2.5, 2)


def test_a_gap_within_two_standard_errors_is_said_to_be_a_tie(tmp_path: Path) -> None:
    scores = {10: [30.0, 31.0, 29.0], 20: [29.5, 31.5, 29.1]}
    jobs = [
        ({"model.omega_0": omega, "seed": seed}, {"psnr": psnr})
        for omega, values in scores.items()
        for seed, psnr in enumerate(values)
    ]
    assert "a tie" in words(only(handmade_sweep(tmp_path / "sweep", jobs)))


def test_diverged_runs_are_counted_and_never_averaged(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    for number, (omega, seed) in enumerate([(10, 0), (10, 1), (20, 0)]):
        handmade_run(sweep / str(number), {"model.omega_0": omega, "seed": seed}, {"psnr": 30.0 + number})
    handmade_run(sweep / "3", {"model.omega_0": 20, "seed": 1}, {"psnr": 5.0, "diverged_step": 7.0}, status="diverged")
    comparison = only(sweep)
    row = row_of(comparison, "omega_0=20")
    assert (row["runs"], row["diverged"], row["PSNR (dB)"]) == ("1", "1", "32.00")
    assert "omega_0=20 diverged in 1 of 2 runs, at step 7" in words(comparison)
    assert not best_of(comparison)  # one complete row has nothing to be better than


def test_baselines_stand_in_the_same_table_once(tmp_path: Path) -> None:
    jobs = [
        (
            {"model": model, "seed": seed},
            {"train_psnr": 40.0, "heldout_psnr": 25.0, "baseline/cubic/heldout_psnr": 26.0 + seed},
        )
        for model in ("siren", "relu")
        for seed in (0, 1)
    ]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    row = row_of(comparison, "cubic")
    assert row["held-out PSNR (dB)"] == "26.50 ± 0.50" and row["training PSNR (dB)"] == "–"
    assert "cubic is better than 2 of 2 settings in held-out PSNR" in words(comparison)


def test_held_out_psnr_stands_beside_training_psnr(tmp_path: Path) -> None:
    jobs = [({"seed": 0}, {"psnr": 33.0, "train_psnr": 40.0, "heldout_psnr": 25.0})]
    header = tables.results(only(handmade_sweep(tmp_path / "sweep", jobs))).header
    assert header[1:3] == ("held-out PSNR (dB)", "training PSNR (dB)")


def test_every_task_has_a_table(tmp_path: Path) -> None:
    jobs = [({"task": "image_fit"}, {"psnr": 20.0}), ({"task": "poisson_grad"}, {"psnr": 20.0, "gradient_psnr": 30.0})]
    fit, poisson = compare(read([handmade_sweep(tmp_path / "sweep", jobs)])[0])
    assert "PSNR of the gradient (dB)" not in tables.results(fit).header
    assert "PSNR of the gradient (dB)" in tables.results(poisson).header


def test_spikes_are_jumps_of_the_loss() -> None:
    losses = [1.0] * 20 + [50.0, 60.0] + [1.0] * 20 + [11.0] + [0.5] * 5
    history = [{"step": float(step), "train/loss": loss} for step, loss in enumerate(losses)]
    assert spikes(history) == 2
    assert spikes([{"step": 0.0, "eval/psnr": 1.0}]) == 0


def test_curves_are_averaged_at_shared_steps(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    for seed, steps in ((0, (1, 2, 3)), (1, (2, 3, 4))):
        history = [{"step": float(step), "eval/psnr": 10.0 * step + 4 * seed} for step in steps]
        handmade_run(sweep / str(seed), {"seed": seed}, {"psnr": 1.0}, history=history)
    curve = averaged(only(sweep).settings[0], "eval/psnr")
    assert [(step, mean.mean, mean.error) for step, mean in curve] == [(2.0, 22.0, 2.0), (3.0, 32.0, 2.0)]


def test_one_replicate_has_no_standard_error() -> None:
    single = estimate([30.0])
    assert single is not None and single.error is None and single.text(".2f") == "30.00"
    assert estimate([]) is None


def test_unfinished_runs_are_listed_and_left_out(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    handmade_run(sweep / "0", {"seed": 0}, {"psnr": 30.0})
    handmade_run(sweep / "1", {"seed": 1}, {}, status="running")
    handmade_run(sweep / "10", {"seed": 2}, {"psnr": 32.0})
    (found,) = read([sweep])
    assert found.left_out == ((sweep / "1", "running"),)
    assert [run.directory.name for run in found.runs] == ["0", "10"]


def test_what_cannot_be_reported_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "multirun.yaml").write_text("{}")
    with pytest.raises(UserError, match=r"empty is neither a run nor a sweep"):
        read([empty])
    with pytest.raises(UserError, match=r"missing is neither"):
        read([tmp_path / "missing"])
    handmade_run(tmp_path / "open" / "0", {"seed": 0}, {}, status="interrupted")
    with pytest.raises(UserError, match=r"open holds no run that has ended, only interrupted ones.*resume="):
        read([tmp_path / "open"])


def test_a_switch_is_told_by_what_it_changes(tmp_path: Path) -> None:
    jobs = [
        ({"init.hidden": scheme, "init.divide_by_omega": switch, "seed": seed}, {"psnr": psnr + seed})
        for seed in (0, 1)
        for scheme, switch, psnr in (
            ("normal", "false", 5.0),
            ("normal", "true", 25.0),
            ("siren", "false", 30.0),
            ("siren", "true", 30.0),
        )
    ]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    labels = [row.label for row in comparison.settings]
    assert labels == [
        "hidden=normal",
        "hidden=normal, divide_by_omega",
        "hidden=siren",
        "hidden=siren, divide_by_omega",
    ]
    assert "changes PSNR (dB) by: hidden=normal +20.00, hidden=siren +0.00." in words(comparison)


def test_a_measure_of_a_new_kind_is_a_column_and_leads(tmp_path: Path) -> None:
    """Less is better: the report knows it from the file that the judge left, and has no word of its own."""
    jobs = [
        ({"seed": seed, "model.omega_0": omega}, {"endpoint": error + seed / 10})
        for seed in (0, 1)
        for omega, error in ((10, 0.25), (30, 0.75))
    ]
    sweep = handmade_sweep(tmp_path / "sweep", jobs)
    for job in sweep.glob("?"):
        write_measures(job, {"endpoint": Measure("end-point error", "pixels", "", -1)})
    comparison = only(sweep)
    assert row_of(comparison, "omega_0=30")["end-point error (pixels)"] == "0.800 ± 0.050"
    assert best_of(comparison) == {("omega_0=10", "end-point error (pixels)")}
    assert "omega_0=10 has the lowest end-point error, 0.300 ± 0.050 pixels" in words(comparison)
    assert "it is 0.500 ± 0.000 pixels below omega_0=30" in words(comparison)
