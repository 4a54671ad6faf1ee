"""A report ranks only what is fair to rank, and chooses tuned values by what a user without the truth has."""

from pathlib import Path

from siren_pl.report import numbers, tables
from siren_pl.report.settings import Comparison
from tests.compared import best_of, only, row_of, words
from tests.handmade_runs import handmade_run, handmade_sweep


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
