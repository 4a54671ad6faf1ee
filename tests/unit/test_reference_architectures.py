"""The super-resolution networks are those that were measured, and put every pixel in its place.

Where weights are chosen so that the result is known, every network repeats pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from siren_pl.problems.pictures.rivals.references.carn import Carn
from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger
from siren_pl.problems.pictures.rivals.references.imdn import ContrastAttention
from siren_pl.problems.pictures.rivals.references.loading import Pretrained
from siren_pl.problems.pictures.rivals.references.srgan import Srgan
from tests.small_references import NETWORKS, imdn, rfdn

RNG = np.random.default_rng(0)


# Deviation and one pixel of what the networks made of the weights and the picture below, written down when the same
# code, with the published weights, gave the published PSNR at ×4 (Set5, Y: 30.66, 32.16, 32.21 and 31.89 dB).
PINNED = {
    ("SRGAN", 4): (0.45676897314272363, 0.9729933545437344),
    ("SRGAN x2", 2): (0.44089997093530126, 0.9999999999999993),
    ("RFDN", 4): (38.549571722674465, 53.51367937150274),
    ("IMDN", 4): (46.9116363634185, -29.16898314160103),
    ("IMDN x3", 3): (46.79298078804593, 125.90031491371305),
    ("CARN-M", 2): (0.18362525991257955, -0.11472726264598226),
    ("CARN-M", 3): (0.51593152947563, -0.20785096862139923),
    ("CARN-M", 4): (0.17031524747914736, -0.103569141445402),
}


@torch.no_grad()
@pytest.mark.parametrize(("name", "scale"), PINNED)
def test_architectures_are_those_that_were_measured(name, scale):
    network = NETWORKS[name]().eval()
    for index, (key, tensor) in enumerate(network.state_dict().items()):
        if tensor.is_floating_point():
            wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 1.7 + index).reshape(tensor.shape)
            tensor.copy_(0.4 * (wave + 1.5 if key.endswith("running_var") else wave))
    picture = torch.cos(torch.arange(3 * 16 * 16, dtype=torch.float64) * 0.37).reshape(1, 3, 16, 16) / 2 + 0.5
    result = network.double()(picture, scale)
    assert (float(result.std()), float(result[0, 1, 5, 7])) == pytest.approx(PINNED[name, scale], rel=1e-6)


def identity(layer: nn.Conv2d, factor: int = 1) -> None:
    """Hand each of three channels on, factor² times."""
    middle = layer.kernel_size[0] // 2
    for output in range(3 * factor**2):
        layer.weight[output, output // factor**2, middle, middle] = 1


def cleared(network: Enlarger) -> Enlarger:
    for parameter in network.parameters():
        parameter.zero_()
    return network


def repeated(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, 0).repeat(scale, 1)


@torch.no_grad()
def test_srgan_repeats_pixels():
    network = cleared(Srgan(3, 2, 2)).eval()
    for layer in (network.block1[0], network.block5[2]):
        identity(layer)
    for doubling in network.block5[:2]:
        identity(doubling.conv, 2)
    for layer in (network.block1[1], network.block5[0].prelu, network.block5[1].prelu):
        layer.weight.fill_(1)
    pixels = RNG.random((5, 7, 3))
    expected = (np.tanh(repeated(pixels, 4)) + 1) / 2
    np.testing.assert_allclose(Pretrained(network, Path()).enlarge(pixels, 4), expected, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("make", [rfdn, imdn])
def test_distillation_networks_repeat_pixels(make):
    """The skip around all blocks alone; RFDN's levels go to 255 and back."""
    network = cleared(make(3)).eval()
    identity(network.fea_conv)
    identity(network.upsampler[0], 3)
    pixels = RNG.random((16, 19, 3))
    loaded = Pretrained(network, Path())
    np.testing.assert_allclose(loaded.enlarge(pixels, 3), repeated(pixels, 3), atol=1e-6)
    network.upsampler[0].bias.fill_(0.2)
    np.testing.assert_allclose(
        loaded.enlarge(pixels, 3), (repeated(pixels, 3) + 0.2 / network.peak).clip(0, 1), atol=1e-6
    )


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_carn_repeats_pixels(scale):
    """Each residual block doubles (x + relu x), each mixer takes the last of what it sees."""
    network = cleared(Carn(3, 1, (2, 3, 4))).eval()
    for shift, mean in ((network.sub_mean, -0.1), (network.add_mean, 0.1)):
        identity(shift.shifter)
        shift.shifter.bias.fill_(mean)
    identity(network.entry)
    identity(network.exit)
    for block in (network.b1, network.b2, network.b3):
        for index in (0, 2, 4):
            identity(block.b1.body[index])
    for cascade in (network, network.b1, network.b2, network.b3):
        for stage, mixer in enumerate((cascade.c1, cascade.c2, cascade.c3), 1):
            for channel in range(3):
                mixer.body[0].weight[channel, 3 * stage + channel] = 1
    for layer in network.upsample[f"up{scale}"].body:
        if isinstance(layer, nn.Conv2d):
            identity(layer, 3 if scale == 3 else 2)
    pixels = 0.1 + 1e-3 * RNG.random((5, 7, 3))
    expected = 0.1 + 2**9 * (repeated(pixels, scale) - 0.1)
    np.testing.assert_allclose(Pretrained(network, Path()).enlarge(pixels, scale), expected, atol=1e-4)


@torch.no_grad()
def test_contrast_attention_is_its_formula():
    layer, x = ContrastAttention(4, 2), torch.randn(2, 4, 5, 6)
    a, b = layer.conv_du[0], layer.conv_du[2]
    contrast = x.numpy().std((2, 3)) + x.numpy().mean((2, 3))
    hidden = np.maximum(contrast @ a.weight[..., 0, 0].numpy().T + a.bias.numpy(), 0)
    weights = 1 / (1 + np.exp(-(hidden @ b.weight[..., 0, 0].numpy().T + b.bias.numpy())))
    np.testing.assert_allclose(layer(x).numpy(), x.numpy() * weights[..., None, None], atol=1e-6)
