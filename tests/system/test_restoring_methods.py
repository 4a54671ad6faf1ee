"""What restoring by a field promises, on band-limited signals: better than what interpolation and the data give."""

import math

import numpy as np
import pytest
import torch

from siren_pl import Problem, SampledSignal, Siren, fit
from siren_pl.problems.operators import Downsampling
from siren_pl.problems.pictures.restoration import denoising, inpainting, super_resolution
from siren_pl.problems.pictures.rivals.denoising import noisy
from siren_pl.problems.pictures.rivals.enlargement import interpolation
from siren_pl.problems.pictures.rivals.filling import cubic, nearest
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.sampled.observations import Observation, RandomFraction
from siren_pl.problems.sampled.observations import noisy as with_noise

SEEDS = (0, 1)


def waves(fastest: int, seed: int, n: int, observation: Observation) -> SampledSignal:
    """Cosines of at most `fastest` half periods along each axis, at random, weaker the faster they are."""
    rng = np.random.default_rng(seed)
    k = np.arange(fastest + 1)
    amplitudes = rng.normal(size=(fastest + 1, fastest + 1)) / (1 + k[:, None] + k)
    amplitudes[0, 0] = 0
    basis = np.cos(math.pi / n * (np.arange(n) + 0.5)[:, None] * k)
    values = basis @ amplitudes @ basis.T
    return SampledSignal(
        torch.from_numpy(values / np.abs(values).max() * 0.9).float()[..., None], "waves", observation=observation
    )


def fitted(problem: Problem, omega_0: float, **options: object) -> dict[str, float]:
    network = Siren(2, 1, hidden_features=64, hidden_layers=1, omega_0=omega_0)
    return fit(network, problem, progress=False, **options).metrics


def over(values: torch.Tensor | None, signal: SampledSignal, where: np.ndarray | None = None) -> float:
    assert values is not None
    every = np.ones(signal.shape, bool) if where is None else where
    return psnr(to_unit(values)[every], to_unit(signal.values)[every])


@pytest.mark.usefixtures("one_thread")
def test_a_picture_twice_as_large_is_better_than_bicubic() -> None:
    """The operator blurs what it passes; a field that is seen through it is not blurred."""
    gains = []
    for seed in SEEDS:
        signal = waves(10, seed, 32, Downsampling(2))
        found = fitted(super_resolution(signal), 8.0, steps=300, lr=4e-3)
        gains.append(found["psnr"] - over(interpolation(signal, "bicubic"), signal))
    assert sum(gains) / len(gains) > 4 and min(gains) > 2, gains


@pytest.mark.usefixtures("one_thread")
def test_missing_pixels_are_better_than_interpolated() -> None:
    """Without a penalty: these waves are smooth, and total variation is a belief in flat areas and edges."""
    gains = []
    for seed in SEEDS:
        signal = waves(6, seed, 24, RandomFraction(0.7, seed, "task.keep=0.3"))
        found = fitted(inpainting(signal, total_variation=0.0), 7.0, steps=350, lr=4e-3)
        unseen = ~signal.observed.numpy()
        rivals = [over(method(signal), signal, unseen) for method in (nearest, cubic)]
        gains.append(found["heldout_psnr"] - max(rivals))
    assert sum(gains) / len(gains) > 3 and min(gains) > 1, gains


@pytest.mark.usefixtures("one_thread")
def test_noise_is_taken_away() -> None:
    gains = []
    for seed in SEEDS:
        signal = waves(4, seed, 24, with_noise("gaussian", 0.1, seed))
        found = fitted(denoising(signal), 3.0, steps=250, lr=5e-3, batch_size=24**2)
        gains.append(found["psnr"] - over(noisy(signal), signal))
    assert sum(gains) / len(gains) > 6 and min(gains) > 5, gains
