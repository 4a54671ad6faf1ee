"""A composition fits the pictures of an edit to the target in size, channels and place, and refuses unsuitable ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.pictures.editing.composition import covering, edited, ellipse, with_channels
from siren_pl.problems.pictures.editing.edits import Edit
from siren_pl.problems.pictures.images import bundled, image_signal, resize_pixels
from siren_pl.problems.sampled.signal import SampledSignal


def signal(size: list[int] | int = 16, grayscale: bool = False, **options) -> SampledSignal:
    return edited(**options)(image_signal(bundled("rocket"), size=size, grayscale=grayscale))


def edit(of: SampledSignal) -> Edit:
    assert isinstance(of.observation, Edit)
    return of.observation


def test_sources_are_cut_around_their_middle_and_resized():
    pixels = np.random.default_rng(0).random((20, 60, 3))
    np.testing.assert_array_equal(covering(pixels, (20, 30), "bilinear"), pixels[:, 15:45])
    np.testing.assert_allclose(covering(pixels, (8, 8), "bicubic"), resize_pixels(pixels[:, 20:40], (8, 8), "bicubic"))


@pytest.mark.parametrize("have", [1, 2, 3, 4])
@pytest.mark.parametrize("want", [1, 2, 3, 4])
def test_channels_are_brought_to_the_targets(have, want):
    pixels = np.random.default_rng(have).random((2, 2, have))
    found = with_channels(pixels, want, "picture")
    assert found.shape == (2, 2, want)
    if want in (2, 4) and have in (1, 3):
        assert (found[..., -1] == 1).all()
    luma = pixels[..., :3] @ [0.299, 0.587, 0.114] if have > 2 else pixels[..., 0]
    ours = found[..., :3] @ [0.299, 0.587, 0.114] if want > 2 else found[..., 0]
    np.testing.assert_allclose(ours, luma)


def test_more_channels_are_refused():
    with pytest.raises(UserError, match="5 channels and the target 3"):
        with_channels(np.zeros((2, 2, 5)), 3, "bands.npy")


def test_the_offset_moves_the_source_down_and_right():
    still, moved = (edit(signal(offset=offset)).material.sources[0] for offset in ((0, 0), (2, -3)))
    torch.testing.assert_close(moved[2:, :-3], still[:-2, 3:])
    torch.testing.assert_close(moved[0], moved[2])  # the edge is repeated


def test_a_file_is_a_source_and_a_mask(tmp_path: Path):
    picture, where = np.random.default_rng(0).integers(0, 256, (2, 12, 16), dtype=np.uint8)
    where = np.where(where > 127, 255, 0).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "grey.png")
    Image.fromarray(where).save(tmp_path / "mask.png")
    found = edit(signal([12, 16], sources=[str(tmp_path / "grey.png")], mask=str(tmp_path / "mask.png")))
    assert found.material.names == ("rocket", "grey")
    np.testing.assert_allclose(found.material.sources[0, ..., 2].numpy() / 2 + 0.5, picture / 255, atol=1e-6)
    np.testing.assert_array_equal(found.material.inside.numpy(), where == 255)


def test_the_ellipse_is_in_the_middle_and_touches_no_edge():
    for shape in ((8, 8), (9, 30), (2, 3)):
        inside = ellipse(shape).numpy()
        assert inside.any() and not inside[0].all()
        np.testing.assert_array_equal(inside, inside[::-1, ::-1])


def test_the_signal_is_the_direct_solution_in_the_targets_own_values_outside():
    of = signal(20)
    assert of.name == "rocket_chelsea_clone" and of.shape == (13, 20) and of.has_truth and not of.is_plain
    target = image_signal(bundled("rocket"), size=20)
    outside = ~edit(of).material.inside
    torch.testing.assert_close(of.values[outside], target.values[outside])
    assert of.domain.resolution == 20 and of.observed_count == 13 * 20


def test_a_grey_target_makes_grey_sources():
    assert signal(grayscale=True, mode="mixed", sources=["chelsea", "coffee"]).out_features == 1


SLIPS = {
    "no source": ({"sources": []}, "task.sources=[]"),
    "unknown name": ({"sources": ["chelse"]}, "neither a file nor one of"),
    "missing file": ({"sources": ["a.png"]}, "task.sources=a.png does not exist"),
    "two to clone": ({"sources": ["chelsea", "coffee"]}, "takes one source"),
    "a mask for fuse": ({"mode": "fuse", "mask": "a.png"}, "belong to task.mode=clone"),
    "missing mask": ({"mask": "a.png"}, "task.mask=a.png does not exist"),
    "too many weights": ({"mode": "fuse", "weights": [1.0, 1.0, 1.0]}, "task.weights"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named(name):
    options, words = SLIPS[name]
    with pytest.raises(UserError) as error:
        signal(**options)
    assert words in str(error.value)


@pytest.mark.parametrize(("shape", "words"), [((11, 16), "is of 16 × 11 pixels, but the target is of 11 × 16")])
def test_a_mask_of_another_size_is_named(shape, words):
    Image.new("L", shape, 255).save("mask.png")
    with pytest.raises(UserError, match=words):
        signal([11, 16], mask="mask.png")


def test_pixels_cannot_be_held_out_of_an_edit():
    with pytest.raises(UserError, match=r"dataset.heldout=0.2 withholds"):
        edited()(image_signal(bundled("rocket"), size=16, heldout=0.2))
