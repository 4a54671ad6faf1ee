"""Image files of every kind become the pixels that the picture shows, and bad ones a message that names the cure."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.problems.pictures.images import bundled, image_file, image_signal, read_image, resize_pixels
from siren_pl.problems.sampled.levels import to_unit

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def saved(tmp_path: Path, image: Image.Image, name: str = "a.png", **options: object) -> Path:
    image.save(tmp_path / name, **options)
    return tmp_path / name


def palette() -> Image.Image:
    image = Image.fromarray(GREY % 4, mode=None).convert("L")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
    return image


PALETTE = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]])[GREY % 4]
ALPHA = np.concatenate([COLOUR, GREY[..., None]], -1)
SIXTEEN = RNG.integers(0, 65536, (6, 9), dtype=np.uint16)
KINDS = {
    "L": (lambda: Image.fromarray(GREY), GREY[..., None] / 255),
    "RGB": (lambda: Image.fromarray(COLOUR), COLOUR / 255),
    "RGBA": (lambda: Image.fromarray(ALPHA), ALPHA / 255),
    "LA": (lambda: Image.fromarray(ALPHA[..., 2:]), ALPHA[..., [2, 2, 2, 3]] / 255),
    "palette": (palette, PALETTE / 255),
    "1-bit": (lambda: Image.fromarray(GREY > 127), (GREY[..., None] > 127).astype(float)),
    "16-bit": (lambda: Image.fromarray(SIXTEEN), SIXTEEN[..., None] / 65535),
}


@pytest.mark.parametrize("kind", KINDS)
def test_png_kinds(kind, tmp_path):
    make, expected = KINDS[kind]
    pixels = read_image(saved(tmp_path, make()))
    assert pixels.dtype == np.float64
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=1e-15)  # one division


@pytest.mark.parametrize("extension", ["bmp", "tif", "gif", "webp"])
def test_lossless_formats_beside_png(extension, tmp_path):
    path = saved(tmp_path, Image.fromarray(GREY), f"a.{extension}", **{"lossless": True} if extension == "webp" else {})
    pixels = read_image(path)
    np.testing.assert_allclose(pixels, np.broadcast_to(GREY[..., None] / 255, pixels.shape), rtol=0, atol=1e-15)


def test_transparent_palette_keeps_its_alpha(tmp_path):
    pixels = read_image(saved(tmp_path, palette(), transparency=1))
    np.testing.assert_allclose(pixels[..., :3], PALETTE / 255, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(pixels[..., 3], GREY % 4 != 1)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_rotated_photographs_stand_upright(orientation, turns, tmp_path):
    """EXIF orientation 6 means: turn the stored rows clockwise by 90° to see the scene."""
    smooth = np.add.outer(np.arange(16) * 8, np.arange(24) * 4).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_image(saved(tmp_path, Image.fromarray(smooth), "a.jpg", exif=exif, quality=100))
    expected = np.rot90(smooth, turns)[..., None] / 255
    assert pixels.shape == expected.shape
    np.testing.assert_allclose(pixels, expected, atol=3 / 255)  # JPEG at quality 100 errs by a level or two


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.uint16])
def test_arrays(dtype, tmp_path):
    top = 1.0 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    values = (RNG.random((4, 5, 2)) * top).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_allclose(read_image(tmp_path / "a.npy"), values / float(top), rtol=1e-15)


@pytest.mark.parametrize("resize", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_resize_equals_pillow_in_float(resize):
    expected = Image.fromarray(GREY).convert("F").resize((4, 3), Image.Resampling[resize.upper()])
    found = resize_pixels(GREY[..., None] / 255, (3, 4), resize)
    # Pillow works in float32; lanczos and bicubic overshoot, which is clipped.
    np.testing.assert_allclose(found[..., 0], (np.asarray(expected) / 255).clip(0, 1), rtol=0, atol=1e-6)


def test_crop_comes_before_size(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOUR))
    signal = image_signal(image_file(str(path)), crop=[1, 2, 4, 6], size=3)
    expected = Image.fromarray(COLOUR[1:5, 2:8]).resize((3, 2), Image.Resampling.BILINEAR)
    assert signal.values.shape == (2, 3, 3)
    # Pillow's 8-bit resize rounds to whole levels twice: after its horizontal and after its vertical pass.
    np.testing.assert_allclose(to_unit(signal.values), np.asarray(expected) / 255, rtol=0, atol=1.02 / 255)
    assert signal.name == "a"


@pytest.mark.parametrize(
    ("size", "shape"),
    [(None, (60, 90)), (30, (20, 30)), (45, (30, 45)), (180, (120, 180)), ([7, 5], (7, 5)), (1, (1, 1))],
)
def test_a_number_is_the_longer_side_and_keeps_the_aspect(size, shape):
    pixels = RNG.random((60, 90, 1))
    assert image_signal(lambda: ("x", pixels), size=size).shape == shape
    if isinstance(size, int):
        assert image_signal(lambda: ("x", pixels.transpose(1, 0, 2)), size=size).shape == shape[::-1]


def test_values_are_pixels_stretched_to_plus_minus_one(tmp_path):
    signal = image_signal(image_file(str(saved(tmp_path, Image.fromarray(COLOUR)))))
    expected = torch.from_numpy(COLOUR / 127.5 - 1)
    torch.testing.assert_close(signal.values.double(), expected, rtol=0, atol=1e-7)  # stored in float32
    np.testing.assert_array_equal(to_unit(torch.tensor([-1.5, -1.0, 0.0, 1.0, 2.0])), [0, 0, 0.5, 1, 1])


@pytest.mark.parametrize("array", [COLOUR, ALPHA, GREY])
def test_grayscale_is_pillows_luma(array, tmp_path):
    signal = image_signal(image_file(str(saved(tmp_path, Image.fromarray(array)))), grayscale=True)
    expected = np.asarray(Image.fromarray(array).convert("RGB").convert("L"))
    # Pillow rounds to a whole level, by weights of 16 bits.
    np.testing.assert_allclose(to_unit(signal.values)[..., 0], expected / 255, rtol=0, atol=0.52 / 255)


@pytest.mark.parametrize(("name", "shape"), [("camera", (512, 512, 1)), ("astronaut", (512, 512, 3))])
def test_bundled_images(name, shape):
    found, pixels = bundled(name)()
    assert (found, pixels.shape) == (name, shape)
    assert 0 <= pixels.min() < 0.1
    assert 0.9 < pixels.max() <= 1
    assert image_signal(bundled(name), size=16).name == name
