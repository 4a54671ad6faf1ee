"""The figure of a restoration shows the measured data, and never calls them the truth."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siren_pl import Problem, SampledSignal, Siren
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.operators import Downsampling, downsampling
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.judging import side_by_side
from siren_pl.problems.pictures.judging.drawings import draw_windows
from siren_pl.problems.pictures.judging.restorations import is_restoration, rival, scored_by
from siren_pl.problems.pictures.restoration import denoising, inpainting, super_resolution
from siren_pl.problems.pictures.rivals.denoising import noisy as measured_again
from siren_pl.problems.pictures.rivals.denoising import non_local_means
from siren_pl.problems.pictures.rivals.enlargement import interpolation
from siren_pl.problems.pictures.rivals.filling import cubic, nearest
from siren_pl.problems.pictures.windows import Window
from siren_pl.problems.sampled import signal as sampled
from siren_pl.problems.sampled.observations import (
    GivenMask,
    Observation,
    RandomFraction,
    noisy,
)
from siren_pl.training.judge import Rival
from tests.judged import judged

pytestmark = pytest.mark.usefixtures("few_figures")
RNG = np.random.default_rng(0)
PICTURE = torch.from_numpy(RNG.integers(0, 256, (40, 48, 3), dtype=np.uint8))
KNOWN = torch.from_numpy(RNG.random((40, 48)) > 0.4)
FIELD = Siren(2, 3, hidden_features=8, hidden_layers=1, omega_0=5.0)
TASKS: dict[str, tuple[Callable[[SampledSignal], Problem], Observation]] = {
    "inpainting": (inpainting, GivenMask(KNOWN, "task.mask=a")),
    "super_resolution": (super_resolution, Downsampling(4)),
    "denoising": (denoising, noisy("gaussian", 0.1)),
}
RIVALS = {
    "nearest": nearest,
    "noisy": measured_again,
    "bilinear": functools.partial(interpolation, method="bilinear"),
    "bicubic": functools.partial(interpolation, method="bicubic"),
    "cubic": cubic,
    "non_local_means": non_local_means,
}


def signal(name: str, known: bool = True) -> SampledSignal:
    observation = TASKS[name][1]
    if known:
        return SampledSignal(PICTURE, observation=observation)
    data = SampledSignal(PICTURE, observation=observation).measured
    return SampledSignal(observation.picture(data, (40, 48)), observation=observation, data=data, has_truth=False)


def drawn(name: str, known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple:
    """What the figure was made of, and the figures that were written."""
    seen: list = []

    def draw(columns, shape, boxes, path):
        seen.extend((columns, shape, boxes))
        return path

    monkeypatch.setattr(side_by_side, "draw", draw)
    of = signal(name, known)
    judgement = judged(FIELD, TASKS[name][0](of), RIVALS)
    names = [path.name for path in judgement.draw(tmp_path)]
    return *seen, names, judgement


@pytest.mark.parametrize("name", TASKS)
def test_with_the_truth(name, tmp_path, monkeypatch):
    columns, shape, boxes, names, judgement = drawn(name, True, tmp_path, monkeypatch)
    assert shape == (40, 48) and len(boxes) == 2
    assert names == ["reconstruction.png", "derivatives.png", "restoration.png", "zoom.png"]
    measured, rivals, field, truth = columns
    metric = {"inpainting": "heldout_psnr", "super_resolution": "psnr_y", "denoising": "psnr"}[name]
    assert f"{judgement.metrics[metric]:.2f} dB" in field.title and field.title.startswith("field")
    scores = {n: judgement.metrics[f"baseline/{n}/{metric}"] for n in judgement.rivals}
    best = max(scores, key=scores.get)
    assert rivals.title.startswith(best.replace("_", " ")) and f"{scores[best]:.2f} dB" in rivals.title
    assert truth.title.strip() == "truth" and measured.title.startswith("measured")
    np.testing.assert_allclose(truth.whole, PICTURE.numpy() / 255, atol=1e-6)
    for column in columns:
        for (top, left, bottom, right), part in zip(boxes, column.parts, strict=True):
            window = column.whole[int(top) : int(bottom), int(left) : int(right)]
            assert np.array_equal(part, window) and part.size


@pytest.mark.parametrize("name", TASKS)
def test_without_the_truth(name, tmp_path, monkeypatch):
    columns, _, boxes, names, judgement = drawn(name, False, tmp_path, monkeypatch)
    assert len(boxes) == 2 and names == ["restoration.png", "zoom.png"]
    first = {"inpainting": "cubic", "super_resolution": "bilinear", "denoising": "non local means"}[name]
    assert [column.title.split("\n")[0] for column in columns] == ["measured", first, "field"]
    assert not any("dB" in column.title or "truth" in column.title for column in columns)
    assert {key.split("/")[-1] for key in judgement.metrics} == {"train_psnr", "clipped"}
    assert judgement.found.jet is None


def test_what_is_not_known_is_magenta(tmp_path, monkeypatch):
    for known in (True, False):
        measured = drawn("inpainting", known, tmp_path, monkeypatch)[0][0]
        assert measured.title == f"measured\n{float(KNOWN.float().mean()):.0%} of the pixels"
        np.testing.assert_allclose(measured.whole[KNOWN], (PICTURE[KNOWN] / 255).numpy(), atol=1e-6)
        assert (measured.whole[~KNOWN] == figures.UNKNOWN).all()
    grey = figures.with_unknown(np.full((2, 1, 1), 0.4), np.array([[True], [False]]))
    np.testing.assert_array_equal(grey, [[[0.4] * 3], [figures.UNKNOWN]])


def test_a_smaller_picture_is_shown_as_blocks(tmp_path, monkeypatch):
    for known in (True, False):
        measured = drawn("super_resolution", known, tmp_path, monkeypatch)[0][0]
        assert measured.title == "measured\n10 × 12 pixels"
        data = (Downsampling(4).apply(PICTURE.double() / 127.5 - 1) / 2 + 0.5).clamp(0, 1)
        expected = data.repeat_interleave(4, 0).repeat_interleave(4, 1)
        np.testing.assert_allclose(measured.whole, expected, atol=1e-6)


def test_noise_is_told_by_its_psnr(tmp_path, monkeypatch):
    measured, *_ = drawn("denoising", True, tmp_path, monkeypatch)[0]
    error = np.square(measured.whole - PICTURE.numpy() / 255).mean()
    assert f"{-10 * np.log10(error):.2f} dB" in measured.title


def test_a_picture_is_written(tmp_path):
    """As wide as a README or a little wider, so that nothing is unreadable there; a small picture has no windows."""
    of = signal("inpainting")
    judgement = judged(FIELD, inpainting(of), {"cubic": cubic})
    judgement.draw(tmp_path)
    with Image.open(tmp_path / "restoration.png") as image:
        assert 900 <= image.width <= 1100 and 600 < image.height < 900
        pixels = np.asarray(image.convert("RGB"))
    magenta = np.abs(pixels / 255 - figures.UNKNOWN).max(-1) < 0.02
    assert 0.02 < magenta[:, : image.width // 4].mean() < 0.6 and not magenta[:, image.width // 4 :].any()
    small = SampledSignal(PICTURE[:20, :30], observation=RandomFraction(0.5))
    judged(FIELD, inpainting(small)).draw(tmp_path / "small")
    with Image.open(tmp_path / "small" / "restoration.png") as image:
        assert image.height < 350


def test_what_is_no_restoration():
    whole, half = SampledSignal(PICTURE), SampledSignal(PICTURE, observation=RandomFraction(0.5))
    assert not is_restoration(image_fit(whole).judge)
    assert is_restoration(image_fit(half).judge)
    # Its measurements are slopes, not pixels.
    assert not is_restoration(poisson_grad(half, integrated=False).judge)


def test_rivals():
    known, unknown = signal("inpainting"), signal("inpainting", False)
    scored = {"a": Rival(0, {"heldout_psnr": 20.0}), "b": Rival(0, {"heldout_psnr": 30.0, "psnr": 1.0})}
    assert rival(scored, known) == "b" and rival({}, known) is None
    nothing = Rival(0, {})
    assert rival(dict.fromkeys(("nearest", "a", "b"), nothing), unknown) == "a"
    assert rival(dict.fromkeys(("nearest", "noisy"), nothing), unknown) is None
    assert scored_by(SampledSignal(PICTURE, observation=downsampling(2, sigma=0.1)))[0] == "psnr_y"


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("known", [True, False])
def test_a_window_shows_data_as_data_and_the_truth_as_the_truth(name, known, tmp_path, monkeypatch):
    of, seen = signal(name, known), []
    monkeypatch.setattr(figures, "zooms", lambda rows, path: seen.extend(rows))
    window = Window((4, 8, 20, 28), (32, 40))
    draw_windows(judged(FIELD, TASKS[name][0](of)).found, [window], tmp_path / "zoom.png")
    titles, panels = zip(*seen[0].panels, strict=True)
    enlarged = () if name == "inpainting" else ("bicubic of the measured",)
    truth = ("truth (nearest)",) if known else ()
    assert titles == ("measured (nearest)", "field, 2×", *enlarged, *truth)
    assert all(pixels.shape == (32, 40, 3) for pixels in panels)
    if known:
        np.testing.assert_allclose(panels[-1][::2, ::2], PICTURE.numpy()[4:20, 8:28] / 255, atol=1e-6)
    if name == "inpainting":
        unknown = ~KNOWN[4:20, 8:28]
        assert (panels[0][::2, ::2][unknown] == figures.UNKNOWN).all()
    if name == "super_resolution":  # Pillow enlarges the small picture by 8; a window of that is this panel
        small = [Image.fromarray(c) for c in (of.measured / 2 + 0.5).clamp(0, 1).movedim(-1, 0).float().numpy()]
        large = np.stack([np.asarray(c.resize((96, 80), Image.Resampling.BICUBIC)) for c in small], -1).clip(0, 1)
        np.testing.assert_allclose(panels[2], large[8:40, 16:56], atol=1e-5)
        blocks = large_blocks(of)
        np.testing.assert_allclose(panels[0][::2, ::2], blocks[4:20, 8:28], atol=1e-5)
    if name == "denoising":
        np.testing.assert_allclose(panels[0][::2, ::2], (of.measured[4:20, 8:28] / 2 + 0.5).clamp(0, 1), atol=1e-5)


def large_blocks(of: SampledSignal) -> np.ndarray:
    """The small picture, each of its pixels as a block of 4 × 4."""
    return (of.measured / 2 + 0.5).clamp(0, 1).repeat_interleave(4, 0).repeat_interleave(4, 1).numpy()


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("known", [True, False])
def test_slab_by_slab(name, known, tmp_path, monkeypatch):
    """A large signal, without a truth as well: the same scores of what both score, and the same figures."""
    of = signal(name, known)
    problem = TASKS[name][0](of)
    whole = judged(FIELD, problem).metrics
    monkeypatch.setattr(sampled, "MOST_NUMBERS", 100)
    slabs = judged(FIELD, problem)
    assert slabs.metrics.keys() <= whole.keys() and "train_psnr" in slabs.metrics
    assert ("psnr" in slabs.metrics) == known
    # The data of a large picture are compared with its rounded pixels.
    assert slabs.metrics == {key: pytest.approx(whole[key], abs=0.02) for key in slabs.metrics}
    assert ("psnr_y" in slabs.metrics) == known
    names = [path.name for path in slabs.draw(tmp_path)]
    assert names == [*["reconstruction.png"][: int(known)], "restoration.png", "zoom.png"]
