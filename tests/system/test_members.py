"""Every file under conf/ is tested by existing: it composes, and what it names is built and run."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from siren_pl.errors import UserError
from siren_pl.runs import build, trust
from siren_pl.runs.keys import conf_directory, validate
from tests.conftest import FEW_CELLS, FEW_POINTS, FEW_SAMPLES, Command, _of_kind, small_shapes
from tests.videos import encode, turning

CONF = conf_directory()
NO_SECOND_DERIVATIVE = ("hash_grid", "poisson_laplacian")
PRECISIONS = ("64-true", "bf16-mixed")
KINDS_OF_FILES = ("image", "folder", "audio", "audio_folder", "video", "video_folder", "bikes", "shape", "measurements")
DOWNLOADED = ("starfish", "kodak", "div2k", "cifar10")


def members(group: str) -> list[str]:
    files = (CONF / group).rglob("*.yaml")
    names = [str(path.relative_to(CONF / group).with_suffix("")) for path in files]
    return sorted(name for name in names if not name.startswith("_"))


def composed(*overrides: str) -> dict:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", list(overrides))
    return validate(config)


def in_turn(many: Sequence[str], few: Sequence[str]) -> list[tuple[str, str]]:
    """Each of many beside one of few, so that both occur; every pair is for `make soak`."""
    return list(zip(many, itertools.cycle(few)))


@pytest.mark.parametrize(("model", "task"), in_turn(members("model"), members("task")))
def test_every_model_and_every_task_runs(model: str, task: str, train: Command) -> None:
    check_a_pair(model, task, train)


def check_a_pair(model: str, task: str, train: Command) -> None:
    ended = train(
        f"model={model}", f"task={task}", "trainer.max_steps=2", _of_kind("dataset.size=8", (f"task={task}",))
    )
    if (model, task) == NO_SECOND_DERIVATIVE:
        assert ended.code == 1 and "derivatives of order 2" in ended.paragraph and "model=siren" in ended.paragraph
    else:
        assert ended.code == 0, ended.err


def test_a_task_that_needs_more_derivatives_than_a_network_has_is_refused(train: Command) -> None:
    check_a_pair(*NO_SECOND_DERIVATIVE, train)


@pytest.mark.parametrize("init", members("init"))
def test_every_init_runs(init: str, train: Command) -> None:
    of_rectifiers = ("model=relu",) if init == "sphere" else ()
    assert train(f"init={init}", *of_rectifiers, "trainer.max_steps=2", "sweep.allow_divergence=true").code == 0


@pytest.mark.parametrize("derivatives", members("derivatives"))
def test_every_strategy_gives_the_same_run(derivatives: str, train: Command) -> None:
    train("task=poisson_grad", f"derivatives={derivatives}", "hydra.run.dir=this")
    train("task=poisson_grad", "derivatives=autograd", "hydra.run.dir=oracle")
    this, oracle = (torch.load(f"{name}/checkpoints/last.ckpt", weights_only=True) for name in ("this", "oracle"))
    for name, tensor in this["state_dict"].items():
        # float32 rounding, through four steps of Adam
        torch.testing.assert_close(tensor, oracle["state_dict"][name], atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("dataset", sorted({*members("dataset")} - {*DOWNLOADED, *KINDS_OF_FILES}))
def test_every_bundled_dataset_is_read(dataset: str) -> None:
    signal = build.signal(composed(f"dataset={dataset}", "dataset.size=8"))
    assert max(signal.shape) == 8 and signal.out_features in (1, 3)
    assert signal.values.abs().max() <= 1


def test_the_bundled_sound_is_read() -> None:
    signal = build.signal(composed("dataset=audio"))
    assert signal.shape == (44100,) and signal.out_features == 1 and signal.values.abs().max() <= 1


def test_the_bundled_video_is_read() -> None:
    signal = build.signal(composed("dataset=video"))
    assert signal.shape == (24, 48, 64) and signal.out_features == 3 and signal.values.abs().max() <= 1


def test_bikes_is_read_from_a_local_root(tmp_path: Path) -> None:
    encode(str(tmp_path / "bikes.mp4"), turning(4))
    signal = build.signal(composed("dataset=bikes", f"dataset.root={tmp_path}", "dataset.size=10"))
    assert signal.shape == (4, 8, 10) and signal.container.rate == 25


@pytest.mark.parametrize("dataset", DOWNLOADED)
def test_downloaded_datasets_are_read_from_a_local_root(dataset: str, tmp_path: Path) -> None:
    from PIL import Image

    name = {"starfish": "12003.jpg", "kodak": "kodim01.png", "div2k": "0801.png", "cifar10": "x.png"}[dataset]
    Image.new("RGB", (481, 321), (255, 0, 0)).save(tmp_path / name)
    config = composed(f"dataset={dataset}", f"dataset.root={tmp_path}", "dataset.size=12")
    (member,) = build.members(config) or [config]
    signal = build.signal(member)
    assert max(signal.shape) == 12
    assert signal.out_features == (1 if dataset == "starfish" else 3)


@pytest.mark.parametrize("logger", members("logger"))
def test_every_logger_works(logger: str, train: Command) -> None:
    assert train("hydra.run.dir=here", logger=logger).code == 0
    traces = {
        "csv": Path("here/csv/metrics.csv"),
        "tensorboard": Path("here/tensorboard"),
        "wandb": Path("outputs/wandb"),
        "none": Path("here/metrics.json"),
    }
    assert traces[logger].exists()


@pytest.mark.parametrize("experiment", members("experiment"))
def test_every_experiment_composes_and_opens_with_its_command(
    experiment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    head = (CONF / "experiment" / f"{experiment}.yaml").read_text().splitlines()[:2]
    assert f"# python train.py experiment={experiment}" in head
    Image.new("L", (481, 321)).save(tmp_path / "12003.jpg")
    Image.new("RGB", (768, 512)).save(tmp_path / "kodim03.png")
    encode(str(tmp_path / "bikes.mp4"), turning(2))
    options = [f"experiment={experiment}"]
    kind = composed(*options)["task"]["problem"]["_target_"].split(".")[2]
    options += {
        "sound": [FEW_SAMPLES],
        "shapes": [FEW_POINTS, FEW_CELLS],
        "equations": ["dataset.batch_size=16", "model.hidden_features=16"],
    }.get(kind, ["dataset.size=8"])
    if kind == "shapes":
        small_shapes(monkeypatch)
    config = composed(*options)
    if "root" in config["dataset"]:
        config = composed(*options, f"dataset.root={tmp_path}")
    if config["dataset"].get("index") == "all":
        config = build.members(config)[0]
    module = build.module([build.plan(config)])
    batch = module.fields.draw(module.fields.tables(), module.recipe.batch_size, 0, 0, 0.0)
    assert module._losses(batch)[0].isfinite()


def test_a_name_is_trusted_where_the_shipped_files_call_it_and_nowhere_else() -> None:
    siren = {"_target_": "siren_pl.field.networks.Siren"}
    rule = {"rules": {"omega_0": {"auto": "siren_pl.field.networks.mlp.omega_rule"}}}
    trust.check({"model": {"network": siren, **rule}, "fields": {"motion": {"model": {"network": siren, **rule}}}})
    deep = {"task": {"fields": {"motion": {"model": {"network": siren}}}}}
    for elsewhere in ({"model": siren}, {"dataset": {"signal": siren}}, {"baselines": {"cubic": siren}}, deep):
        with pytest.raises(UserError, match="Siren by"):
            trust.check(elsewhere)
    for elsewhere in ({"auto": "os.system"}, {"auto": "siren_pl.field.networks.hash_grid.finest_rule"}):
        with pytest.raises(UserError, match=r"by model\.rules\.omega_0"):
            trust.check({"model": {"rules": {"omega_0": elsewhere}}})
    with pytest.raises(UserError, match=r"hydra\.callbacks\.guard"):
        trust.check(
            {"hydra": {"callbacks": {"guard": {"_target_": "siren_pl.commands.callbacks.RefuseUsedDirectory"}}}}
        )


@pytest.mark.parametrize(("task", "precision"), in_turn(members("task"), PRECISIONS))
def test_every_task_and_every_precision_runs(precision: str, task: str, train: Command) -> None:
    assert train(f"trainer.precision={precision}", f"task={task}", "trainer.max_steps=2").code == 0


def test_the_papers_units_give_the_same_picture(train: Command) -> None:
    """Targets in other units scale the field, not what is judged: the field is divided by its scale."""
    config = composed("experiment=paper/poisson_laplacian", "dataset=camera_128", "dataset.size=16")
    signal = build.signal(config)
    assert build.problem(config, signal).judge.value_scale == pytest.approx(
        1e4 / 7.5**2
    )  # corners: (16 - 1) / 2 pixels a unit
