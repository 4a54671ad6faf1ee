"""Videos as signals: parts, sizes, time, cuts, the temporary file, and scores, against arithmetic and scikit-image."""

import logging
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from siren_pl import SampledSignal, video_fit, video_signal
from siren_pl.errors import UserError
from siren_pl.problems.sampled.observations import EveryOther, GivenMask
from siren_pl.problems.video.files import Frame
from siren_pl.problems.video.footage import Footage, video_file
from siren_pl.problems.video.rivals import in_time
from siren_pl.problems.video.scores import video_scores
from siren_pl.problems.video.texture import ROWS, TURN, value
from tests.videos import texture, turning

RNG = np.random.default_rng(0)


def of(shots, times=None, **options) -> SampledSignal:
    shown = enumerate(shots)
    found = (Frame(pixels, times[number] if times else number / 25) for number, pixels in shown)
    return video_signal(lambda: Footage("clip", found), **options)


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({}, range(20)),
        ({"frames": [5, 9]}, range(5, 9)),
        ({"frames": [3, 20, 4]}, range(3, 20, 4)),
        ({"seconds": [0.2, 0.4]}, range(5, 10)),
        ({"seconds": [None, 0.1]}, range(3)),
        ({"seconds": [0.7, None]}, range(18, 20)),
    ],
)
def test_the_frames_that_were_asked_for_are_taken(options: dict, taken: range) -> None:
    frames = turning(20)
    signal = of(frames, **options)
    assert signal.stored.dtype == torch.uint8
    assert np.array_equal(signal.stored, [frames[number] for number in taken])
    assert signal.container.rate == pytest.approx(25 / taken.step)
    assert signal.container.start == pytest.approx(taken.start / 25)


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (20, {"frames": [5, 21]}, "dataset.frames=[5,21] is no part of clip, which has 20 frames"),
        (20, {"frames": [5, 5]}, "dataset.frames=[5,5] holds no frame"),
        (20, {"frames": [5, 6]}, "clip has 1 frame here, and a video has at least two"),
        (20, {"seconds": [2.0, None]}, "dataset.seconds starts at 2, and the last frame of clip is shown at 0.760"),
        (20, {"frames": [0, 5], "seconds": [0, 1]}, "give one of them"),
        (1, {}, "task=image_fit"),
        (0, {}, "has no frame"),
        (20, {"stride": [2, 1]}, "dataset.stride=[2,1] is of 2 axes"),
        (
            20,
            {"cache_gb": 12e-6},
            "as 20 frames of 20×16 pixels, and dataset.cache_gb=1.2e-05 is the most: choose dataset.size=15 or less",
        ),
    ],
)
def test_a_part_that_is_none_is_told(count: int, options: dict, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        of(turning(count), **options)


def test_nothing_is_decoded_beyond_the_end() -> None:
    """So the part before a damage can be taken."""

    def breaking():
        for number, pixels in enumerate(turning(4)):
            yield Frame(pixels, number / 25)
        raise UserError("cut off")

    assert video_signal(lambda: Footage("clip", breaking()), frames=[0, 4]).shape == (4, 16, 20)
    with pytest.raises(UserError, match="cut off"):
        video_signal(lambda: Footage("clip", breaking()), frames=[0, 5])


@pytest.mark.parametrize(("size", "shape"), [(10, (8, 10)), ([6, 5], (6, 5)), (None, (16, 20))])
def test_frames_are_resized_as_pillow_does(size, shape: tuple[int, int]) -> None:
    frames = turning(3)
    signal = of(frames, size=size, resize="lanczos", grayscale=True)
    grey = [Image.fromarray(frame).convert("L") for frame in frames]
    expected = [np.asarray(each.resize(shape[::-1], Image.Resampling.LANCZOS) if size else each) for each in grey]
    assert np.array_equal(signal.stored[..., 0], expected)


def test_voxels_are_cubes_unless_time_has_an_extent() -> None:
    signal = of(turning(5))
    assert signal.extent == (0.25, 0.8, 1.0) and signal.domain.spacing == (0.1, 0.1, 0.1)
    assert of(turning(5), time_extent=2.0).extent == (2.0, 0.8, 1.0)


def test_frames_lie_at_their_own_times(caplog: pytest.LogCaptureFixture) -> None:
    """Five frames in two seconds, 0.4 seconds each on the average of the intervals between the first and the last."""
    times = [0.0, 0.2, 0.4, 1.2, 1.6]
    with caplog.at_level(logging.WARNING):
        signal = of(turning(5), times)
    assert "variable frame rate (0.200 to 0.800 seconds" in caplog.text
    assert signal.container.rate == pytest.approx(2.5)
    middle = (np.array(times) + 0.2) / 2.0
    own = signal.coords().reshape(5, 16, 20, 3)[:, 0, 0, 0]
    np.testing.assert_allclose(own, (2 * middle - 1) * 0.25, atol=1e-7)
    assert signal.extent == pytest.approx((0.25, 0.8, 1.0))
    # Another number of frames is spread evenly.
    np.testing.assert_allclose(signal.grid.axes(signal.shape, (4, 16, 20))[0], (np.arange(4) - 1.5) / 8, atol=1e-9)
    rounded = [round(number / 60, 3) for number in range(5)]
    assert of(turning(5), rounded).coords()[0, 0] == pytest.approx(-0.2)


def test_hard_cuts_are_named(caplog: pytest.LogCaptureFixture) -> None:
    scenes = [RNG.integers(0, 256, (16, 20, 3), dtype=np.uint8) for _ in range(3)]
    frames = [np.roll(scene, shift, 1) for scene in scenes for shift in (0, 0, 0, 0)]
    with caplog.at_level(logging.WARNING):
        of([*turning(4), *frames[:8]])
    assert "clip has a hard cut after frame 3, 7:" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        of([*turning(4), *frames[:8]], seconds=[0.08, 0.24])
    assert "clip has a hard cut after frame 3:" in caplog.text  # as the file counts them
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        of(turning(20, step=0.3))
        of(frames, frames=[1, 12, 2])
    assert "after frame 3, 7:" in caplog.text  # frames 3 and 5 are of two scenes, and 7 and 9
    assert caplog.text.count("hard cut") == 1


def test_the_temporary_file_has_no_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    signal = of(turning(6))
    assert list(tmp_path.iterdir()) == []
    if Path("/proc/self/maps").exists():
        mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line]
        assert len(mapped) == 1 and "(deleted)" in mapped[0]
    assert np.array_equal(signal.stored, turning(6))


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full.open("wb", buffering=0))
    with pytest.raises(UserError, match="TMPDIR"):
        of(turning(6))


def test_scores_are_means_over_frames() -> None:
    truth = np.stack(turning(6))
    signal = of(truth, stride=[2, 1, 1])
    noise = RNG.normal(size=truth.shape) * np.linspace(0.02, 0.2, 6)[:, None, None, None]
    values = torch.from_numpy(signal.values.numpy() + noise)
    found = video_scores(values, signal)
    result, target = (values.numpy() / 2 + 0.5).clip(0, 1), truth / 255
    frames = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(target, result, strict=True)]
    likeness = [
        structural_similarity(
            a, b, data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(target, result, strict=True)
    ]
    expected = {
        "psnr": np.mean(frames), "psnr_std": np.std(frames), "psnr_min": min(frames), "psnr_min_frame": 5,
        "train_psnr": np.mean(frames[::2]), "heldout_psnr": np.mean(frames[1::2]), "ssim": np.mean(likeness),
    }  # fmt: skip
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stride", [2, None])
def test_in_time_is_numpys_interpolation_at_every_pixel(stride: int | None) -> None:
    frames = RNG.integers(0, 256, (7, 4, 5, 1), dtype=np.uint8)
    seen = torch.from_numpy(RNG.random((7, 4, 5)) < 0.4)
    seen[:, 0, 0] = False
    seen[0, 0, 1] = True
    observation = EveryOther([stride, 1, 1]) if stride else GivenMask(seen, "mask")
    signal = SampledSignal(torch.from_numpy(frames), observation=observation)
    found, known, values = in_time(signal).numpy(), signal.observed.numpy(), signal.values.double().numpy()
    for row, column in np.ndindex(4, 5):
        times = np.flatnonzero(known[:, row, column])
        expected = values[known].mean() if not len(times) else np.interp(
            np.arange(7), times, values[times, row, column, 0]
        )  # fmt: skip
        np.testing.assert_allclose(found[:, row, column, 0], expected, atol=1e-12)


def test_in_time_goes_by_the_times_of_the_frames() -> None:
    """Of three frames the middle one is withheld, which is shown after a quarter of the time."""
    signal = of(turning(3), [0.0, 0.1, 0.4], stride=[2, 1, 1])
    values = signal.values.double()
    torch.testing.assert_close(in_time(signal)[1], 0.75 * values[0] + 0.25 * values[2], rtol=0, atol=1e-12)


def test_the_texture_turns() -> None:
    """After a quarter turn the frame is that of NumPy; the bundled clip shows the same texture."""
    turned = texture(np.pi / 2, 16, 16).astype(int)
    assert np.abs(turned - np.rot90(texture(0, 16, 16), -1)).max() <= 1
    frames = list(video_file(None)().frames)
    assert len(frames) == 24
    rows = np.arange(ROWS)[:, None] + 0.5 - ROWS / 2
    expected = value(5 * TURN, rows, np.arange(64)[None] + 0.5 - 32)
    assert np.abs(frames[5].pixels / 255 - expected).max() <= 0.5 / 255 + 1e-9


def test_only_videos_are_fitted_as_such() -> None:
    with pytest.raises(UserError, match="task=image_fit"):
        video_fit(SampledSignal(torch.zeros(4, 4, 1)))
