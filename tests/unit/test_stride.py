"""`dataset.stride` observes a regular grid of samples, holds out the rest and says so."""

import numpy as np
import pytest
import torch

from siren_pl import SampledSignal, image_fit, image_signal
from siren_pl.errors import UserError
from siren_pl.problems.derivatives.known import require_all
from siren_pl.problems.pictures.rivals.filling import bicubic
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


def test_each_axis_has_a_stride_of_its_own() -> None:
    pixels = np.arange(5 * 7).reshape(5, 7, 1) / 70
    found = image_signal(lambda: ("ramp", pixels), stride=[2, 1])
    assert found.observed.any(1).tolist() == found.observed.all(1).tolist() == [True, False, True, False, True]
    assert found.observed_count == 3 * 7
    unit = 7 / 2  # pixels per unit along both axes
    assert found.domain.spacing == (2 / unit, 1 / unit)
    assert found.domain.density == pytest.approx(7 / 2**0.5)
    filled, first, second, third = bicubic(found), *found.values[::2].double()
    assert filled is not None
    torch.testing.assert_close(filled[::2], found.values[::2].double())
    # Keys' cubic halfway is (-1, 9, 9, -1) / 16; beyond the edge there is nothing, so the rest is given more weight.
    torch.testing.assert_close(filled[1], (9 * first + 9 * second - third) / 17)
    assert image_signal(lambda: ("ramp", pixels), stride=[1, 1]).observed.all()
    with pytest.raises(UserError, match=r"dataset\.stride=\[2,1,1\] is of 3 axes, but the samples have 2"):
        image_signal(lambda: ("ramp", pixels), stride=[2, 1, 1])


def test_two_ways_of_holding_out_are_refused() -> None:
    with pytest.raises(UserError, match=r"dataset\.heldout=0\.1 and dataset\.stride=2"):
        signal(heldout=0.1)
    with pytest.raises(UserError, match=r"dataset\.stride=2 leaves gaps"):
        require_all(signal())
