"""Every seed up to 2⁶³ draws its own numbers, and small seeds those that torch draws."""

import itertools

import numpy as np
import pytest
import torch

from siren_pl.field.networks import Siren, Tiles
from siren_pl.field.seeds import seeded
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.sampled.observations import RandomFraction, noisy
from siren_pl.problems.sampled.signal import SampledSignal
from tests.fields import batch_of

# 32 bits are what torch looks at on a CPU; the task's batches multiply seeds by about 2^28.
SEEDS = (0, 1, 2**32, 2**32 + 1, 2**36, 2**40, 2**62, 2**62 + 2**32, 2**63 - 1)
SIGNAL = SampledSignal(torch.linspace(-1, 1, 400).reshape(20, 20, 1))


def batch(seed: int, step: int = 0) -> torch.Tensor:
    (points,) = batch_of(image_fit(SIGNAL), 64, seed, step).values()
    return points["coords"]


DRAWS = {
    "weights": lambda seed: next(Siren(2, 1, 8, 1, seed=seed).parameters()),
    "weights of tiles": lambda seed: next(Tiles(2, 1, 8, 1, tiles=2, seed=seed).parameters())[1:],
    "batches": batch,
    "held out": lambda seed: RandomFraction(0.5, seed).observed((16, 16)).float(),
    "noise": lambda seed: noisy("gaussian", 0.1, seed).measure(SIGNAL.values),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_seeds_are_told_apart(kind):
    drawn = {seed: DRAWS[kind](seed) for seed in SEEDS}
    assert all(not torch.equal(drawn[a], drawn[b]) for a, b in itertools.combinations(SEEDS, 2))
    assert torch.equal(drawn[2**40], DRAWS[kind](2**40))


@pytest.mark.parametrize("seed", [1, 2**40, 2**63 - 1])
def test_the_generator_is_the_twister_that_numpy_makes_of_the_seed(seed):
    """torch makes a float32 of the lower 24 of 32 bits."""
    words = np.random.MT19937(seed).random_raw(9)[1:] if seed >= 2**32 else None
    plain = torch.rand(8, generator=torch.Generator().manual_seed(seed))
    expected = plain if words is None else torch.from_numpy(words % 2**24 / 2**24).float()
    assert torch.equal(torch.rand(8, generator=seeded(seed)), expected)


def test_steps_of_one_seed_differ():
    assert not torch.equal(batch(2**62, 1), batch(2**62, 2))
