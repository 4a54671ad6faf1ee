"""Layer statistics are those of the layers, recomputed by hand; the curve's summary counts what happened."""

import pytest
import torch

from siren_pl import SampledSignal, Siren
from siren_pl.runs.costs import of_curve
from siren_pl.runs.layer_statistics import layers


def test_statistics_are_those_of_the_layers() -> None:
    network = Siren(2, 1, 16, 1, omega_0=9.0)
    signal = SampledSignal(torch.zeros(12, 12, 1))
    found = layers(network, signal.coords(), signal.midline())
    x = signal.coords()
    for layer, row, last in zip(network.layers, found, (False, False, True), strict=True):
        z = layer(x)
        assert row["input_std"] == pytest.approx(float(x.std()), rel=1e-4)
        assert row["preactivation_std"] == pytest.approx(float(z.detach().std()), rel=1e-4)
        x = z if last else torch.sin(9 * z).detach()
    assert [row["layer"] for row in found] == [0, 1, 2]


def test_the_share_of_high_frequencies_tells_smooth_from_rough() -> None:
    signal = SampledSignal(torch.zeros(64, 64, 1))
    places = signal.coords(), signal.midline()
    smooth, rough = (layers(Siren(2, 1, 32, 1, omega_0=omega), *places)[-1] for omega in (2.0, 200.0))
    assert smooth["preactivation_high"] < 0.01
    assert rough["preactivation_high"] > 0.2


def test_the_curve_is_summed_up() -> None:
    losses = [1.0, 0.9, 0.8, 50.0, 60.0, 0.7, 0.6, 0.5, 9.0, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3]
    found = of_curve([{"step": float(i), "train/loss": loss} for i, loss in enumerate(losses)])
    assert found["spikes"] == 2  # neighbours are one leap
    assert found["train_loss"] == pytest.approx(0.2)
    assert of_curve([{"step": 1.0, "eval/psnr": 3.0}]) == {}
