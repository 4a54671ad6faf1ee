"""Every observation has a linear map with its transpose, seeded noise, and consistent masks and counts."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl.errors import UserError
from siren_pl.problems.operators import KERNELS, Downsampling, downsampling
from siren_pl.problems.pictures.damage import mask
from siren_pl.problems.sampled.observations import (
    NOISES,
    EveryOther,
    Everything,
    GivenMask,
    Noise,
    Observation,
    RandomFraction,
    noisy,
)

SHAPES = {1: (37,), 2: (23, 17), 3: (9, 7, 5)}
GIVEN = {d: torch.rand(shape, generator=torch.Generator().manual_seed(3)) > 0.6 for d, shape in SHAPES.items()}
OBSERVATIONS: dict[str, tuple[Observation, int]] = {
    f"{name} of {d} axes": (observation, d)
    for d in SHAPES
    for name, observation in {
        "everything": Everything(),
        "random": RandomFraction(0.4, 1),
        "stride": EveryOther(3),
        "stride of each": EveryOther((3, 2, 1)[:d]),
        "given": GivenMask(GIVEN[d], "task.mask=a"),
        "noisy": noisy("gaussian", 0.1),
        **{f"{kernel} {scale}": Downsampling(scale, KERNELS[kernel]) for kernel, scale in product(KERNELS, (2, 2.7))},
    }.items()
} | {"text": (mask(damage="text"), 2), "scratches": (mask(damage="scratches"), 2)}
MASKS = [name for name in OBSERVATIONS if name.split()[0] in ("random", "stride", "given", "text", "scratches")]


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_the_adjoint_is_the_transpose(name):
    observation, axes = OBSERVATIONS[name]
    x = normal(*SHAPES[axes], 2, seed=0)
    measured = observation.apply(x)
    y = normal(*measured.shape, seed=1)
    back = observation.adjoint(y, SHAPES[axes])
    assert back.shape == x.shape and back.dtype == torch.float64
    assert float((measured * y).sum()) == pytest.approx(float((x * back).sum()), abs=1e-10)


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_the_map_is_linear(name):
    observation, axes = OBSERVATIONS[name]
    a, b = (normal(*SHAPES[axes], 1, seed=seed) for seed in (0, 1))
    both = observation.apply(2 * a - 3 * b)
    torch.testing.assert_close(both, 2 * observation.apply(a) - 3 * observation.apply(b), rtol=0, atol=1e-12)
    assert observation.apply(a).shape == observation.measure(a).shape


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_agrees_with_itself(name):
    observation, axes = OBSERVATIONS[name]
    shape = SHAPES[axes]
    observed = observation.observed(shape)
    count = int(observed.sum())
    assert (
        observed.shape == shape and torch.equal(observed, observation.observed(shape)) and 0 < count < observed.numel()
    )
    assert observation.count(shape) == count
    values = normal(*shape, 2, seed=0)
    data = observation.apply(values)
    assert torch.equal(data, torch.stack([values[i] for i in zip(*np.nonzero(observed.numpy()), strict=True)]))
    shown = observation.picture(data, shape)
    assert torch.equal(shown[observed], data) and (shown[~observed] == 0).all()
    assert torch.equal(observation.read(values), data)
    # So many samples a side has a cube of as many samples.
    expected = max(shape) * (count / observed.numel()) ** (1 / axes)
    # A stride's is that of the lattice; it takes one more sample where the size is no multiple.
    assert observation.density(shape) == pytest.approx(expected, rel=0.15 if "stride" in name else 0.01)


def test_everything_is_seen():
    everything = Everything()
    assert everything.observed((3, 4)).all() and everything.count((3, 4)) == 12 and everything.density((3, 4)) == 4


def test_a_fraction_is_kept_at_random_and_seeded():
    kept = RandomFraction(0.7, 5).observed((100, 100))
    assert int(kept.sum()) == 3000
    assert not torch.equal(kept, RandomFraction(0.7, 6).observed((100, 100)))
    # Rows hold 30 ± 4.6 each; five deviations.
    assert float((kept.sum(1) - 30).abs().max()) < 23


def test_a_mask_may_be_asked_for_by_what_it_keeps():
    assert int(mask(keep=0.3, seed=5).observed((100, 100)).sum()) == 3000
    assert mask(keep=0.3).option == "task.keep=0.3"
    assert mask(keep=1.0).observed((4, 4)).all()


def test_text_and_scratches_leave_most_of_the_picture():
    for damage in ("text", "scratches"):
        for shape in ((200, 300), (300, 200), (24, 24)):
            covered = 1 - float(mask(damage=damage).observed(shape).float().mean())
            assert 0.02 < covered < 0.75
        assert torch.equal(
            mask(damage=damage, seed=3).observed((50, 60)), mask(damage=damage, seed=3).observed((50, 60))
        )
    assert not torch.equal(
        mask(damage="scratches", seed=1).observed((50, 60)), mask(damage="scratches").observed((50, 60))
    )
    assert torch.equal(mask().observed((50, 60)), mask(damage="text").observed((50, 60)))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16"])
def test_a_file_says_what_is_known(mode, tmp_path):
    known = np.random.default_rng(0).random((5, 6)) > 0.5
    grey = Image.fromarray(known.astype(np.uint8) * 255)
    (Image.fromarray(known.astype(np.uint16) * 65535) if mode == "I;16" else grey.convert(mode)).save(
        tmp_path / "m.png"
    )
    found = mask(path=str(tmp_path / "m.png"))
    assert np.array_equal(found.observed((5, 6)).numpy(), known)
    assert found.option == f"task.mask={tmp_path / 'm.png'}"


@pytest.mark.parametrize(
    "given", [{"keep": 0.5, "damage": "text"}, {"path": "m.png", "keep": 0.5}, {"path": "m.png", "damage": "text"}]
)
def test_two_masks_are_refused(given):
    names = ["task.mask" if name == "path" else f"task.{name}" for name in given]
    with pytest.raises(UserError, match=r"both say what is known.*give one of them") as caught:
        mask(**given)
    assert all(name in str(caught.value) for name in names)


def test_masks_that_leave_nothing(tmp_path):
    Image.new("L", (6, 5)).save(tmp_path / "black.png")
    with pytest.raises(UserError, match=r"task\.mask=.*black\.png knows no sample.*white.*invert"):
        mask(path=str(tmp_path / "black.png"))
    for keep in (0.0, -0.1, 1.1):
        with pytest.raises(UserError, match=rf"task\.keep={keep} must lie in \(0, 1\]"):
            mask(keep=keep)
    with pytest.raises(UserError, match=r"task\.keep=0\.01 leaves no sample"):
        mask(keep=0.01).count((5, 5))


def test_a_mask_of_another_size():
    with pytest.raises(UserError, match=r"task\.mask=a is of 5 × 6 pixels, but the picture is of 6 × 5"):
        GivenMask(torch.ones(5, 6, dtype=torch.bool), "task.mask=a").observed((6, 5))


GREY = torch.full((200, 300, 2), 2 * 0.3 - 1)


def noise_of(kind: str, level: float, values: torch.Tensor = GREY, seed: int = 0) -> torch.Tensor:
    """Noise in pixels of [0, 1]."""
    return (Noise(NOISES[kind], level, seed)(values).double() - values.double()) / 2


@pytest.mark.parametrize("kind", NOISES)
def test_noise_is_seeded(kind):
    first = noise_of(kind, 0.1)
    assert torch.equal(first, noise_of(kind, 0.1)) and not torch.equal(first, noise_of(kind, 0.1, seed=1))
    state = torch.get_rng_state()
    noise_of(kind, 0.1)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(noise_of(kind, 0.0), torch.zeros(GREY.shape, dtype=torch.float64))
    assert Noise(NOISES[kind], 0.1)(GREY).dtype == GREY.dtype


@pytest.mark.parametrize("level", [0.02, 0.098, 0.5])
def test_gaussian_noise_is_white(level):
    noise = noise_of("gaussian", level)
    # 120,000 numbers: the mean is known to 0.3 %, the deviation to 0.2 % of a deviation; five of them.
    assert float(noise.mean()) == pytest.approx(0, abs=0.015 * level)
    assert float(noise.std()) == pytest.approx(level, rel=0.01)
    for neighbour in (noise[1:] * noise[:-1], noise[:, 1:] * noise[:, :-1], noise[..., 0] * noise[..., 1]):
        assert abs(float(neighbour.mean())) < 0.025 * level**2


@pytest.mark.parametrize("pixel", [0.1, 0.5, 1.0])
def test_photons_scatter_by_the_root_of_their_number(pixel):
    """A pixel p counts p / level² photons on average, so its variance is p level²."""
    noise = noise_of("poisson", 0.1, torch.full((200, 300, 1), 2 * pixel - 1))
    assert float(noise.mean()) == pytest.approx(0, abs=0.003)
    assert float(noise.var()) == pytest.approx(pixel * 0.1**2, rel=0.05)


def test_black_has_no_photons():
    assert torch.equal(noise_of("poisson", 0.1, torch.full((8, 8, 1), -1.0)), torch.zeros(8, 8, 1).double())


def test_salt_and_pepper_take_half_of_the_lost_pixels_each():
    found = Noise(NOISES["salt_and_pepper"], 0.2)(GREY)
    salt, pepper = (found == 1).all(-1), (found == -1).all(-1)
    assert torch.equal(found[~(salt | pepper)], GREY[~(salt | pepper)])  # all channels of a pixel, or none
    # 60,000 pixels: a tenth is known to 0.0012; four of them.
    assert float(salt.double().mean()) == pytest.approx(0.1, abs=0.005)
    assert float(pepper.double().mean()) == pytest.approx(0.1, abs=0.005)


def test_a_noisy_smaller_picture_is_both():
    observation = downsampling(2, noise="gaussian", sigma=0.1, seed=3)
    values = normal(20, 30, 1, seed=0).clamp(-1, 1)
    clean = Downsampling(2).apply(values)
    assert torch.equal(observation.apply(values), clean) and isinstance(observation, Downsampling)
    assert float((observation.measure(values) - clean).std()) / 2 == pytest.approx(0.1, rel=0.2)
    assert observation.fine((10, 15)) == (20, 30) and observation.picture(clean, (20, 30)).shape == (20, 30, 1)
    assert observation.count((20, 30)) == 150 and observation.density((20, 30)) == 15
    assert "task.scale=2" in observation.told  # scale, not noise, withholds the pixels
    assert isinstance(downsampling(2), Downsampling)


@pytest.mark.parametrize("level", [-0.1, 1.0, 25.0, math.nan])
def test_noise_is_measured_in_pixels(level):
    with pytest.raises(UserError, match=r"task\.sigma=.* must lie in \[0, 1\).*25 of 255 is 0\.098"):
        noisy("gaussian", level)


def test_a_stride_that_leaves_one_sample_is_refused() -> None:
    with pytest.raises(UserError, match=r"stride=5 leaves one sample of 4"):
        EveryOther(5).kept((4,))
    assert EveryOther((4, 5)).kept((4, 4)) == (1, 1)  # a picture of one pixel is a picture
