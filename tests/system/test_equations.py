"""Equations from the command line: docs/equations.md as it stands, a user's file, trust, resume, what is refused."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from tests.conftest import Command

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "equations.md").read_text()
COMMANDS = re.findall(r"^    python (train\.py.*)$", GUIDE, flags=re.MULTILINE)
QUICK = ("model.hidden_features=32", "model.hidden_layers=1")
FRICTION = 0.3


@pytest.fixture(autouse=True)
def files() -> None:
    found = re.findall(r"```python\n# file: (\S+)\n(.*?)```", GUIDE, flags=re.DOTALL)
    for name, text in found:
        Path(name).write_text(text)
    t = np.linspace(0, 10, 60)
    swing = solve_ivp(lambda _, y: (y[1], -FRICTION * y[1] - np.sin(y[0])), (0, 10), (1.2, 0), t_eval=t, rtol=1e-8)
    rows = [f"{a!r},{b!r}" for a, b in zip(t.tolist(), swing.y[0].tolist(), strict=True)]
    Path("swings.csv").write_text("\n".join(["t,angle", *rows]))


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


def test_the_guides_pendulum_finds_its_friction(train: Command, evaluate: Command, one_thread: None) -> None:
    pendulum = ("task=equation", "task.equation=pendulum.py", "dataset.path=swings.csv", "hydra.run.dir=run")
    ended = train(*pendulum, "trainer.max_steps=600", *QUICK, "figures=true")
    assert ended.code == 0, ended.err
    assert metrics("run")["unknown/friction"] == pytest.approx(FRICTION, rel=0.1)
    assert metrics("run")["residual"] < 0.2
    assert {path.name for path in Path("run/figures").iterdir()} == {"curve.png", "angle.png"}
    assert Path("run/predictions/pendulum.py").read_text() == Path("pendulum.py").read_text()
    for name in ("pendulum.py", "swings.csv"):
        Path(name).unlink()
    assert "add trust=pendulum" in evaluate("run=run", "points=33").paragraph
    assert evaluate("run=run", "points=33", "trust=pendulum").code == 0
    found = np.load("run/evaluate/33_points/pendulum.npz")
    truth = solve_ivp(
        lambda _, y: (y[1], -FRICTION * y[1] - np.sin(y[0])), (0, 10), (1.2, 0), t_eval=found["axis_t"], rtol=1e-8
    ).y[0]
    assert np.abs(found["angle"] - truth).max() < 0.1
    assert "whole number from 2" in evaluate("run=run", "points=1", "trust=pendulum").paragraph


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_guide_runs(command: str, train: Command) -> None:
    ended = train(*shlex.split(command)[1:], "trainer.max_steps=2")
    assert ended.code == 0, ended.err


def test_the_guides_python_solves_its_equation(capsys: pytest.CaptureFixture[str], one_thread: None) -> None:
    (text,) = re.findall(r"```python\nfrom siren_pl.*?```", GUIDE, flags=re.DOTALL)
    torch.manual_seed(0)
    exec(text.removeprefix("```python\n").removesuffix("```"), {"__name__": "guide"})
    assert float(capsys.readouterr().out) < 0.05


@pytest.mark.parametrize("integrate", ["true", "false"])
def test_a_linear_equation_comes_close_to_its_reference(integrate: str, train: Command, one_thread: None) -> None:
    options = ("task=equation", "task.equation=heat", f"task.integrate={integrate}", "hydra.run.dir=run", *QUICK)
    ended = train(*options, "trainer.max_steps=150", "task.lattice=24", "dataset.batch_size=256")
    assert ended.code == 0, ended.err
    found = metrics("run")
    # A field of zero has an error of 1.
    assert found["relative_l2"] < 0.15 and found["relative_l2"] == found["relative_l2/u"]
    assert 0 < found["baseline/finite_differences/relative_l2"] < 0.05
    leading = next(iter(json.loads(Path("run/measures.json").read_text())))
    assert leading == "relative_l2"


def test_a_resumed_run_equals_one_that_was_not_interrupted(train: Command, one_thread: None) -> None:
    options = (
        "task=equation",
        "task.balance=gradient_norm",
        "task.adaptive.interior=0.5",
        "task.refresh=3",
        "task.causal=1.0",
        "optimizer.schedule=constant",
        *QUICK,
    )
    train(*options, "trainer.max_steps=11", "hydra.run.dir=whole")
    train(*options, "trainer.max_steps=5", "hydra.run.dir=part")
    assert train("resume=part", "trainer.max_steps=11").code == 0
    whole, part = (torch.load(f"{run}/checkpoints/last.ckpt", weights_only=True) for run in ("whole", "part"))
    for name, weight in whole["state_dict"].items():
        assert torch.equal(weight, part["state_dict"][name]), name


def test_a_last_phase_of_lbfgs_lowers_the_loss_and_resumes(train: Command, one_thread: None) -> None:
    options = ("task=equation", "task.equation=heat", "recipe.lbfgs=0.6", *QUICK, "dataset.batch_size=256")
    train(*options, "trainer.max_steps=100", "hydra.run.dir=whole")
    train(*options[:2], *options[3:], "trainer.max_steps=40", "hydra.run.dir=first")
    assert metrics("whole")["relative_l2"] < 0.5 * metrics("first")["relative_l2"]
    assert "recipe.lbfgs" in train(*options, "recipe.lbfgs=1.5").paragraph


def test_a_time_has_a_film_and_a_complex_output_is_written(train: Command) -> None:
    assert train("task=equation", "task.equation=wave_2d", "trainer.max_steps=2", "hydra.run.dir=wave").code == 0
    assert {path.name for path in Path("wave/predictions").iterdir()} == {"wave_2d.npz", "wave_2d.mp4"}
    assert train("task=equation", "task.equation=helmholtz", "trainer.max_steps=2", "hydra.run.dir=h").code == 0
    assert np.iscomplexobj(np.load("h/predictions/helmholtz.npz")["u"])


def test_unknown_coefficients_are_scored(train: Command) -> None:
    ended = train("task=equation", "task.equation=coefficient", "trainer.max_steps=2", "hydra.run.dir=run")
    assert ended.code == 0 and {"relative_l2/u", "relative_l2/a"} <= metrics("run").keys()


BAD = {
    "t,angle\n0,1\n0.5": "line 3 has 1 values for 2 columns",
    "t,angle\n0,x\n": "a value that is no number",
    "t,angle\n0,nan\n": "column angle that are NaN",
    "0,1\n1,2\n": "has no header",
    "t,angle\n": "holds no measurement",
    "s,angle\n0,1\n": "has no column t; the axes are t",
    "t\n0\n": "places and no values",
    "t,speed\n0,1\n": "no outputs of Pendulum, which are angle",
    "t,angle\n0,1\n11,1\n": "1 of the 2 places lie outside of the domain, the first of them at t=11",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_measurements_are_named(text: str, train: Command) -> None:
    Path("bad.csv").write_text(text)
    ended = train("task=equation", "task.equation=pendulum.py", "dataset.path=bad.csv")
    assert ended.code == 1 and BAD[text] in ended.paragraph and "Traceback" not in ended.err


def test_bad_equations_are_named(train: Command) -> None:
    head = "from siren_pl.problems.equations import Box, Equation\n"
    files = {
        "syntax.py": ("def f(:\n", "syntax.py, line 1: SyntaxError"),
        "empty.py": (head, "must define one subclass of Equation; it defines none"),
        "wrong.py": (head + "class A(Equation):\n    domain = Box(x=(1, 0))\n", "must be finite and in order"),
        "lacking.py": (head + "class A(Equation):\n    domain = Box(x=(0, 1))\n", "A cannot be made"),
        "raising.py": (head + "\n1 / 0\n", "raising.py, line 3: ZeroDivisionError"),
    }
    for name, (text, said) in files.items():
        Path(name).write_text(text)
        ended = train("task=equation", f"task.equation={name}")
        assert ended.code == 1 and said in ended.paragraph, ended.err
    assert "cannot be read" in train("task=equation", "task.equation=none.py").paragraph
    assert "choose among poisson, heat" in train("task=equation", "task.equation=none").paragraph
    assert "dataset=measurements" in train("task=equation", "dataset=camera").paragraph
    assert "is not linear" in train("task=equation", "task.integrate=true").paragraph
