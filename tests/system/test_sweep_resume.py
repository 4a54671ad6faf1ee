"""A sweep that is interrupted, in whatever way, and started again ends as if nothing had happened."""

import csv
import json
import logging
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from siren_pl.runs import claims
from tests.conftest import TINY, Command, end_a_fresh_one_at, end_at

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ("-m", "seed=0,1,2", "dataset.batch_size=64")
# Evaluations end slices of steps, after which a signal is looked at.
STEPS, EVALUATIONS = 60, "trainer.evaluations=6"


pytestmark = pytest.mark.usefixtures("one_thread")


def weights(job: Path) -> dict[str, torch.Tensor]:
    return torch.load(job / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def psnr(job: Path) -> float:
    return json.loads((job / "metrics.json").read_text())["psnr"]


def assert_same(one: Path, other: Path, jobs: int = 3) -> None:
    for number in range(jobs):
        left, right = weights(one / str(number)), weights(other / str(number))
        assert left.keys() == right.keys()
        assert all(torch.equal(left[name], right[name]) for name in left)
        assert psnr(one / str(number)) == psnr(other / str(number))


def statuses(sweep: str = "sweep") -> list[str]:
    with (Path(sweep) / "summary.csv").open() as file:
        return [row["status"] for row in csv.DictReader(file)]


def contents(directory: Path) -> dict[Path, tuple[bytes, int]]:
    files = [path for path in directory.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_killed_at_once(train: Command) -> None:
    """SIGKILL before multirun.yaml is written; nothing heavy was even imported."""
    steps = "trainer.max_steps=20"
    start = (*TINY, "logger=none", *SEEDS, steps, "hydra.sweep.dir=sweep")
    assert end_a_fresh_one_at("sweep/sweep.yaml", signal.SIGKILL, *start) == -9
    assert not Path("sweep/0/status").exists()
    assert train("sweep.resume=sweep").code == 0
    assert train(*SEEDS, steps, "hydra.sweep.dir=whole").code == 0
    assert_same(Path("sweep"), Path("whole"))


def test_ended_in_the_second_job_then_killed_in_the_third_equals_uninterrupted(train: Command) -> None:
    options = (*SEEDS, f"trainer.max_steps={STEPS}", EVALUATIONS)
    start = (*TINY, "logger=none", *options, "hydra.sweep.dir=sweep")
    assert end_at("sweep/1/checkpoints/last.ckpt", signal.SIGTERM, *start, steps=7) == 143
    assert "sweep.resume=sweep" in Path("said").read_text()
    assert 0 < torch.load("sweep/1/checkpoints/last.ckpt", weights_only=True)["global_step"] < STEPS
    first = contents(Path("sweep/0"))
    assert end_at("sweep/2/checkpoints/last.ckpt", signal.SIGKILL, "sweep.resume=sweep", steps=7) == -9
    assert not Path("sweep/summary.csv").exists()
    second = contents(Path("sweep/1"))
    assert train("sweep.resume=sweep").code == 0
    assert first == contents(Path("sweep/0")) and second == contents(Path("sweep/1"))
    assert train(*options, "hydra.sweep.dir=whole").code == 0
    assert_same(Path("sweep"), Path("whole"))
    assert statuses() == ["finished"] * 3


def test_whatever_a_kill_leaves_behind_is_mended(train: Command, trained: Callable[..., Path]) -> None:
    """Half a multirun.yaml, a finished job, one that had trained but not been judged, one that had not begun."""
    trained("sweep", *SEEDS)
    shutil.copytree("sweep", "whole")
    text = Path("sweep/multirun.yaml").read_text()
    Path("sweep/multirun.yaml").write_text(text[: len(text) // 3])
    Path("sweep/summary.csv").unlink()
    Path("sweep/1/metrics.json").unlink()
    Path("sweep/1/status").write_text("running\n")
    shutil.rmtree("sweep/2")
    Path("sweep/2/.hydra").mkdir(parents=True)
    Path("sweep/2/.hydra/.config.yaml.12ab").write_text("seed")
    done = contents(Path("sweep/0"))
    ended = train("sweep.resume=sweep", "-m")
    assert ended.code == 0
    assert contents(Path("sweep/0")) == done
    assert "job 0 is kept: finished" in ended.err
    assert_same(Path("sweep"), Path("whole"))


def test_a_finished_sweep_says_so_and_nothing_is_touched(train: Command, trained: Callable[..., Path]) -> None:
    trained("sweep", *SEEDS)
    before = contents(Path("sweep"))
    ended = train("sweep.resume=sweep")
    assert ended.code == 0 and "finished" in ended.err
    assert contents(Path("sweep")) == before


def test_failed_jobs_are_tried_again_and_diverged_ones_kept(
    train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from another directory: relative paths of the configuration mean what they meant at the first start."""
    options = ("dataset=image", "dataset.path=photo.png", "optimizer.warmup=0", "trainer.max_steps=20")
    assert train("-m", *options, "optimizer.lr=1e-3,1e30", "hydra.sweep.dir='a=b, c'").code == 1
    assert statuses("a=b, c") == ["failed", "failed"]
    from PIL import Image

    Image.effect_noise((16, 16), 64).convert("L").save("photo.png")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert train("sweep.resume=../a=b, c", "logger=csv").code == 1  # one diverges
    assert statuses(str(tmp_path / "a=b, c")) == ["finished", "diverged"]
    assert (tmp_path / "a=b, c/0/csv/metrics.csv").is_file()
    diverged = contents(tmp_path / "a=b, c/1")
    assert train(f"sweep.resume={tmp_path / 'a=b, c'}").code == 1
    assert contents(tmp_path / "a=b, c/1") == diverged


EXPERIMENT = """# @package _global_
optimizer: {lr: 0.001}
hydra: {mode: MULTIRUN, sweeper: {params: {model.omega_0: "5,30"}}}
"""


def test_a_sweep_of_an_experiment_file(train: Command) -> None:
    """The lists of values are in the file, found by --config-dir; an edit of it is refused, for the whole sweep."""
    file = Path("mine/experiment/ablation.yaml")
    file.parent.mkdir(parents=True)
    file.write_text(EXPERIMENT)
    assert train("--config-dir", "mine", "experiment=ablation", "hydra.sweep.dir=sweep").code == 0
    shutil.copytree("sweep", "whole")
    Path("sweep/summary.csv").unlink()
    shutil.rmtree("sweep/1")
    before = contents(Path("sweep"))
    file.write_text(EXPERIMENT.replace("0.001", "0.002"))
    ended = train("sweep.resume=sweep")
    assert ended.code == 1 and "optimizer.lr was 0.001 and is now 0.002" in ended.paragraph
    assert contents(Path("sweep")) == before
    file.write_text(EXPERIMENT)
    assert train("sweep.resume=sweep").code == 0
    assert_same(Path("sweep"), Path("whole"), jobs=2)


def test_a_job_of_another_configuration_is_refused_and_left_alone(train: Command) -> None:
    """An edit that only some jobs see: here the file of one of two models."""
    file = Path("mine/model/mine.yaml")
    file.parent.mkdir(parents=True)
    shutil.copy(ROOT / "conf/model/relu.yaml", file)
    assert train("--config-dir", "mine", "-m", "model=mine,tanh", "hydra.sweep.dir=sweep").code == 0
    Path("sweep/summary.csv").unlink()
    before = contents(Path("sweep/0"))
    text = file.read_text()
    file.write_text(f"{text}\nextra: 1\n")
    ended = train("sweep.resume=sweep")
    assert ended.code == 1
    complaint = next(line for line in ended.err.splitlines() if "job 0" in line)
    assert "sweep/0" in complaint and "extra was absent and is now 1" in complaint
    assert statuses() == ["refused", "finished"]
    assert contents(Path("sweep/0")).items() >= before.items()
    file.write_text(text)
    assert train("sweep.resume=sweep").code == 0
    assert statuses() == ["finished", "finished"]
    assert contents(Path("sweep/0")) == before


def test_what_is_no_sweep_is_said_in_one_paragraph(train: Command, trained: Callable[..., Path]) -> None:
    trained("run")
    Path("empty").mkdir()
    Path("spoilt").mkdir()
    Path("spoilt/multirun.yaml").write_text("hydra:\n  overrides:\n    ta")
    for directory, cure in (("run", "resume=run"), ("empty", "-m"), ("nowhere", "-m"), ("spoilt", "multirun.yaml")):
        ended = train(f"sweep.resume={directory}")
        assert ended.code == 1
        assert f"sweep.resume={directory}" in ended.paragraph and cure in ended.paragraph


def test_a_continued_sweep_is_the_same_sweep(train: Command, trained: Callable[..., Path]) -> None:
    trained("sweep", *SEEDS)
    ended = train("sweep.resume=sweep", "seed=3")
    assert ended.code == 1
    assert "seed=3" in ended.paragraph and "seed=0,1,2" in ended.paragraph  # how it was started


class LetsGo(logging.Handler):
    """Another process at work in a directory, which ends as soon as somebody says that it is waited for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(logging.WARNING)
        self.lock, self.waited_for = FileLock(directory / ".lock"), False
        self.lock.acquire()
        logging.getLogger("siren_pl.runs.claims").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.waited_for = "another process" in record.getMessage()
        self.lock.release()

    def close(self) -> None:
        logging.getLogger("siren_pl.runs.claims").removeHandler(self)
        self.lock.release()
        super().close()


def test_a_job_waits_for_a_process_that_is_at_work_on_it() -> None:
    """What outlived a killed launcher keeps its directory until it ends; a set's, those of its members as well."""
    Path("set/signals/a").mkdir(parents=True)
    Path("set/.hydra").mkdir()
    Path("set/.hydra/config.yaml").touch()
    for at_work, directory in ((Path(), Path()), (Path("set"), Path("set/signals/a"))):
        with closing(LetsGo(at_work)) as other, claims.held(directory):
            assert other.waited_for


def test_a_run_is_not_resumed_while_a_process_is_at_work_on_it(train: Command) -> None:
    train("hydra.run.dir=here")
    with closing(LetsGo(Path("here"))) as other:
        assert train("resume=here", "trainer.max_steps=6").code == 0
        assert other.waited_for
