"""The perceptual distance is that of VGG19's features as its paper lays them out, on small made-up weights."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from siren_pl.errors import UserError
from siren_pl.problems.pictures.rivals import perceptual
from siren_pl.problems.pictures.rivals.perceptual import PerceptualDistance

# Where torchvision's `features` have convolutions, each with the block it stands in; a halving follows every block.
CONVOLUTIONS = dict(zip([0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34], "1122333344445555", strict=True))
WIDTHS = {"1": 3, "2": 2, "3": 4, "4": 3, "5": 5}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    generator, inputs, state = torch.Generator().manual_seed(0), 3, {}
    for index, block in CONVOLUTIONS.items():
        shape = (WIDTHS[block], inputs, 3, 3)
        # He's variance keeps the features of all blocks of one size.
        state[f"features.{index}.weight"] = torch.randn(shape, generator=generator) * (2 / (9 * inputs)) ** 0.5
        state[f"features.{index}.bias"] = 0.3 * torch.randn(WIDTHS[block], generator=generator)
        inputs = WIDTHS[block]
    return state


@pytest.fixture
def path(state: dict[str, Tensor], tmp_path: Path) -> Path:
    torch.save(state | {"classifier.0.weight": torch.zeros(3, 3)}, tmp_path / "vgg.pth")
    return tmp_path / "vgg.pth"


def features(state: dict[str, Tensor], picture: Tensor, convolutions: int) -> Tensor:
    """After the ReLU of the n-th convolution, of a picture (H, W, 3) in [-1, 1]."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (((picture + 1) / 2 - mean) / deviation).permute(2, 0, 1)[None]
    before = "1"
    for index, block in list(CONVOLUTIONS.items())[:convolutions]:
        if block != before:
            x, before = functional.max_pool2d(x, 2), block
        weight, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
        x = functional.conv2d(x, weight, bias, padding=1).clamp(min=0)
    return x


def pictures(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    both = torch.rand(2, *shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return both[0], both[1]


@pytest.mark.parametrize(("layer", "convolutions"), [("relu1_1", 1), ("relu2_2", 4), ("relu3_4", 8), ("relu5_4", 16)])
def test_distance_is_that_of_the_papers_features(layer, convolutions, state, path):
    result, target = pictures(37, 33, 3)
    expected = (features(state, result, convolutions) - features(state, target, convolutions)).square().mean()
    assert expected > 1e-4
    distance = PerceptualDistance(path, layer)(result, target)
    assert distance.shape == ()
    torch.testing.assert_close(distance, expected, rtol=1e-4, atol=1e-8)


def test_before_and_after_the_activation(path):
    """relu4_1 is conv4_1 without its negative part, and pool5 is the mean of fewer features."""
    result, target = pictures(32, 32, 3)
    before, after = (PerceptualDistance(path, layer)(result, target) for layer in ("conv4_1", "relu4_1"))
    assert before > after > 0
    assert PerceptualDistance(path, "pool5")(result, target) >= 0


def test_a_batch_is_the_mean_of_its_pictures(path):
    distance = PerceptualDistance(path, "relu2_2")
    result, target = pictures(3, 16, 18, 3)
    single = torch.stack([distance(*pair) for pair in zip(result, target, strict=True)])
    torch.testing.assert_close(distance(result, target), single.mean())
    torch.testing.assert_close(torch.vmap(distance)(result, target), single)


def test_grey_is_repeated_and_alpha_left_out(path):
    distance = PerceptualDistance(path, "relu2_2")
    result, target = pictures(16, 16, 1)
    torch.testing.assert_close(distance(result, target), distance(result.expand(-1, -1, 3), target.expand(-1, -1, 3)))
    result, target = pictures(16, 16, 4)
    torch.testing.assert_close(distance(result, target), distance(result[..., :3], target[..., :3]))


def test_equal_pictures_have_no_distance(path):
    result, _ = pictures(16, 16, 3)
    assert PerceptualDistance(path)(result, result) == 0


def test_gradient_flows_to_the_result_alone(path):
    distance = PerceptualDistance(path, "relu3_2").double()
    result, target = (picture.double().requires_grad_() for picture in pictures(8, 8, 3))
    distance(result, target).backward()
    assert result.grad is not None
    assert target.grad is None
    direction = torch.randn(result.shape, generator=torch.Generator().manual_seed(5)).double()
    step = 1e-6 * direction
    with torch.no_grad():
        slope = (distance(result + step, target) - distance(result - step, target)) / 2e-6
    torch.testing.assert_close((result.grad * direction).sum(), slope, rtol=1e-5, atol=1e-9)
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_it_follows_its_argument(path):
    result, target = (picture.double() for picture in pictures(16, 16, 3))
    assert PerceptualDistance(path)(result, target).dtype == torch.float64


@pytest.mark.parametrize(
    ("layer", "side", "advice"), [("relu5_4", 15, "16.*relu4_4"), ("relu3_1", 3, "4.*relu2_2"), ("pool1", 1, "relu1_2")]
)
def test_pictures_too_small_for_the_layer(layer, side, advice, path):
    with pytest.raises(UserError, match=rf"40 × {side} pixels has no {layer}.*needs .*{advice}"):
        PerceptualDistance(path, layer)(*pictures(40, side, 3))
    needed = {"relu5_4": 16, "relu3_1": 4, "pool1": 2}[layer]
    assert torch.isfinite(PerceptualDistance(path, layer)(*pictures(needed, needed, 3)))


@pytest.mark.parametrize("layer", ["relu5_5", "relu6_1", "features.35", ""])
def test_no_such_layer(layer, path):
    with pytest.raises(UserError, match=r"no layer .*relu1_1 … relu5_4"):
        PerceptualDistance(path, layer)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"no\.pth does not exist.*task\.perceptual_weights=FILE"):
        PerceptualDistance(tmp_path / "no.pth")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"features.10.weight": None}, r"no tensor features\.10\.weight"),
        ({"features.10.weight": torch.zeros(4, 7, 3, 3)}, "convolutions of other shapes"),
        ({"features.0.weight": torch.zeros(3, 3, 5, 5)}, "convolutions of other shapes"),
    ],
)
def test_another_layout(change, says, state, tmp_path):
    other = {name: tensor for name, tensor in (state | change).items() if tensor is not None}
    torch.save(other, tmp_path / "vgg.pth")
    with pytest.raises(UserError, match=rf"vgg\.pth has {says}.*task\.perceptual_weights=FILE"):
        PerceptualDistance(tmp_path / "vgg.pth")
    assert PerceptualDistance(tmp_path / "vgg.pth", "relu2_2") if "10" in str(change) else True


def test_no_weights_and_no_network(monkeypatch):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        url = f"http://127.0.0.1:{held.getsockname()[1]}/vgg19.pth"
        monkeypatch.setattr(perceptual, "VGG19", dataclasses.replace(perceptual.VGG19, url=url))
        with pytest.raises(UserError, match=r"could not be downloaded.*task\.perceptual_weights=FILE") as caught:
            PerceptualDistance()
    assert "dataset.root" not in str(caught.value)
