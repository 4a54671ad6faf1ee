"""What is found of an answer, and what of it leads: in a run, and in a set of which the worst signal is named."""

from dataclasses import replace
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from siren_pl import SampledSignal, Siren, fit, image_fit
from siren_pl.runs import directory as directory_of
from siren_pl.runs.leave import draw, leave
from siren_pl.runs.signals import summed_up
from siren_pl.training.judge import Findings, Judge, Measure, leading

ERROR, SCORE = Measure("error", "m", "how far off", -1), Measure("score", "dB")


class Lengths(Judge):
    """Judges lists of numbers: by their length, with a file and two figures, one of which has nothing to show."""

    def judge(self, answer: list[float]) -> Findings:
        def write(path: Path) -> Path:
            np.save(path.with_suffix(".npy"), answer)
            return path.with_suffix(".npy")

        figures = {
            "drawn.png": lambda path, rivals: path.write_text(" ".join(rivals)),
            "empty.png": lambda path, rivals: None,
        }
        return Findings({"score": float(len(answer)), "bad": float("nan")}, {"score": SCORE}, {"a/b.x": write}, figures)


def test_metrics_and_files_are_there_before_a_rival_begins(tmp_path: Path) -> None:
    seen: list[dict[str, float]] = []

    def rival() -> list[float]:
        seen.append(directory_of.read_metrics(tmp_path))
        assert np.load(tmp_path / "files/a_b.npy").tolist() == [1.0, 2.0]
        return [0.0] * 7

    left = leave(Lengths(), [1.0, 2.0], {"long": rival, "mute": lambda: None}, tmp_path, tmp_path / "files")
    assert seen == [{"score": 2.0}]  # no NaN in a file
    assert directory_of.read_metrics(tmp_path) == {"score": 2.0, "baseline/long/score": 7.0}
    assert directory_of.read_measures(tmp_path) == {"score": SCORE}
    assert left.files == [tmp_path / "files/a_b.npy"] and list(left.rivals) == ["long"]
    assert draw(left, tmp_path / "figures") == [tmp_path / "figures/drawn.png"]
    assert (tmp_path / "figures/drawn.png").read_text() == "long"


def test_a_damaged_file_of_measures_reads_as_none(tmp_path: Path) -> None:
    for content in ("{", "[1]", '{"a": 3}', '{"a": {"colour": 1}}'):
        (tmp_path / "measures.json").write_text(content)
        assert directory_of.read_measures(tmp_path) == {}


def test_the_first_measure_that_was_measured_leads() -> None:
    assert leading(("error", "score"), {"score": 1.0, "other": 2.0}) == "score"
    assert leading(("error",), {"score": 1.0}) is None


@pytest.mark.parametrize(("measure", "name", "value"), [(ERROR, "x_max", 5.0), (SCORE, "x_min", 1.0)])
def test_the_worst_signal_of_a_set_is_named_after_what_leads(measure: Measure, name: str, value: float) -> None:
    rows = {"a": {"x": 1.0, "steps": 3.0}, "b": {"x": 5.0, "steps": 4.0}, "lost": {"diverged": 1.0, "steps": 2.0}}
    found, measures = summed_up(rows, {"x": measure})
    assert found == {"x": 3.0, name: value, "steps": 4.0, "signals": 3.0, "diverged": 1.0}
    assert list(measures) == ["x", name] and measures[name].unit == measure.unit


def test_nothing_leads_where_one_signal_lacks_it_or_all_diverged() -> None:
    found, measures = summed_up({"a": {"x": 1.0}, "b": {"y": 1.0}}, {"x": SCORE})
    assert found.keys() == {"x", "y", "signals", "diverged"} and list(measures) == ["x"]
    assert summed_up({"a": {"diverged": 1.0}}, {"x": SCORE})[0] == {"signals": 1.0, "diverged": 1.0}


class Ascent(pl.LightningModule):
    """Wants the field to be one everywhere, whatever the samples are."""

    def __init__(self, fields, problem) -> None:
        super().__init__()
        self.field, self.coords = fields.network, problem.given.coords()

    def training_step(self, batch, step):  # type: ignore[override]
        return (self.field(self.coords) - 1).square().mean()


def test_a_module_of_ones_own_is_fitted_from_python() -> None:
    signal = SampledSignal(torch.zeros(6, 5, 1))
    problem = replace(image_fit(signal), module=Ascent)
    found = fit(Siren(2, 1, 8, 1, omega_0=3.0), problem, steps=200, lr=1e-2, progress=False)
    with torch.no_grad():
        assert (found.field(signal.coords()) - 1).abs().max() < 0.2
    assert found.metrics["psnr"] < 10 and found.history[-1]["train/loss"] < found.history[0]["train/loss"]
    assert not problem.mappable and not problem.compilable
