"""Many signals in one run end as as many single runs would have, and leave the same behind."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl import SampledSignal, Siren, image_fit, load
from siren_pl.training.module import FieldModule
from tests.conftest import Command
from tests.fields import merged, module_of, run_module

SET = ("dataset=folder", "dataset.path=images", "dataset.size=null")


@pytest.fixture
def images() -> Path:
    """Five small photographs of noise in two shapes, in a folder and a subfolder."""
    generator = np.random.default_rng(0)
    (Path("images") / "more").mkdir(parents=True)
    for name, shape in {"a": (8, 6), "b": (8, 6), "c": (8, 6), "more/d": (5, 8), "more/e": (5, 8)}.items():
        Image.fromarray(generator.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(f"images/{name}.png")
    return Path("images")


def weights(run: str | Path) -> dict[str, torch.Tensor]:
    return torch.load(Path(run) / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def test_one_line_search_is_no_search_for_many_signals(images: Path, train: Command) -> None:
    ended = train(*SET, "optimizer=lbfgs")
    assert ended.code != 0 and "recipe.lbfgs=1" in ended.paragraph and "dataset.index" in ended.paragraph


@pytest.mark.parametrize(
    "options",
    [
        ("task=image_fit", "task.gradient_weight=0.1"),
        ("task=poisson_grad",),
        ("task=poisson_grad", "derivatives=reverse", "dataset.grayscale=true"),
        ("task=poisson_laplacian", "task.boundary=true"),
        ("task=poisson_laplacian", "task.integrated=false", "optimizer.clip=0.001"),
    ],
    ids=" ".join,
)
def test_together_equals_one_by_one(options: tuple[str, ...], images: Path, train: Command) -> None:
    assert train(*options, *SET, "hydra.run.dir=together").code == 0
    # One of each shape, neither the first of its stack.
    check_that_they_equal_single_runs("be", options, train)


def test_every_one_equals_its_single_run(images: Path, train: Command) -> None:
    options = ("task=image_fit", "dataset.heldout=0.25", "dataset.batch_size=16")
    assert train(*options, *SET, "hydra.run.dir=together").code == 0
    check_that_they_equal_single_runs("abcde", options, train)


def test_a_compiled_set_equals_a_run_that_is_not_compiled(images: Path, train: Command) -> None:
    """Of one shape, since every shape is compiled anew."""
    options = ("task=image_fit", "model=relu_pe")
    ended = train(*options, *SET, "compile=true", "dataset.index=[0,1]", "hydra.run.dir=together")
    assert ended.code == 0 and "uncompiled" not in ended.err
    check_that_they_equal_single_runs("b", options, train)


def check_that_they_equal_single_runs(names: str, options: tuple[str, ...], train: Command) -> None:
    for name in names:
        index = "abcde".index(name)
        assert train(*options, *SET, f"dataset.index={index}", f"hydra.run.dir=alone_{name}").code == 0
        together, alone = weights(f"together/signals/{name}"), weights(f"alone_{name}")
        assert together.keys() == alone.keys()
        for key, tensor in alone.items():
            # Batched and single products round differently, and Adam divides small gradients by smaller roots.
            torch.testing.assert_close(together[key], tensor, atol=2e-5, rtol=1e-3)
        own, lone = (
            json.loads(Path(run, "metrics.json").read_text()) for run in (f"together/signals/{name}", f"alone_{name}")
        )
        assert own["train_loss"] == pytest.approx(lone["train_loss"], rel=1e-3)  # its own, not the set's


def test_every_signal_leaves_a_run_behind(images: Path, train: Command, evaluate: Command) -> None:
    assert train(*SET, "hydra.run.dir=here", "figures=true").code == 0
    whole = json.loads(Path("here/metrics.json").read_text())
    with Path("here/signals.csv").open() as file:
        rows = {row["signal"]: float(row["psnr"]) for row in csv.DictReader(file)}
    assert list(rows) == list("abcde") and whole["signals"] == 5
    assert whole["psnr"] == pytest.approx(np.mean(list(rows.values())))
    assert whole["psnr_min"] == min(rows.values())
    assert Path("here/figures/signals.png").is_file()
    for name, psnr in rows.items():
        own = Path("here/signals") / name
        ended = evaluate(f"run={own}", "scale=2")
        assert ended.code == 0
        evaluated = next(own.glob("evaluate/*/metrics.json"))
        assert json.loads(evaluated.read_text())["psnr"] == pytest.approx(psnr, abs=1e-4)
        assert load(own)(torch.zeros(1, 2)).shape == (1, 3)
    assert "here/signals/a" in evaluate("run=here").paragraph


def test_files_of_different_depth_share_a_folder(images: Path, train: Command) -> None:
    """Samples stay in their files' types, and only those of one type are stacked."""
    levels = np.random.default_rng(1).integers(0, 2**16, (8, 6), dtype=np.uint16)
    Image.fromarray(levels).save(images / "deep.png")
    Image.fromarray((levels // 256).astype(np.uint8)).save(images / "flat.png")
    assert train(*SET, "dataset.grayscale=true", "hydra.run.dir=together").code == 0
    with Path("together/signals.csv").open() as file:
        found = {row["signal"] for row in csv.DictReader(file)}
    assert found >= {"deep", "flat", "a"}


@pytest.mark.parametrize("model", ["wire_complex", "mfn_gabor", "hash_grid", "tensor_product"])
def test_networks_of_every_make_are_fitted_together(model: str, images: Path, train: Command) -> None:
    assert train(f"model={model}", *SET, "dataset.index=[0,1]", "hydra.run.dir=together").code == 0
    assert train(f"model={model}", *SET, "dataset.index=1", "hydra.run.dir=alone").code == 0
    together, alone = weights("together/signals/b"), weights("alone")
    for key, tensor in alone.items():
        torch.testing.assert_close(together[key], tensor, atol=1e-4, rtol=1e-2)


def test_a_signal_may_be_trained_on_alone(images: Path, train: Command) -> None:
    train(*SET, "hydra.run.dir=together")
    train(*SET, "dataset.index=1", "hydra.run.dir=alone")
    for run in ("together/signals/b", "alone"):
        assert train(f"resume={run}", "trainer.max_steps=6").code == 0
    for key, tensor in weights("alone").items():
        torch.testing.assert_close(weights("together/signals/b")[key], tensor, atol=2e-5, rtol=1e-3)


def test_memory_divides_a_set_into_chunks_without_a_trace(images: Path, train: Command) -> None:
    assert train(*SET, "hydra.run.dir=whole").code == 0
    assert train(*SET, "trainer.memory_gb=1e-6", "hydra.run.dir=chunked").code == 0
    assert len(list(Path("whole/checkpoints").iterdir())) == 2  # one per shape
    assert len(list(Path("chunked/checkpoints").iterdir())) == 5
    for name in "abcde":
        for key, tensor in weights(f"whole/signals/{name}").items():
            torch.testing.assert_close(weights(f"chunked/signals/{name}")[key], tensor, atol=2e-5, rtol=1e-3)


def test_a_set_that_was_cut_off_is_continued(images: Path, train: Command) -> None:
    train(*SET, "hydra.run.dir=whole", "trainer.max_steps=6")
    train(*SET, "hydra.run.dir=cut")
    again = train("resume=cut")
    assert again.code == 0 and "finished" in again.err
    assert train("resume=cut", "trainer.max_steps=6").code == 0
    for name in "abcde":
        assert weights(f"cut/signals/{name}").keys() == weights(f"whole/signals/{name}").keys()
        assert json.loads((Path("cut/signals") / name / "metrics.json").read_text())["steps"] == 6


def test_one_field_that_diverges_leaves_the_others_alone(images: Path, train: Command) -> None:
    """A single absurd image (values 1e30, from a NumPy file) is lost; its neighbour ends as it would have alone."""
    good = SampledSignal(torch.rand(8, 8, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    absurd = SampledSignal(torch.full((8, 8, 1), 3e38))

    def fitted(*signals: SampledSignal) -> FieldModule:
        networks = [Siren(2, 1, hidden_features=8, hidden_layers=1) for _ in signals]
        fields = merged(networks, [image_fit(signal) for signal in signals])
        return run_module(module_of(fields, 5, lambda parameters: torch.optim.Adam(parameters, lr=1e-3), clip=1.0))

    both, alone = fitted(good, absurd), fitted(good)
    assert both.diverged == {1: 0}
    for mine, other in zip(both.fields.split()[0].parameters(), alone.fields.split()[0].parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_a_missing_or_empty_folder_is_named(train: Command) -> None:
    Path("empty").mkdir()
    for path in ("nowhere", "empty"):
        ended = train("dataset=folder", f"dataset.path={path}")
        assert ended.code == 1 and f"dataset.path={path}" in ended.paragraph
    assert "dataset.path=FOLDER" in train("dataset=folder").paragraph
    assert "dataset.index=" in train("dataset=folder", "dataset.index=[]", "dataset.path=empty").paragraph


def test_a_signal_of_a_set_follows_the_keys_of_its_dataset(train: Command, evaluate: Command) -> None:
    """Its configuration has the interpolations of the set's, so that what is made of the dataset's keys reads them."""
    Path("two").mkdir()
    for name in "ab":
        Image.new("L", (16, 16), 90).save(f"two/{name}.png")
    assert train("dataset=folder", "dataset.path=two", "trainer.max_steps=2", "hydra.run.dir=here").code == 0
    assert evaluate("run=here/signals/a", "dataset.size=8").code == 0
    assert [path.name for path in Path("here/signals/a/evaluate").iterdir()] == ["8x8"]
