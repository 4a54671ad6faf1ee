"""A report's means, standard errors, choices and counts, against numbers worked out by hand or by NumPy."""

from pathlib import Path

import numpy as np
import pytest

from siren_pl.errors import UserError
from siren_pl.report import discussion, numbers, tables
from siren_pl.report.charts import averaged
from siren_pl.report.estimates import estimate, gap
from siren_pl.report.runs import read
from siren_pl.report.settings import Comparison, compare
from siren_pl.runs.costs import spikes
from tests.handmade_runs import handmade_run, handmade_sweep


def only(directory: Path) -> Comparison:
    (comparison,) = compare(read([directory])[0])
    return comparison


def row_of(comparison: Comparison, label: str) -> dict[str, str]:
    table = tables.results(comparison)
    (row,) = [row for row in table.rows if row[0] == label]
    return dict(zip(table.header, row, strict=True))


def best_of(comparison: Comparison) -> set[tuple[str, str]]:
    table = tables.results(comparison)
    return {(table.rows[row][0], table.header[column]) for row, column in table.best}


def words(comparison: Comparison) -> str:
    return " ".join([discussion.verdict(comparison), *discussion.remarks(comparison)])


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


def tuned(directory: Path, criterion: dict[str, dict[str, dict[str, float]]]) -> Comparison:
    jobs = [
        ({"model": model, "optimizer.factor": factor}, metrics)
        for model, tried in criterion.items()
        for factor, metrics in tried.items()
    ]
    return only(handmade_sweep(directory / "sweep", jobs, tune="optimizer.factor"))


def test_tuned_values_are_chosen_by_the_training_loss_alone(tmp_path: Path) -> None:
    """The value with the better held-out PSNR is not taken where its training loss is higher."""
    comparison = tuned(
        tmp_path,
        {
            "siren": {
                "1": {"train_loss": 2e-3, "train_psnr": 33.0, "heldout_psnr": 31.0},
                "3": {"train_loss": 1e-3, "train_psnr": 32.0, "heldout_psnr": 27.0},
            },
            "relu": {
                "1": {"train_loss": 4e-3, "train_psnr": 24.0, "heldout_psnr": 28.0},
                "3": {"train_loss": 5e-3, "train_psnr": 25.0, "heldout_psnr": 29.0},
            },
        },
    )
    assert row_of(comparison, "siren")["optimizer.factor"] == "3"
    assert row_of(comparison, "siren")["held-out PSNR (dB)"] == "27.00"
    assert row_of(comparison, "relu")["optimizer.factor"] == "1"
    assert ("relu", "held-out PSNR (dB)") in best_of(comparison)
    assert "lowest training loss, which needs no ground truth of held-out samples" in tables.results(comparison).caption


def test_without_a_training_loss_the_training_psnr_chooses(tmp_path: Path) -> None:
    comparison = tuned(
        tmp_path, {"siren": {"1": {"train_psnr": 30.0, "psnr": 20.0}, "3": {"train_psnr": 29.0, "psnr": 22.0}}}
    )
    assert row_of(comparison, "siren")["optimizer.factor"] == "1"
    assert "highest training PSNR" in tables.results(comparison).caption


def test_a_row_with_fewer_tuned_values_is_shown_but_not_ranked(tmp_path: Path) -> None:
    scores = {"train_loss": 1e-3, "psnr": 30.0}
    comparison = tuned(
        tmp_path,
        {
            "siren": {"1": scores, "3": scores},
            "tanh": {"1": scores, "3": scores},
            "relu": {"1": scores | {"psnr": 50.0}},
        },
    )
    assert row_of(comparison, "relu")["PSNR (dB)"] == "50.00"
    assert "relu" not in {label for label, _ in best_of(comparison)}
    assert "fewer values of optimizer.factor were tried: relu" in words(comparison)


def test_different_models_at_fixed_rates_are_not_ranked(tmp_path: Path) -> None:
    jobs = [({"model": "siren"}, {"psnr": 30.0}), ({"model": "relu"}, {"psnr": 20.0})]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    assert not best_of(comparison)
    assert "earning rates were fixed, so models are not ranked" in words(comparison)


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


def test_a_value_that_diverged_is_not_chosen(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    for number, (factor, seed) in enumerate([(1, 0), (1, 1), (3, 0)]):
        overrides = {"optimizer.factor": factor, "seed": seed}
        handmade_run(
            sweep / str(number), overrides, {"train_loss": 1.0 / factor, "psnr": 30.0}, tune="optimizer.factor"
        )
    handmade_run(sweep / "3", {"optimizer.factor": 3, "seed": 1}, {}, status="diverged", tune="optimizer.factor")
    row = row_of(only(sweep), "siren")
    assert (row["optimizer.factor"], row["runs"], row["diverged"]) == ("1", "2", "1")


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
    assert "cubic exceeds 2 of 2 settings in held-out PSNR" in words(comparison)


def test_held_out_psnr_stands_beside_training_psnr(tmp_path: Path) -> None:
    jobs = [({"seed": 0}, {"psnr": 33.0, "train_psnr": 40.0, "heldout_psnr": 25.0})]
    header = tables.results(only(handmade_sweep(tmp_path / "sweep", jobs))).header
    assert header[1:3] == ("training PSNR (dB)", "held-out PSNR (dB)")


def test_a_free_constant_ranks_nothing(tmp_path: Path) -> None:
    """Plain PSNR of a field from gradients is that of the constant it happened on: neither a column nor a verdict."""
    scores = {5: (12.0, 31.0), 10: (30.0, 25.0)}
    jobs = [
        ({"task": "poisson_grad", "model.omega_0": omega}, {"psnr": plain, "psnr_mean_aligned": aligned})
        for omega, (plain, aligned) in scores.items()
    ]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    assert best_of(comparison) == {("omega_0=5", "PSNR up to a constant (dB)")}
    assert "omega_0=5 has the highest PSNR up to a constant" in words(comparison)
    assert "PSNR (dB)" not in tables.results(comparison).header


def test_the_held_out_peak_is_named(tmp_path: Path) -> None:
    jobs = [
        ({"model.omega_0": omega}, {"train_psnr": 20.0 + omega, "heldout_psnr": held})
        for omega, held in ((3, 22.0), (10, 27.0), (30, 24.0))
    ]
    comparison = only(handmade_sweep(tmp_path / "sweep", jobs))
    assert "peaks at model.omega_0=10, training PSNR at 30" in words(comparison)
    assert "disagree: omega_0=30 fits the training samples best, and is 3.00 dB below omega_0=10" in words(comparison)
    (figure,) = numbers.over_keys(comparison)
    assert "the peak of held-out samples, at 10." in figure.caption


def test_every_task_has_a_table(tmp_path: Path) -> None:
    jobs = [({"task": task}, {"psnr": 20.0, "gradient_psnr": 30.0}) for task in ("image_fit", "poisson_grad")]
    fit, poisson = compare(read([handmade_sweep(tmp_path / "sweep", jobs)])[0])
    assert "gradient PSNR (dB)" not in tables.results(fit).header
    assert "gradient PSNR (dB)" in tables.results(poisson).header


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
    assert "by, in dB: hidden=normal +20.00, hidden=siren +0.00." in words(comparison)
