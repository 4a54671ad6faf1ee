"""Samples keep the type of their file and represent the same values; large files are mapped or refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.pictures.images import image_file, image_signal, read_image
from siren_pl.problems.sampled import signal as sampled
from siren_pl.problems.sampled.observations import RandomFraction, masks
from siren_pl.problems.sampled.signal import SampledSignal

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (30, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_integers_stand_for_the_values_that_double_precision_gives(kind):
    top = np.iinfo(kind).max
    stored = np.arange(top + 1, dtype=kind).reshape(-1, 16, 1)
    signal = SampledSignal(torch.from_numpy(stored))
    expected = (stored / float(top) * 2 - 1).astype(np.float32)
    assert np.array_equal(signal.values.numpy(), expected)
    assert signal.values is signal.values  # made once


@pytest.mark.parametrize("options", [{}, {"crop": [3, 5, 11, 7]}, {"size": [30, 40]}])
def test_an_image_keeps_its_bytes_unless_something_is_computed_of_them(options, tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    signal = image_signal(image_file(str(tmp_path / "a.png")), **options)
    floats = image_signal(lambda: ("a", read_image(tmp_path / "a.png")), **options)
    assert signal.stored.dtype == torch.uint8
    assert torch.equal(signal.values, floats.values)


@pytest.mark.parametrize("options", [{"size": 20}, {"grayscale": True}, {"grayscale": True, "size": 17}])
def test_resized_and_grey_images_are_those_of_a_float_source(options, tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    found = image_signal(image_file(str(tmp_path / "a.png")), **options)
    expected = image_signal(lambda: ("a", read_image(tmp_path / "a.png")), **options)
    assert torch.equal(found.values, expected.values)


def test_an_array_is_mapped_and_never_written_to(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, COLOUR)
    signal = image_signal(image_file(str(path)))
    with path.open("r+b") as file:  # a mapped sample that nobody has read yet is the file's, as it is now
        file.seek(-1, 2)
        file.write(bytes([255 - COLOUR[-1, -1, -1]]))
    assert int(signal.stored[-1, -1, -1]) == 255 - COLOUR[-1, -1, -1]
    before = path.read_bytes()
    signal.stored.zero_()
    assert path.read_bytes() == before


def test_read_only_and_reversed_sources_are_accepted():
    backwards = COLOUR[::-1]
    backwards.flags.writeable = False
    signal = image_signal(lambda: ("a", backwards))
    assert np.array_equal(signal.stored.numpy(), COLOUR[::-1])


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_of_either_byte_order(order, tmp_path):
    values = RNG.integers(0, 65536, (5, 6)).astype(order)
    np.save(tmp_path / "a.npy", values)
    found = image_signal(image_file(str(tmp_path / "a.npy"))).values[..., 0]
    assert np.array_equal(found.numpy(), (values / 65535 * 2 - 1).astype(np.float32))


def test_other_integers_are_refused():
    with pytest.raises(UserError, match=r"scan holds samples of type torch\.int32: give uint8, uint16 or floats"):
        SampledSignal(torch.zeros(4, 4, 1, dtype=torch.int32), "scan")


@pytest.mark.parametrize("portion", [7, 1 << 20])
def test_the_mask_is_that_of_one_permutation(portion, monkeypatch):
    monkeypatch.setattr(sampled, "PORTION", portion)
    monkeypatch.setattr(masks, "PORTION", portion)
    signal = SampledSignal(torch.zeros(9, 11, 1, dtype=torch.uint8), observation=RandomFraction(0.3, 5))
    order = torch.randperm(99, generator=torch.Generator().manual_seed(5)).numpy()
    expected = np.ones(99, dtype=bool)
    expected[order[:30]] = False  # round(0.3 × 99)
    assert np.array_equal(signal.observed.numpy(), expected.reshape(9, 11))
    assert signal.observed_rows().tolist() == np.flatnonzero(expected).tolist()
    assert signal.observed_count == 69


def test_an_excerpt_holds_samples_at_their_own_places():
    stored = torch.from_numpy(COLOUR)
    signal = SampledSignal(stored, observation=RandomFraction(0.5, 3))
    coords, flat = signal.excerpt(200)
    # (2i + 1 - n) / 40, inverted.
    rows, columns = (((coords.double().numpy() * 40 + [30, 40] - 1) / 2).round().astype(int)).T
    assert len({*zip(rows, columns, strict=True)}) == 200
    assert np.array_equal(flat.values.numpy(), signal.values.numpy()[rows, columns])
    assert np.array_equal(flat.observed.numpy(), signal.observed.numpy()[rows, columns])
    assert torch.equal(SampledSignal(stored).excerpt(200).coords, coords)


def test_pictures_that_pillow_warns_of_are_read_and_those_it_refuses_name_the_way_out(tmp_path, monkeypatch):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")  # 1200 pixels; warnings are errors here
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert np.array_equal(image_signal(image_file(str(tmp_path / "a.png"))).stored.numpy(), COLOUR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(UserError, match=r"dataset\.path=.*a\.png is too large to decode.*\.npy"):
        image_signal(image_file(str(tmp_path / "a.png")))
