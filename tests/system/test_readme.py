"""Every command and every block of Python in the README works, shrunk to a second."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from siren_pl.runs.keys import conf_directory
from tests.conftest import Command, only_run

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^    python (train\.py.*|evaluate\.py.*)$", README, flags=re.MULTILINE)))
# What stands for the reader's own files.
STANDINS = {
    "<folder with BSDS500's 12003.jpg>": "data",
    "<folder of images>": "photos",
    "<folder of the Kodak images>": "photos",
    "<run directory>": "run",
}


def arguments(command: str) -> list[str]:
    for placeholder, standin in STANDINS.items():
        command = command.replace(placeholder, standin)
    return shlex.split(command)[1:]


@pytest.fixture
def files() -> None:
    Path("data").mkdir()
    Image.new("L", (481, 321)).save("data/12003.jpg")
    Image.new("RGB", (40, 30)).save("photo.jpg")
    Path("photos").mkdir()
    for index in (1, 3):
        Image.new("RGB", (40, 30)).save(f"photos/kodim{index:02d}.png")
    half = np.zeros((16, 16), dtype=np.uint8)
    half[4:12, 4:12] = 255
    Image.fromarray(half).save("mask.png")
    Image.new("RGB", (64, 64)).save("large.png")
    for name in ("small", "photo", "noisy", "a", "b"):
        Image.new("RGB", (16, 16), (90, 120, 60)).save(f"{name}.png")
    np.save("scan.npy", np.zeros((30, 40), dtype=np.uint8))


def first_values(command: str) -> list[str]:
    """What shrinks the sweep of an experiment: two values of its first key, one of every other."""
    name = re.search(r"experiment=(\S+)", command)
    if name is None:
        return []
    experiment = OmegaConf.load(conf_directory() / "experiment" / f"{name[1]}.yaml")
    swept = OmegaConf.select(experiment, "hydra.sweeper.params") or {}
    return [
        f"{key}={','.join(str(values).split(',')[: 1 if number else 2])}"
        for number, (key, values) in enumerate(swept.items())
    ]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("train.py")])
def test_training_commands(command: str, train: Command) -> None:
    given = arguments(command)
    # Sizes that the README chooses are shrunk like the rest; a kaiming-scaled sine may diverge, which is its lesson.
    kept = [item for item in given if not item.startswith("dataset.size=")]
    if "experiment=paper" in command:
        kept += ["dataset=camera_128", "trainer.max_steps=2"]
    kept = [*kept, *first_values(command)]
    assert train(*kept, "dataset.size=16", "sweep.allow_divergence=true").code == 0


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("evaluate.py")])
def test_evaluation_commands(command: str, train: Command, evaluate: Command) -> None:
    train("hydra.run.dir=run")
    assert evaluate(*arguments(command)).code == 0
    assert any(path.suffix == ".png" for path in Path("run/evaluate").rglob("*"))


def test_the_block_of_python(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    psnr, shape = capsys.readouterr().out.split(maxsplit=1)
    assert float(psnr) > 25
    assert shape.strip() == "torch.Size([1024, 1])"


def test_the_resume_of_the_readme(train: Command) -> None:
    train()
    assert train(f"resume={only_run()}", "trainer.max_steps=6").code == 0


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^    make (\w+)", README, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["train", "test", "soak", "report", "bench"]
    assert all(f"\n{target}:" in makefile for target in targets)


def test_every_file_that_the_readme_links_to_exists() -> None:
    for link in re.findall(r"\]\(([\w./]+)\)", README):
        assert (ROOT / link).exists(), link
