"""What may be typed and what is read: the composed configuration is checked, and a field has a network of its own."""

from pathlib import Path

import pytest
import torch

from siren_pl import load
from siren_pl.runs import directory as run_directory
from tests.conftest import Command

# command line -> what the paragraph must hold: the key, what it should have been, the keys that are read
SLIPS = {
    "model=relu model.omega_0=7": ("model.omega_0 is no key of model=relu", "model.hidden_features", "model.init"),
    "model=relu ++model.omega_0=7": ("model.omega_0=7 is not read by model=relu", "model.hidden_features"),
    "experiment=paper/image_fit model=relu": ("model.omega_0=30.0 is not read by model=relu", "model.parameters"),
    "+task.keep=0.5": ("task.keep=0.5 is not read by task=image_fit", "task.gradient_weight"),
    "+dataset.note=0.5 model.omega_0=-1": ("dataset.note=0.5 is not read by dataset=camera", "model.omega_0=-1"),
    "+trainer.max_stepz=3": ("trainer.max_stepz=3 is not read by trainer=default", "trainer.max_steps"),
    "model.network.omega_0=7": ("model.network.omega_0=7 follows from model.omega_0: give model.omega_0=7",),
    "optimizer.make.lr=1": ("give optimizer.lr=1",),
    "task=inpainting task.problem.observation.keep=0.5": ("give task.keep=0.5",),
    "task=inpainting model=siren model.tiles=2": ("model.tiles is no key of model=siren", "Did you mean"),
    "nothing=1": ("nothing is no key", "--help"),
    "-m model=siren,relu model.omega_0=3,5": ("model.omega_0 is no key of model=relu",),
    "experiment=ablation/omega_0 model=relu": ("model.omega_0 is no key of model=relu",),
    "init=kaiming_normal init.first=null init.hidden=siern": ("init.hidden=siern", "init scheme"),
}


@pytest.mark.parametrize("typed", SLIPS)
def test_a_key_that_nothing_reads_is_named_with_those_that_are(typed: str, train: Command) -> None:
    ended = train(*typed.split(), "logger=none", tiny=False)
    assert ended.code == 1 and "Traceback" not in ended.err and "+model" not in ended.err
    for words in SLIPS[typed]:
        assert words in ended.paragraph


TASK = """
# @package _global_
defaults:
  - /model@fields.motion.model: siren
  - override /model: siren
task:
  strength: 0.1
  problem: {_target_: warped.task, strength: "${..strength}"}
  rules: {strength: {from: 0, of: a weight}}
fields: {motion: {model: {hidden_features: 8, hidden_layers: 0}}}
recipe: {lr: 1e-3}
"""
CODE = """
from dataclasses import dataclass, field, replace

from siren_pl import Term
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled.values import ValueTerm


@dataclass(frozen=True)
class Warped(ValueTerm):
    strength: float = 0.0

    def residuals(self, ask, points):
        flow = ask(points["coords"], field="motion").value
        return {"value": ask(points["coords"] + self.strength * flow).value - points["value"]}


def task(signal, strength):
    plain = image_fit(signal)
    motion = replace(signal.domain, out_features=2, resolution=2 * signal.domain.resolution)
    fields = plain.fields | {"motion": motion}
    return replace(plain, name="warped", fields=fields, terms={"samples": Warped(signal, strength)})
"""


@pytest.fixture
def warped(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("own/task").mkdir(parents=True)
    Path("own/task/warped.yaml").write_text(TASK.lstrip())
    Path("warped.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(Path.cwd()))


@pytest.mark.usefixtures("warped", "one_thread")
def test_every_field_has_a_network_and_a_rate_of_its_own(train: Command) -> None:
    command = ("--config-dir", "own", "task=warped", "dataset.size=48", "fields.motion.model.init=xavier_normal")
    ended = train(*command, "init=kaiming_normal", "hydra.run.dir=here")
    assert ended.code == 0, ended.err
    checkpoint = torch.load("here/checkpoints/last.ckpt", weights_only=True)
    weights = checkpoint["state_dict"]
    assert weights["network.layers.0.weight"].shape == (16, 2) and weights["others.motion.layers.0.weight"].shape == (
        8,
        2,
    )
    sizes = {name: tensor.numel() for name, tensor in weights.items()}
    assert run_directory.read_metrics(Path("here"))["parameters"] == sum(sizes.values())
    # 48 samples have an omega_0 of 5.6 and the motion's 96 one of 11.25; the rates go with 1 / omega_0.
    field, motion = (group["lr"] for group in checkpoint["optimizer_states"][0]["param_groups"])
    assert field == pytest.approx(2 * motion)
    # Xavier's spread of the motion's first layer, and He's of the leading one, which `init` is of.
    assert float(weights["others.motion.layers.0.weight"].std()) == pytest.approx((2 / (2 + 8)) ** 0.5, rel=0.5)
    found = load("here", trust=("warped",))
    assert torch.equal(found.state_dict()["layers.0.weight"], weights["network.layers.0.weight"])
    assert "fields.motion.model.omega_0=-1 must be" in train(*command, "fields.motion.model.omega_0=-1").paragraph
    wrong = train(*command, "model@fields.motion.model=relu", "++fields.motion.model.omega_0=3").paragraph
    assert "fields.motion.model.omega_0=3 is not read by fields.motion.model=relu" in wrong


def test_a_stride_may_be_given_for_each_axis(train: Command) -> None:
    ended = train("dataset.size=[12,16]", "dataset.stride=[3,1]", "model.hidden_layers=0", "hydra.run.dir=rows")
    assert ended.code == 0, ended.err
    found = run_directory.read_metrics(Path("rows"))
    assert found["points"] == 4 * 4 * 16 and {"heldout_psnr", "baseline/bicubic/heldout_psnr"} <= found.keys()
    for stride in ("[2]", "[0,1]", "0"):
        paragraph = train(f"dataset.stride={stride}").paragraph
        assert "dataset.stride=" in paragraph and "a whole number from 1, or [rows,columns]" in paragraph


@pytest.mark.usefixtures("warped")
def test_a_field_without_a_model_is_named(train: Command) -> None:
    Path("own/task/warped.yaml").write_text(TASK.replace("  - /model@fields.motion.model: siren\n", "").lstrip())
    paragraph = train("--config-dir", "own", "task=warped", "~fields.motion").paragraph
    assert "a field motion too" in paragraph and "/model@fields.motion.model: siren" in paragraph


def test_a_member_without_what_it_makes_is_named(train: Command) -> None:
    Path("own/model").mkdir(parents=True)
    Path("own/model/mine.yaml").write_text("network: {a: 1}\nrules: {}\n")
    options = ("logger=none", "trainer.max_steps=1", "dataset.size=8")
    paragraph = train("--config-dir", "own", "model=mine", *options, tiny=False).paragraph
    assert "model.network._target_" in paragraph or "model.network.a=1" in paragraph
