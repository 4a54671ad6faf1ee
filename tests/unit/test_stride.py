"""`dataset.stride` observes a regular grid of samples, holds out the rest and says so."""

import numpy as np
import pytest
import torch

from siren_pl import SampledSignal, image_fit, image_signal
from siren_pl.errors import UserError
from siren_pl.problems.sampled.gradients import require_all
from siren_pl.training.problem import tables_of


def signal(heldout: float = 0.0) -> SampledSignal:
    pixels = np.arange(5 * 7).reshape(5, 7, 1) / 70
    return image_signal(lambda: ("ramp", pixels), stride=2, heldout=heldout)


def test_every_other_sample_is_observed() -> None:
    found = signal()
    assert found.observed[::2, ::2].all() and int(found.observed.sum()) == 3 * 4 == found.observed_count
    table = tables_of(image_fit(found))["samples"]
    torch.testing.assert_close(table["value"][:, 0], found.values[::2, ::2].flatten())
    assert found.domain.resolution == 7 / 2


def test_held_out_samples_are_those_between() -> None:
    found = signal()
    guess = torch.where(found.observed[..., None], found.values, found.values + 0.2)
    scores = image_fit(found).judge.judge(guess).metrics
    assert scores["train_psnr"] == 200.0  # the cap: nothing is wrong there
    assert scores["heldout_psnr"] == pytest.approx(20.0, abs=0.01)  # an error of 0.1 in [0, 1]


def test_two_ways_of_holding_out_are_refused() -> None:
    with pytest.raises(UserError, match=r"dataset\.heldout=0\.1 and dataset\.stride=2"):
        signal(heldout=0.1)
    with pytest.raises(UserError, match=r"dataset\.stride=2 leaves gaps"):
        require_all(signal())
