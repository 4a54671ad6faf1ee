"""A picture is written with the depth and profile of its source, and read back as the same levels."""

import numpy as np
import pytest
from PIL import Image

from siren_pl.problems.pictures.containers import Container, container_of, write_picture
from siren_pl.problems.pictures.images import as_pixels, image_file, image_signal, read_image
from siren_pl.problems.sampled.kind import Samples
from siren_pl.problems.sampled.signal import SampledSignal
from tests.pictures import chunks, grey_profile, profile

RNG = np.random.default_rng(0)


def random(channels: int, kind: type) -> np.ndarray:
    return RNG.integers(0, np.iinfo(kind).max, (5, 7, channels), dtype=kind, endpoint=True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_eight_bits_survive(channels, tmp_path):
    levels = random(channels, np.uint8)
    path = write_picture(levels, tmp_path / "deep" / "a.png")
    with Image.open(path) as image:
        assert image.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        assert np.array_equal(np.atleast_3d(np.asarray(image)), levels)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("known", [None, "profile"])
def test_sixteen_bits_survive(channels, known, tmp_path):
    levels = random(channels, np.uint16)
    icc = None if known is None else grey_profile() if channels == 1 else profile()
    path = write_picture(levels, tmp_path / "a.png", Container(16, icc))
    assert np.array_equal(read_image(path), levels / 65535)
    found = chunks(path)  # every checksum is right
    assert found[b"IHDR"][8] == 16  # bits per sample
    with Image.open(path) as image:
        image.load()
        assert image.info.get("icc_profile") == icc


@pytest.mark.parametrize(("channels", "depth"), [(2, 16), (5, 8), (5, 16)])
def test_what_png_is_not_written_with_here_becomes_an_array(channels, depth, tmp_path):
    levels = random(channels, np.uint8 if depth == 8 else np.uint16)
    path = write_picture(levels, tmp_path / "a.png", Container(depth))
    assert path.name == "a.npy" and not (tmp_path / "a.png").exists()
    assert np.array_equal(np.load(path), levels)


@pytest.mark.parametrize("depth", [8, 16])
def test_pixels_go_to_the_nearest_level(depth, tmp_path):
    top = 2**depth - 1
    # A third of a level beside each; the ends cannot be left.
    levels, beside = np.array([0, 1, 2, 100, top - 1, top]), np.array([0, 0.33, -0.33, 0.33, -0.33, 0])
    pixels = (levels + beside).reshape(1, -1, 1) / top
    path = write_picture(pixels, tmp_path / "a.png", Container(depth))
    assert (read_image(path)[0, :, 0] * top).round(9).tolist() == levels.tolist()


@pytest.mark.parametrize(
    ("space", "channels", "kept"),
    [("RGB", 3, True), ("RGB", 4, True), ("RGB", 1, False), ("GRAY", 1, True), ("GRAY", 3, False), ("CMYK", 3, False)],
)
def test_a_profile_is_kept_where_it_describes_the_channels(space, channels, kept, tmp_path):
    icc = profile()[:16] + space.ljust(4).encode() + profile()[20:]
    path = write_picture(random(channels, np.uint8), tmp_path / "a.png", Container(8, icc))
    with Image.open(path) as image:
        assert image.info.get("icc_profile") == (icc if kept else None)


@pytest.mark.parametrize("options", [{}, {"size": 3}, {"crop": [1, 1, 2, 2]}, {"grayscale": True}])
def test_a_signal_carries_what_held_it(options, tmp_path):
    Image.fromarray(random(3, np.uint8)).save(tmp_path / "a.png", icc_profile=profile())
    signal = image_signal(image_file(str(tmp_path / "a.png")), **options)
    assert signal.container == Container(8, profile())
    kept = signal.container.profile_of(signal.out_features)
    assert kept == (None if "grayscale" in options else profile())


def test_depth_of_arrays_and_of_sources_that_say_nothing(tmp_path):
    for kind, depth in ((np.uint8, 8), (np.uint16, 16), (np.float32, 16)):
        array = as_pixels(random(1, np.uint8)).astype(kind)
        np.save(tmp_path / "a.npy", array)
        assert image_signal(image_file(str(tmp_path / "a.npy"))).container.depth == depth
    assert [container_of(np.zeros(1, kind)).depth for kind in (np.uint8, np.uint16, float)] == [8, 16, 8]
    assert image_signal(lambda: ("a", random(3, np.uint16)), size=2).container.depth == 16
    assert isinstance(SampledSignal(image_signal(lambda: ("a", random(3, np.uint8))).stored).container, Samples)
