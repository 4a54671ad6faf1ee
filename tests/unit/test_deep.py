"""16-bit colour keeps every bit in every file format; reduced depth is reported, and damaged files are refused."""

import io
import logging
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from siren_pl.errors import UserError
from siren_pl.problems.pictures.files import read_picture
from tests.pictures import chunk, png, profile

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
ALPHA = RNG.integers(0, 65536, (5, 7, 4), dtype=np.uint16)


@pytest.mark.parametrize("samples", [COLOUR[..., :1], COLOUR, ALPHA, COLOUR[:1, :1], ALPHA[:1], COLOUR[:, :1]])
def test_png(samples, tmp_path):
    (tmp_path / "a.png").write_bytes(png(samples))
    found, container = read_picture(tmp_path / "a.png")
    assert found.dtype == np.uint16 and np.array_equal(found, samples)
    assert container.depth == 16


def test_the_profile_of_a_png(tmp_path):
    import zlib

    icc = chunk(b"iCCP", b"any name\0\0" + zlib.compress(profile()))
    (tmp_path / "a.png").write_bytes(png(COLOUR, icc))
    assert read_picture(tmp_path / "a.png")[1].profile == profile()


def test_a_png_may_name_one_colour_as_transparent(tmp_path):
    key = chunk(b"tRNS", struct.pack(">HHH", *COLOUR[2, 3]))
    (tmp_path / "a.png").write_bytes(png(COLOUR, key))
    found, _ = read_picture(tmp_path / "a.png")
    expected = np.full((5, 7), 65535)
    expected[2, 3] = 0
    assert np.array_equal(found[..., :3], COLOUR) and np.array_equal(found[..., 3], expected)


TIFFS = {
    "plain": {},
    "big endian": {"byteorder": ">"},
    "deflate": {"compression": "zlib"},
    "predictor": {"compression": "zlib", "predictor": True},
    "tiles": {"tile": (16, 16)},
}


@pytest.mark.parametrize("kind", TIFFS)
@pytest.mark.parametrize("samples", [COLOUR[..., 0], COLOUR, ALPHA])
def test_tiff(kind, samples, tmp_path):
    colour = "minisblack" if samples.ndim == 2 else "rgb"
    extra = {"extrasamples": ("unassalpha",)} if samples.shape[-1] == 4 else {}
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric=colour, **extra, **TIFFS[kind])
    found, container = read_picture(tmp_path / "a.tif")
    assert found.dtype == np.uint16 and np.array_equal(found, np.atleast_3d(samples))
    assert container.depth == 16


def test_planes_unnamed_samples_and_grey_with_alpha(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.moveaxis(COLOUR, -1, 0).copy(), photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_picture(path)[0], COLOUR)
    tifffile.imwrite(path, ALPHA, photometric="rgb", extrasamples=("unspecified",))
    assert np.array_equal(read_picture(path)[0], ALPHA[..., :3])
    pair = ALPHA[..., :2].copy()
    tifffile.imwrite(path, pair, photometric="minisblack", planarconfig="contig", extrasamples=("unassalpha",))
    assert np.array_equal(read_picture(path)[0], pair[..., [0, 0, 0, 1]])


def test_grey_whose_zero_is_white(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", COLOUR[..., 0], photometric="miniswhite")
    assert np.array_equal(read_picture(tmp_path / "a.tif")[0][..., 0], 65535 - COLOUR[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_every_orientation_is_pillows(orientation, kind, tmp_path):
    """Pillow turns a picture of 8 bits whose levels are the high bytes."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "png":
        (tmp_path / "a.png").write_bytes(png(COLOUR, chunk(b"eXIf", exif.tobytes()[6:])))
    else:
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(tmp_path / "a.tif", COLOUR, photometric="rgb", extratags=[tag])
    eight = Image.fromarray((COLOUR >> 8).astype(np.uint8))
    eight.getexif()[0x0112] = orientation
    found, _ = read_picture(tmp_path / f"a.{kind}")
    assert np.array_equal(found >> 8, np.asarray(ImageOps.exif_transpose(eight)))


def test_floats_of_a_tiff(tmp_path):
    values = RNG.random((5, 7, 3)).astype(np.float32)
    for samples in (values, values[..., 0]):
        tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb" if samples.ndim == 3 else "minisblack")
        found, container = read_picture(tmp_path / "a.tif")
        assert np.array_equal(found, np.atleast_3d(samples)) and container.depth == 16
    tifffile.imwrite(tmp_path / "a.tif", values[..., 0] * 300)
    with pytest.raises(UserError, match=r"a\.tif holds floats outside \[0, 1\]"):
        read_picture(tmp_path / "a.tif")


LOST = {
    "grey and alpha": ("a.png", lambda path: path.write_bytes(png(ALPHA[..., :2]))),
    "ink": ("a.tif", lambda path: tifffile.imwrite(path, ALPHA, photometric="separated")),
    "alpha multiplied in": (
        "a.tif",
        lambda path: tifffile.imwrite(path, ALPHA, photometric="rgb", extrasamples=("assocalpha",)),
    ),
    "ppm": ("a.ppm", lambda path: path.write_bytes(b"P6 7 5 65535\n" + COLOUR.astype(">u2").tobytes())),
}


@pytest.mark.parametrize("kind", LOST)
def test_lost_depth_is_said(kind, tmp_path, caplog):
    name, write = LOST[kind]
    write(tmp_path / name)
    with caplog.at_level(logging.WARNING):
        found, container = read_picture(tmp_path / name)
    assert found.dtype == np.uint8 and container.depth == 8
    assert f"{name} holds 16 bits a sample, read as 8" in caplog.text


@pytest.mark.parametrize("kind", ["ppm", "pgm"])
@pytest.mark.parametrize("top", [255, 15])
def test_ppm_of_few_bits_is_read_in_silence(kind, top, tmp_path, caplog):
    levels = RNG.integers(0, top + 1, (5, 7, 3 if kind == "ppm" else 1), dtype=np.uint8)
    header = f"{'P6' if kind == 'ppm' else 'P5'} 7 5 {top}\n".encode()
    (tmp_path / f"a.{kind}").write_bytes(header + levels.tobytes())
    found, _ = read_picture(tmp_path / f"a.{kind}")
    assert np.array_equal(found, levels.astype(int) * 255 // top) and not caplog.text


@pytest.mark.parametrize("length", [60, 150, -12])
def test_a_damaged_png(length, tmp_path):
    (tmp_path / "a.png").write_bytes(png(COLOUR)[:length])
    with pytest.raises(UserError, match=r"dataset\.path=.*a\.png is damaged or truncated.*again"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("length", [20, 200, 330])
def test_a_damaged_tiff(length, compression, tmp_path):
    stream = io.BytesIO()
    tifffile.imwrite(stream, COLOUR, photometric="rgb", compression=compression)
    (tmp_path / "a.tif").write_bytes(stream.getvalue()[:length])
    with pytest.raises(UserError, match=r"dataset\.path=.*a\.tif"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "samples", [COLOUR[..., 0].astype(np.uint32) * 1000, (COLOUR[..., 0] >> 1).astype(np.int16) * -1]
)
def test_integers_that_are_no_16_bits(samples, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack")
    with pytest.raises(UserError, match=r"holds integers outside 0 … 65535"):
        read_picture(tmp_path / "a.tif")
