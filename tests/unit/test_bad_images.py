"""A bad image file or crop gives an error of one paragraph that names the key or the file, and the cure."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.pictures.images import bundled, image_file, image_signal

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def encoded(extension: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, extension)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def broken(values: np.ndarray, bad: float) -> np.ndarray:
    values = values.copy()
    values[1, :3] = bad
    return values


FILES = {
    "truncated png": ("a.png", lambda: encoded("png")[:2000], r"dataset\.path=.*a\.png.*truncated.*again"),
    "truncated jpeg": ("a.jpg", lambda: encoded("jpeg")[:900], r"dataset\.path=.*a\.jpg.*truncated.*again"),
    "empty": ("a.png", lambda: b"", r"dataset\.path=.*a\.png.*convert it to PNG"),
    "text": ("a.png", lambda: b"no image at all", r"dataset\.path=.*a\.png.*convert it to PNG"),
    "corrupt png": (
        "a.png",
        lambda: encoded("png")[:60] + b"\0" * 400 + encoded("png")[460:],
        r"dataset\.path=.*a\.png.*again",
    ),
    "empty npy": ("a.npy", lambda: b"", r"dataset\.path=.*a\.npy.*save it again"),
    "truncated npy": ("a.npy", lambda: npy(np.ones((5, 5)))[:150], r"dataset\.path=.*a\.npy.*save it again"),
    "pickled npy": ("a.npy", lambda: npy(np.array([[{}]], dtype=object)), r"dataset\.path=.*a\.npy.*save it again"),
    "complex npy": ("a.npy", lambda: npy(np.ones((5, 5), complex)), r"dataset\.path=.*a\.npy.*must hold numbers"),
    "integers of 32 bits": ("a.npy", lambda: npy(np.ones((5, 5), np.uint32)), r"dataset\.path=.*32 bits.*save"),
    "integers of 64 bits": ("a.npy", lambda: npy(np.ones((5, 5), np.uint64)), r"dataset\.path=.*64 bits.*save"),
    "signed integers": ("a.npy", lambda: npy(np.ones((5, 5), int)), r"dataset\.path=.*unsigned integers"),
    "truth values": ("a.npy", lambda: npy(np.ones((5, 5), bool)), r"dataset\.path=.*must hold numbers.*bool"),
    "damaged npy header": ("a.npy", lambda: npy(np.ones((5, 5))).replace(b"}", b"{"), r"dataset\.path=.*save it again"),
    "npy of many archives": ("a.npy", lambda: b"PK\x03\x04" + bytes(99), r"dataset\.path=.*save it again"),
    "flat npy": ("a.npy", lambda: npy(np.ones(5)), r"dataset\.path=.*a\.npy.*\(H, W\)"),
    "nan npy": ("scan.npy", lambda: npy(broken(np.ones((5, 5)), np.nan)), r"scan holds 3 values.*NaN.*repair"),
    "inf npy": ("scan.npy", lambda: npy(broken(np.ones((5, 5)), np.inf)), r"scan holds 3 values.*infinite.*repair"),
}


def message(path: Path | None, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        image_signal(image_file(None if path is None else str(path)), **options)
    text = str(caught.value)
    assert "\n" not in text  # one paragraph
    return text


@pytest.mark.parametrize("kind", FILES)
def test_bad_files(kind, tmp_path):
    name, content, pattern = FILES[kind]
    (tmp_path / name).write_bytes(content())
    assert re.search(pattern, message(tmp_path / name))


def test_missing_file(tmp_path):
    text = message(tmp_path / "nowhere.png")
    assert f"dataset.path={tmp_path / 'nowhere.png'} does not exist" in text
    assert "check the path" in text


def test_directory_instead_of_a_file(tmp_path):
    assert f"dataset.path={tmp_path}" in message(tmp_path)


def test_a_name_that_no_file_system_holds():
    assert "dataset.path" in message(Path("a" * 300 + ".png"))


def test_no_path_at_all():
    assert "dataset.path=FILE" in message(None)


def test_an_empty_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((0, 5)))
    assert "dataset.path" in message(tmp_path / "a.npy")


@pytest.mark.parametrize("crop", [[30, 0, 20, 10], [0, 45, 10, 10], [-1, 0, 5, 5], [0, -2, 5, 5], [0, 0, 41, 5]])
def test_crop_outside_the_image(crop, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    text = message(tmp_path / "a.png", crop=crop)
    assert f"dataset.crop={crop}" in text
    assert "40 rows and 50 columns" in text


@pytest.mark.parametrize("crop", [[0, 0, 0, 5], [5, 5, 10, 0], [5, 5, -3, 10]])
def test_crop_of_nothing(crop, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    assert f"dataset.crop={crop}" in message(tmp_path / "a.png", crop=crop)


def test_unknown_bundled_name():
    with pytest.raises(UserError, match="cameraman"):
        image_signal(bundled("cameraman"))
