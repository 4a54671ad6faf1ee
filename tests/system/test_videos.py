"""Videos through the commands: fitted, rendered in between, resumed, held out, in sets, swept, reported, refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from siren_pl import Siren, fit, load, video_file, video_fit, video_signal
from siren_pl.problems.video.files import read_frames
from siren_pl.report.__main__ import main
from tests.conftest import Command, _invoke
from tests.videos import encode, pictures, texture, turning

pytestmark = pytest.mark.usefixtures("one_thread")

# A run of a second: `train` shrinks frames to 8 pixels, but not these.
SHORT = ("task=video_fit", "dataset.size=null", "model=siren", "model.hidden_features=32", "model.hidden_layers=1")


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


def state(run: str) -> dict[str, torch.Tensor]:
    return torch.load(Path(run, "checkpoints/last.ckpt"), weights_only=True)["state_dict"]


def test_a_turning_texture_is_right_between_its_frames(train: Command, evaluate: Command) -> None:
    """The texture is known at every time and place: the field is compared with it where there was no frame."""
    pictures("shots", turning(12))
    given = ("dataset.path=shots", "dataset.rate=10", "trainer.max_steps=300", "model.omega_0=6", "figures=true")
    ended = train(*SHORT, *given, "model.hidden_layers=2", "optimizer.lr=2e-3", "hydra.run.dir=run")
    assert ended.code == 0 and "PSNR (dB)" in ended.err, ended.err
    found, truth = metrics("run"), np.stack(turning(12))
    field = load("run")
    (plan,) = [video_signal(video_file("shots", 10.0))]
    values = field(plan.coords()).detach().reshape(12, 16, 20, 3).numpy()
    by_frame = [
        peak_signal_noise_ratio(a / 255, (b / 2 + 0.5).clip(0, 1), data_range=1)
        for a, b in zip(truth, values, strict=True)
    ]
    assert found["psnr"] == pytest.approx(np.mean(by_frame), abs=1e-3) and found["psnr"] > 30
    assert found["psnr_std"] == pytest.approx(np.std(by_frame), abs=1e-3)
    assert found["psnr_min"] == pytest.approx(min(by_frame), abs=1e-3)
    assert by_frame[int(found["psnr_min_frame"])] == min(by_frame)
    assert next(iter(json.loads(Path("run/measures.json").read_text()))) == "psnr"
    drawn = {path.name for path in Path("run/figures").iterdir()}
    assert drawn == {"curve.png", "frames.png", "psnr_by_frame.png", "slice.png"}
    played = list(read_frames(Path("run/predictions/shots.mp4")))
    assert len(played) == 12 and played[1].seconds == pytest.approx(0.1) and played[0].pixels.shape == (16, 20, 3)
    assert next(read_frames(Path("run/predictions/shots_compared.mp4"))).pixels.shape == (16, 68, 3)

    assert evaluate("run=run", "time=0.55").code == 0
    middle, wanted = np.asarray(Image.open("run/evaluate/16x20_time_0.55/shots.png")) / 255, texture(5.5 * 0.05) / 255
    average = (truth[5] / 510) + (truth[6] / 510)
    assert peak_signal_noise_ratio(wanted, middle, data_range=1) > 30
    assert np.square(middle - wanted).mean() < np.square(truth[5] / 255 - wanted).mean()
    assert np.square(average - wanted).mean() < np.square(truth[5] / 255 - wanted).mean()
    assert evaluate("run=run", "slow=3", "size=8").code == 0
    slowed = list(read_frames(Path("run/evaluate/6x8_slow_3/shots.mp4")))
    assert len(slowed) == 36 and slowed[35].seconds == pytest.approx(3.5) and slowed[0].pixels.shape == (6, 8, 3)
    assert evaluate("run=run").code == 0
    again = json.loads(Path("run/evaluate/16x20/metrics.json").read_text())
    assert again["psnr"] == found["psnr"]
    for bad, said in (
        ("time=2", "time=2 must be"),
        ("slow=0", "slow=0"),
        ("size=0", "size=0"),
        ("scale=-1", "scale=-1"),
    ):
        assert said in evaluate("run=run", bad).paragraph
    assert "not both" in evaluate("run=run", "slow=2", "time=0").paragraph


def test_a_run_that_was_cut_off_ends_with_the_same_bits(train: Command) -> None:
    """Every other frame is held out; a run that goes on equals one that was not cut off."""
    encode("clip.mp4", turning(6))
    given = (*SHORT, "dataset.path=clip.mp4", "dataset.stride=[2,1,1]", "optimizer.schedule=constant")
    assert train(*given, "trainer.max_steps=8", "hydra.run.dir=whole").code == 0
    assert train(*given, "trainer.max_steps=3", "hydra.run.dir=cut").code == 0
    assert train("resume=cut", "trainer.max_steps=8").code == 0
    whole, cut = state("whole"), state("cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    found = metrics("cut")
    assert {"train_psnr", "heldout_psnr", "baseline/cubic/heldout_psnr"} <= found.keys()
    truth = np.stack([frame.pixels for frame in read_frames(Path("clip.mp4"))]) / 255
    average = [(truth[0] + truth[2]) / 2, (truth[2] + truth[4]) / 2, truth[4]]
    expected = [
        peak_signal_noise_ratio(a, b.clip(0, 1), data_range=1) for a, b in zip(truth[1::2], average, strict=True)
    ]
    assert found["baseline/in_time/heldout_psnr"] == pytest.approx(np.mean(expected), abs=1e-3)


def test_a_folder_of_frames_that_changed_is_refused(train: Command, evaluate: Command) -> None:
    pictures("shots", turning(3))
    assert train(*SHORT, "dataset.path=shots", "hydra.run.dir=run").code == 0
    Path("shots/.DS_Store").write_bytes(b"left by a file manager")
    assert evaluate("run=run").code == 0
    Image.fromarray(texture(1.0)).save("shots/1.png")
    assert "SHA-256" in train("resume=run", "trainer.max_steps=9").paragraph


def test_sets_sweeps_and_the_report_know_videos(
    train: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("clips").mkdir()
    encode("clips/a.mp4", turning(4))
    encode("clips/b.mp4", turning(4, step=0.2))
    ended = train(*SHORT, "dataset=video_folder", "dataset.path=clips", "hydra.run.dir=set")
    assert ended.code == 0, ended.err
    assert metrics("set")["signals"] == 2 and metrics("set")["psnr_min_of_set"] >= metrics("set")["psnr_min"]
    assert Path("set/signals/b/predictions/b.mp4").is_file()
    ended = train(*SHORT, "-m", "dataset.path=clips/a.mp4", "seed=0,1", "figures=true", "hydra.sweep.dir=sweep")
    assert ended.code == 0, ended.err
    with Path("sweep/summary.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["finished"] * 2
    told = _invoke(main, ["sweep", "output=report"], "report", monkeypatch, capfd)
    assert told.code == 0, told.err
    page = Path("report/report.html").read_text()
    assert "video_fit" in page and "frames of its first replicate" in page and "Pictures of" not in page


def test_wandb_keeps_the_video_itself(train: Command) -> None:
    encode("clip.mp4", turning(3))
    ended = train(*SHORT, "dataset.path=clip.mp4", "hydra.run.dir=run", logger="wandb")
    assert ended.code == 0, ended.err
    kept = {path.stat().st_size for path in Path("outputs/wandb").rglob("media/videos/**/*.mp4")}
    assert kept == {path.stat().st_size for path in Path("run/predictions").glob("*.mp4")}


@pytest.mark.parametrize("task", ["poisson_grad", "poisson_laplacian", "inpainting task.keep=0.5", "denoising"])
def test_other_tasks_take_videos(task: str, train: Command) -> None:
    """They know nothing of videos, whose kind writes the results."""
    ended = train(
        *f"task={task}".split(), "dataset=video", "dataset.frames=[0,4]", "dataset.size=12", "hydra.run.dir=run"
    )
    assert ended.code == 0, ended.err
    assert len(list(read_frames(Path("run/predictions/texture.mp4")))) == 4


def test_tasks_of_other_kinds_refuse_videos(train: Command) -> None:
    for task, cure in (("poisson_edit", "dataset=image"), ("inpainting", "task.keep")):
        assert cure in train(f"task={task}", "dataset=video").paragraph
    assert "dataset=audio" in train("task=audio_fit", "dataset=video", tiny=False).paragraph
    assert "dataset=video" in train("task=video_fit", "dataset=camera").paragraph
    assert "the data reach 2.88" in train("task=video_fit", "dataset.time_extent=3").paragraph  # 3 - 3 / 24
    assert "dataset.frames=[0,99]" in train(*SHORT, "dataset.frames=[0,99]").paragraph


def test_fit_takes_videos_by_name() -> None:
    signal = video_signal(video_file(None), frames=[0, 4], size=12)
    found = fit(Siren(3, 3, 16, 1, omega_0=5.0), video_fit(signal), steps=20, batch_size=256, progress=False)
    assert {"psnr", "psnr_std", "psnr_min", "psnr_min_frame", "ssim"} <= found.metrics.keys() or signal.shape[1] < 11
