"""Compiling changes speed, not results; where there is no compiler the run goes on without, and says so once."""

import json
from pathlib import Path

import pytest
import torch

from siren_pl.training.compilation import Compilation
from tests.conftest import Command


def test_a_compiled_run_equals_an_eager_one_within_rounding(train: Command) -> None:
    arguments = ("task=poisson_laplacian", "dataset.size=12", "trainer.max_steps=3")
    ended = train(*arguments, "compile=true", "hydra.run.dir=compiled")
    assert ended.code == 0 and "uncompiled" not in ended.err
    assert train(*arguments, "compile=false", "hydra.run.dir=eager").code == 0
    compiled, eager = (json.loads(Path(f"{name}/metrics.json").read_text()) for name in ("compiled", "eager"))
    # Fused sums round elsewhere, and three steps of Adam on float32 carry that to the fourth digit of 20 dB.
    assert compiled["psnr_mean_aligned"] == pytest.approx(eager["psnr_mean_aligned"], abs=0.01)
    assert torch.load("compiled/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["compile"] is True


def test_half_precision_is_compiled(train: Command) -> None:
    """Of first derivatives; second ones are compiled above, values in test_many, and the rest by `make soak`."""
    check_that_it_is_compiled("poisson_grad", "bf16-then-32", train)  # both kinds of steps


def check_that_it_is_compiled(task: str, precision: str, train: Command) -> None:
    """A run that cannot be compiled goes on without, so that only this check would notice."""
    options = (f"task={task}", "dataset.size=12", "trainer.max_steps=2", f"trainer.precision={precision}")
    ended = train(*options, "compile=true", "hydra.run.dir=here")
    assert ended.code == 0 and "uncompiled" not in ended.err
    assert torch.load("here/checkpoints/last.ckpt", weights_only=True)["siren_pl"]["compile"] is True


def test_a_missing_compiler_is_done_without(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from torch._inductor.exc import InvalidCxxCompiler

    def broken(function: object, **_: object) -> object:
        def call(*_: object) -> None:
            raise InvalidCxxCompiler

        return call

    monkeypatch.setattr(torch, "compile", broken)
    compilation = Compilation(True, 0)
    double = compilation.wrap(lambda x: 2 * x)
    assert [double(1), double(2)] == [2, 4]
    assert compilation.chosen is False
    assert len([record for record in caplog.records if "uncompiled" in record.message]) == 1


def test_an_error_of_the_functions_own_is_not_swallowed() -> None:
    def wrong(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Compilation(False, 0).wrap(wrong)(1)


@pytest.mark.parametrize(("work", "chosen"), [(1e3, False), (1e9, True)])
def test_auto_weighs_the_runs_length(work: float, chosen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    compilation = Compilation(None, work)
    compilation.wrap(abs)
    assert compilation.chosen is chosen


def test_the_choice_is_kept_by_a_resumed_run(train: Command) -> None:
    assert "compile=auto chose false" in train("compile=auto", "hydra.run.dir=here").err
    kept = torch.load("here/checkpoints/last.ckpt", weights_only=True)["siren_pl"]
    assert kept["compile"] is False
    assert "compile=auto" not in train("resume=here", "trainer.max_steps=6").err
