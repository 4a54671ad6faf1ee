"""Every command and every block of Python in the README works, shrunk to a second."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from omegaconf import OmegaConf
from PIL import Image

from siren_pl.problems.pictures.images import bundled, image_signal
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.shapes.extraction import extracted
from siren_pl.runs.keys import conf_directory
from tests.conftest import Command, _of_kind, only_run
from tests.shapes import Torus
from tests.sounds import tone, write
from tests.system.test_devices import TWO_PROCESSES
from tests.videos import encode, turning

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^    python (train\.py.*|evaluate\.py.*)$", README, flags=re.MULTILINE)))
# What stands for the reader's own files.
STANDINS = {
    "<folder with BSDS500's 12003.jpg>": "data",
    "<folder of images>": "photos",
    "<folder of the Kodak images>": "photos",
    "<run directory>": "run",
    "<folder of sounds>": "clips",
    "<folder of videos>": "scenes",
    "<folder of bikes.mp4>": "scenes",
}

OWN_EQUATION = """
from siren_pl.problems.equations import Box, Equation

class Mine(Equation):
    domain = Box(x=(0, 1))

    def interior(self, d):
        return d.u_xx - 1
"""
# A test needs no fine mesh and no large video.
SMALLER = {"resolution=512": "resolution=32", "size=640": "size=40", "size=320": "size=40", "points=401": "points=21"}
# Options of evaluate.py that are of one kind of signal: what is trained for them, and what they write.
KINDS = {
    "sample_rate=": (("task=audio_fit",), ".wav"),
    "resolution=": (("task=shape_fit",), ".ply"),
    "points=401": (("task=equation",), ".npz"),
    "slow=4": (("task=video_fit",), ".mp4"),
    "time=0.5": (("task=video_fit",), ".png"),
    "slow=8": (("task=video_interpolation", "dataset.size=32"), ".mp4"),
    "time=0.25": (("task=video_interpolation", "dataset.size=32"), ".png"),
}
# The tasks of the paper's experiments that are of no picture.
PAPERS = {
    "paper/audio": "task=audio_fit",
    "paper/video": "task=video_fit",
    "paper/shape": "task=shape_fit",
} | dict.fromkeys(("paper/helmholtz", "paper/inverse_helmholtz", "paper/wave"), "task=equation")


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
    for name in ("small", "photo", "noisy", "a", "b", "middle", "c"):
        Image.new("RGB", (16, 16), (90, 120, 60)).save(f"{name}.png")
    for name in ("sound.wav", "gt_bach.wav", "gt_counting.wav"):
        write(name, tone(440))
    write("clips/a.wav", tone(440))
    Path("scenes").mkdir()
    for name in ("clip.mp4", "scenes/bikes.mp4"):
        encode(name, turning(32))
    mesh = extracted(Torus(), 16)
    trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).export("spot.obj")
    np.savetxt("scan.xyz", mesh.vertices)
    Path("my_equation.py").write_text(OWN_EQUATION)
    Path("measured.csv").write_text("x,u\n0.25,1\n0.5,2\n")
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


# Starting two processes takes long; test_devices runs the one command that asks for them.
HERE = [command for command in COMMANDS if command.startswith("train.py") and command != TWO_PROCESSES]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", HERE)
def test_training_commands(command: str, train: Command) -> None:
    given = arguments(command)
    # Sizes that the README chooses are shrunk like the rest; a kaiming-scaled sine may diverge, which is its lesson.
    kept = [item for item in given if not item.startswith(("dataset.size=", "dataset.points="))]
    # A seed for every model, where the README takes three.
    kept = ["seed=0" if item == "seed=0,1,2" else item for item in kept]
    if "experiment=paper" in command:
        kind = next((task for name, task in PAPERS.items() if name in command), "dataset=camera_128")
        kept += [kind, "trainer.max_steps=2"]
    kept = [*kept, *first_values(command)]
    assert train(*kept, _of_kind("dataset.size=16", tuple(kept)), "sweep.allow_divergence=true").code == 0


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("evaluate.py")])
def test_evaluation_commands(command: str, trained: Callable[..., Path], evaluate: Command, few_figures: None) -> None:
    kind, written = next((told for option, told in KINDS.items() if option in command), ((), ".png"))
    trained("run", *kind)
    options = [SMALLER.get(item, item) if kind else item for item in arguments(command)]
    assert evaluate(*options).code == 0
    assert any(path.suffix == written for path in Path("run/evaluate").rglob("*"))


def test_the_block_of_python(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    found, shape = capsys.readouterr().out.split(maxsplit=1)
    # Closer than the means of the picture's blocks of 2 × 2.
    pixels = to_unit(image_signal(bundled("camera"), size=32).values)[..., 0]
    blocks = pixels.reshape(16, 2, 16, 2).mean((1, 3)).repeat(2, 0).repeat(2, 1)
    assert float(found) > psnr(blocks, pixels)
    assert shape.strip() == "torch.Size([1024, 1])"


def test_the_resume_of_the_readme(train: Command) -> None:
    train()
    assert train(f"resume={only_run()}", "trainer.max_steps=6").code == 0


def test_the_command_for_two_processes_is_the_one_that_is_run() -> None:
    assert TWO_PROCESSES in COMMANDS


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^    make (\w+)", README, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["train", "test", "soak", "report", "bench"]
    assert all(f"\n{target}:" in makefile for target in targets)


def test_every_file_that_the_readme_links_to_exists() -> None:
    for link in re.findall(r"\]\(([\w./]+)\)", README):
        assert (ROOT / link).exists(), link
