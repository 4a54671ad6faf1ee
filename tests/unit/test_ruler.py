"""The ruler finds what differs, and nothing else; its cases cover every task and model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.ruler import __main__, compare, explanations, reading, run
from benchmarks.ruler.cases import CASES, WARM_UP
from benchmarks.ruler.renames import SINCE_BASE, Renames
from siren_pl.runs.keys import conf_directory

PAGE = """<html><head><style>p {{}}</style></head><body><h2>1 Results</h2><p>Mean of <em>2</em> seeds.</p>
<table><thead><tr><th>setting</th><th>time (s)</th><th>PSNR (dB)</th></tr></thead>
<tbody><tr><td><strong>siren</strong></td><td>{seconds}</td><td>{psnr}</td></tr></tbody></table>
<pre>python train.py {seconds}</pre><img src="data:image/png;base64,{seconds}"></body></html>"""


def leave(directory: Path, psnr: float = 20.1, weight: float = 1.0, seconds: float = 1.0, prefix: str = "") -> Path:
    """What a case may leave behind."""
    for folder in ("checkpoints", "predictions", "figures", ".hydra", "csv"):
        (directory / "run" / folder).mkdir(parents=True)
    (directory / "ended.json").write_text("[0]")
    here = directory / "run"
    (here / "status").write_text("finished\n")
    (here / "metrics.json").write_text(json.dumps({"psnr": psnr, "wall_s": seconds, "baseline/noisy/psnr": 1.0}))
    (here / "layers.json").write_text(json.dumps({"initial": [{"spread": 0.5}, {"spread": psnr}]}))
    (here / "csv" / "metrics.csv").write_text(f"step,eval/psnr,final/wall_s\n1,{psnr},\n1,,{seconds}\n")
    (here / ".hydra" / "config.yaml").write_text(f"seconds: {seconds}")
    (here / "run.log").write_text(str(seconds))
    state = {f"{prefix}first": torch.zeros(3), f"{prefix}last": torch.tensor([weight, float("nan")])}
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    torch.save({"state_dict": state, "optimizer_states": [optimizer]}, here / "checkpoints" / "last.ckpt")
    pixels = np.full((4, 5, 3), 7, dtype=np.uint8)
    pixels[0, :2, 1] += np.uint8(weight)
    Image.fromarray(pixels).save(here / "predictions" / "a.png")
    (here / "figures" / "curve.png").write_text(str(seconds))
    (directory / "report.html").write_text(PAGE.format(seconds=seconds, psnr=psnr))
    return directory


def differences(tmp_path: Path, renames: Renames = SINCE_BASE, base: dict | None = None, **head: object) -> dict:
    found = compare.directories(
        leave(tmp_path / "base", **(base or {})), leave(tmp_path / "head", **head), [0], renames
    )
    return {each.place: each.text for each in found.differences}


def test_seconds_and_what_was_typed_are_no_difference(tmp_path: Path) -> None:
    assert differences(tmp_path, seconds=99.0) == {}
    verdict = compare.directories(tmp_path / "base", tmp_path / "head", [0], SINCE_BASE)
    assert verdict.redrawn == ("run/figures/curve.png",) and verdict.files == 8


def test_the_last_bit_of_a_metric_is_named_wherever_it_stands(tmp_path: Path) -> None:
    head = float(np.nextafter(20.1, 21))
    found = differences(tmp_path, psnr=head)
    assert found["run/metrics.json:psnr"] == f"20.1, {head}"
    assert found["run/layers.json:initial.1.spread"] == f"20.1, {head}"
    assert found["run/csv/metrics.csv:row 0 eval/psnr"] == f"20.1, {head}"
    assert found["report.html:text"] == f"2 lines: -siren | 20.1 / +siren | {head}"
    assert len(found) == 4


def test_weights_and_pixels_say_how_far_they_are_apart(tmp_path: Path) -> None:
    found = differences(tmp_path, weight=3.0)
    assert found == {
        "run/checkpoints/last.ckpt:weight": "1 of 2 tensors, by 2 at most",
        "run/predictions/a.png:pixels": "2 of 60 numbers, by 2 levels at most",
        "run/predictions/a.png:bytes": found["run/predictions/a.png:bytes"],
    }


def test_the_sign_of_zero_is_a_bit(tmp_path: Path) -> None:
    found = differences(tmp_path, base={"weight": 0.0}, weight=-0.0)
    assert found == {"run/checkpoints/last.ckpt:weight": "1 of 2 tensors, by 0 at most"}


def test_what_changed_its_name_alone_is_no_difference(tmp_path: Path) -> None:
    head = leave(tmp_path / "head", prefix="fields.")
    base = leave(tmp_path / "base", prefix="network.")
    (base / "run" / "metrics.json").write_text(json.dumps({"snr": 20.1, "baseline/noisy/snr": 1.0}))
    (base / "run" / "predictions").rename(base / "run" / "pictures")
    renames = Renames(
        metrics={"snr": "psnr"}, weights={"network.": "fields."}, files={"run/pictures": "run/predictions"}
    )
    assert compare.directories(base, head, [0], renames).differences == ()
    assert compare.directories(base, head, [0], SINCE_BASE).differences


def test_a_file_or_a_metric_of_one_side_alone_is_named(tmp_path: Path) -> None:
    base, head = leave(tmp_path / "base"), leave(tmp_path / "head")
    (base / "run" / "status").unlink()
    (head / "run" / "metrics.json").write_text(json.dumps({"psnr": 20.1}))
    found = {each.place: each.text for each in compare.directories(base, head, [0], SINCE_BASE).differences}
    assert found == {
        "run/status": "only in the head",
        "run/metrics.json:baseline/noisy/psnr": "only in the base: 1.0",
    }


def test_a_case_that_fails_on_both_sides_is_no_success(tmp_path: Path) -> None:
    base, head = leave(tmp_path / "base"), leave(tmp_path / "head")
    found = compare.directories(base, head, [1], SINCE_BASE).differences
    assert [each.place for each in found] == ["exit codes", "exit codes"]
    nowhere = compare.directories(tmp_path / "x", tmp_path / "y", [0], SINCE_BASE).differences
    assert [each.place for each in nowhere] == ["exit codes", "exit codes", "."]


def test_explanations_match_places_and_tell_which_of_them_are_stale() -> None:
    found = explanations.parse(["# why", "", "fit*/run/metrics.json:psnr_8bit  rounded as Pillow does", "set/*  gone"])
    assert found.of("fit_photo/run/metrics.json:psnr_8bit") == "rounded as Pillow does"
    assert found.of("fit_photo/run/metrics.json:psnr") is None
    assert found.unused == ["set/*"]
    with pytest.raises(ValueError, match="gives no reason"):
        explanations.parse(["set/* gone"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("recipe.lr=1", "task.lr=1"),
        ("++recipe.clip=null", "++task.clip=null"),
        ("recipes.lr=1", "recipes.lr=1"),
        ("trainer.max_steps=1", "trainer.steps=1"),
        ("model=tiles", "model=grid_of_sirens"),
        ("model=tiles_2", "model=tiles_2"),
    ],
)
def test_arguments_are_translated_for_the_base(given: str, told: str) -> None:
    keys = {"task": "recipe", "trainer.steps": "trainer.max_steps", "model=grid_of_sirens": "model=tiles"}
    assert Renames(keys=keys).for_base(given) == told


@pytest.mark.parametrize("group", ["task", "model", "derivatives", "init"])
def test_every_member_of_these_groups_has_a_case(group: str) -> None:
    members = {path.stem for path in (conf_directory() / group).glob("[!_]*.yaml")}
    typed = {argument for case in CASES for step in case.steps for argument in step.arguments}
    # What is composed without a word of it.
    typed |= {"task=image_fit", "model=siren", "derivatives=auto", "init=own"}
    named = {
        value
        for argument in typed
        if argument.startswith(f"{group}=")
        for value in argument[len(group) + 1 :].split(",")
    }
    schemes = {argument.partition("=")[2] for argument in typed if argument.startswith("init.")}
    assert members <= named | (schemes if group == "init" else set())


def test_cases_have_names_of_their_own_and_the_commands_are_plain_data() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    plan = run._plan(CASES, Renames(keys={"epochs": "trainer.max_steps"}))
    assert json.loads(json.dumps(plan)) == plan
    assert len(plan["warm_up"]) == len(WARM_UP)
    assert "epochs=30" in plan["cases"]["fit"][0][1] and "epochs=30" not in run._plan(CASES, None)["cases"]["fit"][0][1]


def test_bad_options_are_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for arguments, said in (
        (["base=nowhere", "only=no_such_case"], "names no case"),
        (["base=HEAD", "only=fit", f"keep={tmp_path / 'full'}"], "is not empty"),
        (["base=no-such-commit", "only=fit"], "no-such-commit"),
        (["head=HEAD"], "python -m benchmarks.ruler"),
    ):
        assert __main__.main(arguments) == 1
        assert said in capsys.readouterr().err


def test_files_that_say_how_a_run_was_made_are_left_aside(tmp_path: Path) -> None:
    assert not {"run/run.log", "run/.hydra/config.yaml", "ended.json"} & {*reading.files(leave(tmp_path / "case"))}


def test_tuples_of_numbers_are_compared_too() -> None:
    (found,) = compare._of_values("last.ckpt", {"betas": (0.9, 0.999)}, {"betas": (0.9, 0.95)})
    assert found.text == "2 lines: -0.999 / +0.95"
