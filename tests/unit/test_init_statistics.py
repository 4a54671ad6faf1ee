"""SIREN's scheme keeps the distribution of activations over depth, as the theorem of its paper says (supplement 1)."""

import itertools
import math

import pytest
import torch
from scipy import stats

from siren_pl.field.networks import Relu, Siren

WIDTH, OMEGA, DEPTH, POINTS = 1024, 30.0, 5, 32


@pytest.fixture(scope="module")
def activations() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Per activated layer, what enters the sine and what leaves it: (points, width) each."""
    network = Siren(2, 1, WIDTH, DEPTH, OMEGA, seed=0)
    x = torch.rand(POINTS, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = []
    with torch.no_grad():
        for layer in network.layers[:-1]:
            phase = OMEGA * layer(x)
            x = torch.sin(phase)
            found.append((phase, x))
    return found


def test_the_network_is_these_sines(activations):
    network = Siren(2, 1, WIDTH, DEPTH, OMEGA, seed=0)
    x = torch.rand(POINTS, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        # float32 phases of up to 1e2 carry 1e-5; five layers.
        torch.testing.assert_close(network(x), network.layers[-1](activations[-1][1]), rtol=1e-3, atol=1e-4)


def test_first_activations_are_arcsine_distributed(activations):
    _, outputs = activations[0]
    # One unit per draw; the phase of the first point spans several periods, so its sine is arcsine up to sampling:
    # 1.95 / sqrt(n) is the Kolmogorov distance exceeded once in a thousand draws.
    distance = stats.kstest(outputs[0].numpy(), stats.arcsine(loc=-1, scale=2).cdf).statistic
    assert distance < 1.95 / math.sqrt(WIDTH)


def test_phases_are_normal_with_the_predicted_spread(activations):
    """The weights give twice the variance of their input, i.e. 1; the framework's bias adds omega_0²/(3 width)."""
    for (_, before), (phase, _) in itertools.pairwise(activations):
        variance = 2 * float(before.square().mean()) + OMEGA**2 / (3 * WIDTH)
        # The mean of 1,024 squared normals scatters by sqrt(2/1024) = 4.4 %; four of them.
        assert float(phase.square().mean()) == pytest.approx(variance, rel=0.18)
        for row in phase[:4]:
            # Independent units at one point; the bias is uniform, which shifts the distance by less than 0.01.
            assert stats.kstest(row.numpy(), stats.norm(0, math.sqrt(variance)).cdf).statistic < 0.061 + 0.01


def test_spread_neither_grows_nor_dies_with_depth(activations):
    """The paper's values, 1 before and sqrt(1/2) behind each sine, which hold there for any depth and width."""
    for phase, output in activations[1:]:
        # The bias, which the paper's proof neglects, adds 14 % at this width: sqrt(1 + 900/3072) = 1.137.
        assert float(phase.std()) == pytest.approx(1, rel=0.2)
        # The sine of a normal of variance s² has variance (1 - exp(-2 s²)) / 2: 0.46 instead of 1/2.
        assert float(output.std()) == pytest.approx(math.sqrt(1 / 2), rel=0.1)
        assert float(output.square().mean()) == pytest.approx(
            (1 - math.exp(-2 * float(phase.square().mean()))) / 2, rel=0.05
        )


def test_relu_with_kaiming_keeps_its_scale():
    """He's scheme keeps the mean square of the pre-activations at that of the layer before (He et al. 2015)."""
    network = Relu(2, 1, WIDTH, DEPTH, seed=0)
    x = torch.rand(POINTS, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    squares = []
    with torch.no_grad():
        for layer in network.layers[:-1]:
            before = layer(x)
            x = torch.relu(before)
            squares.append(float(before.square().mean()))
    for earlier, later in itertools.pairwise(squares):
        # Scatter over 1,024 units: 4.4 % each for the layer and for the one before it; four of them.
        assert later == pytest.approx(earlier, rel=0.25)
