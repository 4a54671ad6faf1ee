"""Every slip is answered by one paragraph that names the key or the file and the cure, exit code 1, no traceback."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from siren_pl.problems.operators import downsampling
from tests.conftest import Command

ROOT = Path(__file__).resolve().parents[2]

# override -> what the paragraph must hold
SLIPS = {
    "model.omga_0=3": ("model.omga_0", "Did you mean model.omega_0?"),
    "model.omega_0=abc": ("model.omega_0=abc", "positive number"),
    "model.omega_0=-3": ("model.omega_0=-3", "positive number"),
    "model.omega_0=nan": ("model.omega_0=nan", "positive number"),
    "model.hidden_features=0": ("model.hidden_features=0", "from 1"),
    "model.hidden_layers=1.5": ("model.hidden_layers=1.5", "whole number"),
    "dataset.size=-4": ("dataset.size=-4", "positive number of pixels"),
    "dataset.size=[4]": ("dataset.size=[4]", "[height,width]"),
    "dataset.heldout=1.5": ("dataset.heldout=1.5", "fraction"),
    "dataset.batch_size=none": ("dataset.batch_size=none", "full"),
    "dataset.crop=[0,0,9999,10]": ("dataset.crop=[0, 0, 9999, 10]", "512 rows", "smaller crop"),
    "dataset.grid=middle": ("dataset.grid=middle", "centres or corners"),
    "init.first=siern": ("init.first=siern", "init scheme"),
    "optimizer.lr=0": ("optimizer.lr=0", "positive number"),
    "trainer.max_steps=0": ("trainer.max_steps=0", "from 1"),
    "trainer.precision=16": ("trainer.precision=16", "bf16-mixed"),
    "task=nope": ("task", "image_fit", "poisson_grad"),
    "model=nope": ("model", "siren"),
    "compile=perhaps": ("compile=perhaps", "auto, true or false"),
    "task.gradient_weight=-1": ("task.gradient_weight=-1", "from 0"),
    "dataset=image": ("dataset=image", "dataset.path=FILE"),
    "dataset.size=": ("dataset.size", "pixels"),
    "+model.omega=3": ("model.omega=3 is not read by model=siren", "model.omega_0"),
    "model._target_=nowhere.Net": ("model._target_ is no key of model=siren", "model.omega_0"),
    "model.network._target_=nowhere.Net": ("_target_=nowhere.Net", "cannot be found"),
    "model.hidden_features=1000000000000": ("not enough memory", "sizes of the model"),
    "model.omega_0='???'": ("model.omega_0 has no value",),
    "seed=null": ("seed=null", "whole number"),
    "seed=true": ("seed=true", "whole number"),
    "seed=9223372036854775808": ("seed=9223372036854775808", "2^63"),
    "model.omega_0=true": ("model.omega_0=true", "positive number"),
    "dataset.heldout=false": ("dataset.heldout=false", "fraction"),
    "dataset.size=[true,4]": ("dataset.size=[true, 4]", "[height,width]"),
    "trainer.accelerator=tpu": ("trainer.accelerator=tpu", "choose auto"),
    "trainer.strategy=foo": ("trainer.strategy=foo", "choose auto"),
    "model.omega_0=1e-300": ("too large for float32", "larger model.omega_0"),
    "dataset.size=[100000,100000]": ("dataset.size=[100000, 100000]", "smaller dataset.size"),
    "hydra.run.dir=/proc/x": ("/proc/x cannot be", "hydra.run.dir"),
    "model=_perceptron": ("model=_perceptron", "siren, siren_pe"),
    "dataset=_image": ("dataset=_image", "camera", "folder"),
    "init=_schemes": ("init=_schemes", "xavier_normal"),
    "experiment/ablation=depth": ("experiment/ablation=depth", "experiment=ablation/depth."),
    "experiment=ablation": ("experiment=ablation", "ablation/depth"),
}


# Options that leave a term of the loss without a target.
EMPTY = {
    "every other pixel has no neighbour": (
        ("task.gradient_weight=0.1", "dataset.stride=2"),
        ("task.gradient_stencil=central", "dataset.stride=2", "task.gradient_weight=0"),
    ),
    "one stencil reads everything": (
        ("task.gradient_weight=0.1", "task.gradient_stencil=spectral", "dataset.heldout=0.01"),
        ("task.gradient_stencil=spectral", "dataset.heldout=0.01", "choose central"),
    ),
    "slopes of a few pixels": (
        ("task=poisson_grad", "task.integrated=false", "task.stencil=central", "dataset.stride=2"),
        ("task.stencil=central", "dataset.stride=2", "hold out less"),
    ),
    "nothing but border": (
        ("task=poisson_laplacian", "task.integrated=false", "task.border=false", "dataset.size=2"),
        ("task.border=false", "task.border=true", "larger dataset.size"),
    ),
}


@pytest.mark.parametrize("case", EMPTY)
def test_a_term_without_targets_is_named(case: str, train: Command) -> None:
    options, words = EMPTY[case]
    ended = train(*options)
    assert ended.code == 1 and "Traceback" not in ended.err
    assert all(word in ended.paragraph for word in words), ended.paragraph


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_with_its_cure(slip: str, train: Command) -> None:
    ended = train("figures=false", slip, tiny=False)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    for word in SLIPS[slip]:
        assert word in ended.paragraph


def test_a_hash_grid_has_a_cell(train: Command) -> None:
    paragraph = train("model=hash_grid", "model.coarsest=0.5").paragraph
    assert "model.coarsest=0.5" in paragraph and "from 1" in paragraph


@pytest.mark.parametrize("key", ["init", "_target_", "foo"])
def test_a_budget_needs_the_key_of_a_size(key: str, train: Command) -> None:
    paragraph = train(f"model.sized_by={key}", "model.parameters=1000").paragraph
    assert f"model.sized_by={key}" in paragraph and "hidden_features, hidden_layers" in paragraph


def test_no_more_processes_than_cores(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("torch.multiprocessing.start_processes", start)
    paragraph = train("trainer.devices=3", "trainer.accelerator=cpu").paragraph
    assert "trainer.devices=3" in paragraph and "2 or fewer" in paragraph


def test_advice_is_not_what_is_set_already(train: Command) -> None:
    paragraph = train("task.gradient_weight=1", "dataset.stride=16").paragraph
    assert "task.gradient_weight=0" in paragraph and "choose central" not in paragraph


def test_pictures_of_a_few_pixels_are_compared_and_drawn(train: Command, left_out: list[str]) -> None:
    """With four pixels a mask may hide none; one pixel is no picture to scikit-image; one sample fills nothing."""
    inpainting = ("task=inpainting", "model=siren", "dataset.size=[2,2]", "figures=true", "hydra.run.dir=four")
    assert train(*inpainting).code == 0
    assert Path("four/figures/restoration.png").is_file()
    assert train("task=denoising", "dataset.size=[1,1]", "hydra.run.dir=one").code == 0
    assert "baseline/non_local_means/psnr" in json.loads(Path("one/metrics.json").read_text())
    assert not left_out
    assert train("dataset.stride=16").code == 0
    (told,) = left_out
    assert told.startswith("baseline/cubic is left out: QhullError") and "While executing" not in told
    left_out.clear()


def test_a_blur_narrower_than_a_pixel_takes_the_nearest(train: Command) -> None:
    """Of four that are equally near, their mean."""
    options = ("task.scale=2", "task.kernel=gaussian", "task.blur=0.01", "hydra.run.dir=here")
    assert train("task=super_resolution", "dataset.size=8", "model=siren", *options).code == 0
    metrics = json.loads(Path("here/metrics.json").read_text())
    assert metrics["diverged"] == 0 and math.isfinite(metrics["psnr"])
    values = torch.rand(8, 8, 1)
    nearest = values.reshape(4, 2, 4, 2, 1).mean((1, 3))
    torch.testing.assert_close(downsampling(2, "gaussian", 0.01).apply(values), nearest)


def test_several_slips_are_told_together(train: Command) -> None:
    paragraph = train("model.omega_0=abc", "dataset.heldout=2").paragraph
    assert "model.omega_0=abc" in paragraph and "dataset.heldout=2" in paragraph


def test_numbers_may_be_written_as_floats(train: Command) -> None:
    assert train("trainer.max_steps=3e0", "hydra.run.dir=here").code == 0


def test_derivative_tasks_with_gaps_name_the_way_out(train: Command) -> None:
    paragraph = train("task=poisson_grad", "dataset.heldout=0.1").paragraph
    assert "task.integrated=false" in paragraph and "task.stencil=central" in paragraph
    way_out = ("task.integrated=false", "task.stencil=central", "dataset.heldout=0.1")
    assert train("task=poisson_grad", *way_out, "hydra.run.dir=out").code == 0


def test_reverse_derivatives_cannot_do_a_laplacian(train: Command) -> None:
    assert "derivatives=forward" in train("task=poisson_laplacian", "derivatives=reverse").paragraph


def test_compiled_autograd_is_refused(train: Command) -> None:
    assert "compile=true" in train("derivatives=autograd", "compile=true").paragraph


def test_debug_shows_the_traceback(train: Command) -> None:
    ended = train("dataset=image", "debug=true")
    assert ended.code == 1 and "Traceback" in ended.err


def test_divergence_leaves_its_metrics_and_the_last_finite_state(train: Command) -> None:
    ended = train("optimizer.lr=1e30", "optimizer.warmup=0", "trainer.max_steps=20", "hydra.run.dir=here")
    assert ended.code == 1 and "diverged" in ended.err and "optimizer.lr" in ended.err
    metrics = json.loads(Path("here/metrics.json").read_text())
    assert metrics["diverged"] == 1 and metrics["diverged_step"] >= 1
    state = torch.load("here/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert all(tensor.isfinite().all() for tensor in state.values())


@pytest.mark.parametrize("argument", ["--help", "model.omega_0=abc", "model.omga_0=3", "task=nope"])
def test_help_and_slips_answer_without_importing_torch(argument: str) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['train.py', {argument!r}]\n"
        "try:\n"
        f"    runpy.run_path({str(ROOT / 'train.py')!r}, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    print('torch' in sys.modules, 'lightning' in sys.modules, end.code or 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = 0 if argument == "--help" else 1
    assert answer.stdout.splitlines()[-1] == f"False False {expected}"
