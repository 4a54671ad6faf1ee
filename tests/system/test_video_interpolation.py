"""`task=video_interpolation` as a user runs it: what it learns, leaves, keeps, renders and refuses."""

import json
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from siren_pl import InverseSearch, Siren, Stills, fit, frame_files, video_interpolation
from siren_pl.errors import UserError
from siren_pl.problems.video.interpolation import flows
from siren_pl.problems.video.interpolation.frames import Frames
from siren_pl.problems.video.interpolation.warping import pixel_places
from tests.conftest import Command
from tests.videos import texture

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 40
TASK = ("task=video_interpolation", "recipe.batch_size=500", "dataset.size=null")


def write(count: int = 3, step: float = 0.06) -> list[str]:
    """Frames of a texture that turns, as files."""
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        Image.fromarray(texture(step * number, SIDE, SIDE)).save(name)
    return names


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(float)


def test_a_texture_that_turns_is_found_between_two_frames_and_asked_for_again(
    train: Command, evaluate: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, middle, last = write()
    typed = (f"dataset.path=[{first},{last}]", f"dataset.reference={middle}", "figures=true", "hydra.run.dir=run")
    ended = train(*TASK, *typed, "trainer.max_steps=80")
    assert ended.code == 0, ended.err
    found = metrics("run")
    # What the file shows is what was scored, up to the rounding of its bytes, which adds 1/12 of a level squared.
    error = pixels("run/predictions/0_2_0.5.png") - pixels(middle)
    assert found["ie_rms"] == pytest.approx(np.sqrt(np.square(error).mean()), abs=0.1)
    assert found["ie_abs"] == pytest.approx(np.abs(error).mean(), abs=0.1)
    mean = (pixels(first) + pixels(last)) / 2
    expected = np.sqrt(np.square(mean - pixels(middle)).mean())
    assert found["baseline/average/ie_rms"] == pytest.approx(expected, rel=1e-4)
    # A motion of a pixel or two is found to a tenth of it, and so is the frame.
    assert found["ie_rms"] < 0.5 * found["baseline/average/ie_rms"]
    assert found["ie_rms"] < 1.2 * found["baseline/tv_l1/ie_rms"]
    assert ("baseline/dis/ie_rms" in found) == flows.Dis.is_installed()
    assert next(iter(json.loads(Path("run/measures.json").read_text()))) == "ie_rms"
    assert {path.name for path in Path("run/figures").iterdir()} == {"curve.png", "between.png", "flow.png"}
    with av.open("run/predictions/0_2.mp4") as video:
        assert sum(1 for _ in video.decode(video=0)) == 9

    # Later commands need neither the files nor OpenCV.
    for name in (first, middle, last):
        Path(name).unlink()
    monkeypatch.setattr(flows, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "cv2", None)
    ended = evaluate("run=run", "time=0.25", "size=20,60")
    assert ended.code == 0, ended.err
    place = Path("run/evaluate/20x60_time_0.25")
    assert metrics(str(place))["ie_rms"] == found["ie_rms"]
    assert pixels(place / "0_2_0.25.png").shape == (20, 60, 3)
    ended = evaluate("run=run", "slow=3")
    assert ended.code == 0, ended.err
    with av.open(f"run/evaluate/{SIDE}x{SIDE}_slow_3/0_2.mp4") as video:
        assert sum(1 for _ in video.decode(video=0)) == 4
    assert train("resume=run").code == 0
    for bad, said in {"time=1.5": "from 0", "slow=x": "whole number", "size=0": "longer side"}.items():
        assert said in evaluate("run=run", bad).paragraph
    assert "not both" in evaluate("run=run", "time=0.5", "slow=2").paragraph
    Path("run/data.npz").write_bytes(Path("run/data.npz").read_bytes()[:200])
    assert "data.npz is damaged" in evaluate("run=run").paragraph
    Path("run/data.npz").unlink()
    assert "is gone" in evaluate("run=run").paragraph
    assert "is gone" in train("resume=run").paragraph


def test_a_quarter_of_the_way_is_nearer_to_the_first_frame(train: Command, evaluate: Command) -> None:
    """Of nine moments each is nearest to its own truth."""
    step = 0.06
    names = write(2, 2 * step)
    assert train(*TASK, f"dataset.path=[{','.join(names)}]", "hydra.run.dir=run", "trainer.max_steps=60").code == 0
    assert evaluate("run=run", "time=0.25").code == 0
    found = pixels(f"run/evaluate/{SIDE}x{SIDE}_time_0.25/0_1_0.25.png")
    distances = {at: np.abs(found - texture(2 * step * at, SIDE, SIDE)).mean() for at in (0.0, 0.25, 0.5, 1.0)}
    assert min(distances, key=distances.get) == 0.25  # type: ignore[arg-type]


def test_without_a_reference_frames_are_rendered_all_the_same(train: Command) -> None:
    names = write(3)
    ended = train(*TASK, f"dataset.path=[{','.join(names)}]", "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    assert {path.name for path in Path("run/predictions").iterdir()} == {"0_2_0.5.png", "0_2_1.5.png", "0_2.mp4"}
    assert "ie_rms" not in metrics("run")


def test_with_a_stride_the_frames_between_are_the_reference(train: Command) -> None:
    names = write(5)
    ended = train(*TASK, f"dataset.path=[{','.join(names)}]", "dataset.stride=2", "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    assert {path.name for path in Path("run/predictions").glob("*.png")} == {"0_4_0.5.png", "0_4_1.5.png"}
    errors = [
        np.sqrt(np.square((pixels(names[n - 1]) + pixels(names[n + 1])) / 2 - pixels(names[n])).mean()) for n in (1, 3)
    ]
    assert metrics("run")["baseline/average/ie_rms"] == pytest.approx(np.mean(errors), rel=1e-4)


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_grey_alpha_and_sixteen_bits_are_kept(mode: str, train: Command) -> None:
    for name, angle in (("a.png", 0.0), ("b.png", 0.1)):
        image = Image.fromarray(texture(angle, 16, 20))
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        (Image.fromarray(grey) if mode == "I;16" else image.convert(mode)).save(name)
    ended = train(*TASK, "dataset.path=[a.png,b.png]", "hydra.run.dir=run", "figures=true")
    assert ended.code == 0, ended.err
    with Image.open("run/predictions/a_b_0.5.png") as written:
        assert written.mode == mode and written.size == (20, 16)


REFUSED = {
    "one frame": (["0.png"], {}, "1 frame,"),
    "a text": ("0.png", {}, "1 frame,"),
    "none": ([], {}, "0 frames"),
    "a missing one": (["0.png", "gone.png"], {}, "gone.png does not exist"),
    "a number": (["0.png", 1], {}, "=1 does not exist"),
    "a number alone": (1, {}, "1 frame,"),
    "a cut one": (["0.png", "cut.png"], {}, "cut.png is damaged"),
    "another size": (["0.png", "narrow.png"], {}, "40×30 pixels"),
    "other channels": (["0.png", "grey.png"], {}, "1 channels"),
    "another size between": (
        ["0.png", "1.png"],
        {"reference": "narrow.png"},
        "dataset.reference=narrow.png is of 40×30",
    ),
    "too much between": (["0.png", "1.png"], {"reference": ["0.png", "1.png"]}, "2 files for 1 interval"),
    "two references": (["0.png", "1.png"], {"reference": "0.png", "stride": 2}, "give one of them"),
    "nothing between": (["0.png", "1.png"], {"stride": 2}, "at least 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_said_in_one_paragraph(case: str) -> None:
    write(2)
    Image.new("RGB", (30, SIDE)).save("narrow.png")
    Image.new("L", (SIDE, SIDE)).save("grey.png")
    Path("cut.png").write_bytes(Path("0.png").read_bytes()[:300])
    path, options, said = REFUSED[case]
    with pytest.raises(UserError, match=said):
        frame_files(path, Stills(), **options)


def test_weights_are_tried_before_anything_is_learned(train: Command) -> None:
    assert "gone.pkl does not exist" in train(*TASK, "task.reference=gone.pkl").paragraph


def test_a_picture_is_no_pair_of_frames(train: Command) -> None:
    assert "dataset=frames" in train("task=video_interpolation", "dataset=camera").paragraph


def test_fit_takes_a_network_for_each_motion() -> None:
    frames = frame_files(None, Stills(), size=32)
    problem = video_interpolation(frames, InverseSearch())
    motions = {name: Siren(3, 2, 32, 2, omega_0=12.0, seed=number) for number, name in enumerate(problem.fields)}
    found = fit(motions, problem, steps=60, lr=1e-3, batch_size=500, progress=False)
    assert found.metrics["ie_rms"] < 0.5 * average_error(frames)
    picture = found.answer(0.25, pixel_places(32, 32))
    assert picture.shape == (32, 32, 3) and picture.isfinite().all()
    with pytest.raises(UserError, match="'motion': network, 'correction': network"):
        fit(motions["motion"], problem, progress=False)


def average_error(frames: Frames) -> float:
    """The error of the mean of both frames, in levels."""
    mean = frames.values.mean(0)
    return float((127.5 * (mean - frames.reference(0))).square().mean().sqrt())
