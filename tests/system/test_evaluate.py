"""A run directory alone brings the field back: scored again, rendered at any size, and no stranger's code is run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from siren_pl import load
from siren_pl.errors import UserError
from siren_pl.problems.sampled.signal import SampledSignal
from tests.conftest import Command


@pytest.fixture
def run(train: Command) -> Path:
    assert train("task=poisson_grad", "dataset=coffee", "dataset.size=[12,16]", "hydra.run.dir=run").code == 0
    return Path("run")


def test_scores_again_what_training_scored(run: Path, evaluate: Command) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert evaluate("run=run").code == 0
    again = json.loads((run / "evaluate/12x16/metrics.json").read_text())
    first = json.loads((run / "metrics.json").read_text())
    assert again == {name: pytest.approx(first[name], abs=1e-9) for name in again}
    assert again.keys() >= {"psnr", "psnr_mean_aligned", "gradient_psnr", "baseline/poisson_solver/psnr"}
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.parametrize(
    ("argument", "size"),
    [
        ("scale=4", (48, 64)),
        ("scale=0.5", (6, 8)),
        ("size=10,30", (10, 30)),
        ("size=[5,7]", (5, 7)),
        ("size=32", (24, 32)),
    ],
)
def test_renders_at_any_size(argument: str, size: tuple[int, int], run: Path, evaluate: Command) -> None:
    assert evaluate("run=run", argument).code == 0
    with Image.open(run / f"evaluate/{size[0]}x{size[1]}/coffee.png") as image:
        assert image.size == size[::-1] and image.mode == "RGB"


def test_the_picture_is_the_field_at_pixel_centres(train: Command, evaluate: Command) -> None:
    """Independent of the renderer: the field called with coordinates computed here by the contract's formula."""
    train("hydra.run.dir=run", "dataset.size=[6,10]")
    assert evaluate("run=run", "scale=3").code == 0
    field = load("run")
    y = (2 * np.arange(18) + 1 - 18) / 30  # the longer side has 30 pixels
    x = (2 * np.arange(30) + 1 - 30) / 30
    coords = torch.tensor(np.stack(np.meshgrid(y, x, indexing="ij"), -1).reshape(-1, 2)).float()
    with torch.no_grad():
        values = field(coords).numpy().reshape(18, 30)
    expected = np.clip(np.round((values + 1) * 127.5), 0, 255)
    picture = np.asarray(Image.open("run/evaluate/18x30/camera.png"), dtype=float)
    assert np.abs(picture - expected).max() <= 1  # a tie may be rounded either way


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("run=<run directory>",)),
        (("run=nowhere",), ("run=nowhere", "not a run directory")),
        (("run=run", "scale=abc"), ("scale=abc", "positive")),
        (("run=run", "size=0,4"), ("size=0,4", "height,width")),
        (("run=run", "scale=2", "size=4"), ("not both",)),
        (("run=run", "sclae=2"), ("sclae", "not an option")),
        (("run=run", "size=99999999,99999999"), ("2^31",)),
    ],
)
def test_slips(arguments: tuple[str, ...], words: tuple[str, ...], run: Path, evaluate: Command) -> None:
    ended = evaluate(*(arguments or ("scale=2",)))
    assert ended.code == 1 and "Traceback" not in ended.err
    assert all(word in ended.paragraph for word in words)


def test_a_sweep_directory_names_its_jobs(train: Command, evaluate: Command) -> None:
    train("-m", "seed=1,2", "hydra.sweep.dir=sweep")
    assert "sweep/0" in evaluate("run=sweep").paragraph


def test_a_strangers_configuration_runs_no_code(run: Path, evaluate: Command, train: Command) -> None:
    config = OmegaConf.load(run / ".hydra/config.yaml")
    for key, value in (
        ("dataset.signal.source", {"_target_": "os.system", "command": "touch pwned"}),
        ("model.network._target_", "os.system"),
        ("model.network._target_", "siren_pl.runs.create.create"),
        ("baselines.evil", {"_target_": "subprocess.getoutput", "cmd": "touch pwned"}),
        ("optimizer.make._target_", "builtins.exec"),
    ):
        changed = config.copy()
        OmegaConf.update(changed, key, value, merge=False, force_add=True)
        OmegaConf.save(changed, run / ".hydra/config.yaml")
        for ended in (evaluate("run=run"), train("resume=run", "trainer.max_steps=9")):
            assert ended.code == 1 and "nothing was run" in ended.paragraph
    assert not Path("pwned").exists()


def test_trust_admits_a_package_of_ones_own(run: Path, evaluate: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path("theirs")
    package.mkdir()
    (package / "__init__.py").write_text("from siren_pl import Siren as Mine\n")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(sys.modules, "theirs", raising=False)  # another test may have had a package of this name
    config = OmegaConf.load(run / ".hydra/config.yaml")
    config.model.network._target_ = "theirs.Mine"
    OmegaConf.save(config, run / ".hydra/config.yaml")
    assert "trust=theirs" in evaluate("run=run").paragraph
    assert evaluate("run=run", "trust=theirs").code == 0
    assert load(run, "theirs").in_features == load(run, ("theirs",)).in_features == 2
    with pytest.raises(UserError, match="trust="):
        load(run, "the")


def test_load_gives_the_trained_field(run: Path) -> None:
    field = load(run)
    signal = SampledSignal(torch.zeros(12, 16, 3))
    assert field(signal.coords()).shape == (192, 3)
    weights = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert torch.equal(field.state_dict()["layers.0.weight"], weights["network.layers.0.weight"])


def test_a_notebook_needs_neither_hydra_nor_wandb() -> None:
    code = (
        "import sys\nfrom siren_pl import Siren, ForwardDerivatives, fit, image_fit\n"
        "print({'hydra', 'wandb', 'omegaconf'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


@pytest.mark.parametrize("model", ["hash_grid", "tensor_product", "wire_complex"])
def test_a_network_sized_by_a_budget_is_found_again(model: str, train: Command, evaluate: Command) -> None:
    assert train(f"model={model}", "model.parameters=6000", "hydra.run.dir=run").code == 0
    assert evaluate("run=run", "scale=2").code == 0
    weights = sum(parameter.numel() for parameter in load("run").parameters())
    assert weights == json.loads(Path("run/metrics.json").read_text())["parameters"] <= 6000
