"""Files of super-resolution networks are recognised by their tensors and loaded exactly, or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.problems.pictures.rivals.references.carn import Carn
from siren_pl.problems.pictures.rivals.references.enlarger import Enlarger
from siren_pl.problems.pictures.rivals.references.loading import pretrained
from siren_pl.problems.pictures.rivals.references.srgan import Srgan
from siren_pl.problems.pictures.rivals.references.tiles import in_tiles
from tests.small_references import NETWORKS, SCALES, imdn

RNG = np.random.default_rng(0)


@pytest.fixture(params=NETWORKS)
def published(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Enlarger, Path]:
    """A name, a small network with random weights, and its state dict in a file."""
    torch.manual_seed(0)
    network = NETWORKS[request.param]().eval()
    return request.param, network, saved(network.state_dict(), tmp_path)


def saved(state: dict[str, Tensor], folder: Path, prefix: str = "") -> Path:
    path = folder / "weights.pth"
    torch.save({prefix + name: tensor for name, tensor in state.items()}, path)
    return path


def test_a_layout_is_recognised_and_loaded_exactly(published):
    name, network, path = published
    loaded = pretrained(path)
    assert loaded.network.title.startswith(name.split()[0])
    assert loaded.network.scales == SCALES.get(name, (4,))
    pixels = RNG.random((17, 20, 3))
    picture = torch.from_numpy(pixels).float().permute(2, 0, 1)[None]
    for scale in loaded.network.scales:
        with torch.no_grad():
            expected = network(picture, scale)[0].permute(1, 2, 0).double().numpy().clip(0, 1)
        result = loaded.enlarge(pixels, scale)
        assert result.shape == (17 * scale, 20 * scale, 3)
        assert result.dtype == np.float64
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)  # inference mode may sum in another order


def test_prefixes_half_precision_and_counters_of_batches(published, tmp_path):
    """Files differ in what DataParallel and newer versions of torch add."""
    _, network, _ = published
    counters = {name for name in network.state_dict() if name.endswith("num_batches_tracked")}
    state = {name: tensor.half() for name, tensor in network.state_dict().items() if name not in counters}
    loaded = pretrained(saved(state, tmp_path, "module."))
    for name, tensor in loaded.network.state_dict().items():
        expected = torch.zeros(()) if name in counters else state[name]
        torch.testing.assert_close(tensor, expected.to(tensor.dtype), rtol=0, atol=0)


def test_loading_touches_no_random_numbers_and_freezes(published):
    before = torch.get_rng_state()
    loaded = pretrained(published[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())


def test_grey_is_repeated_and_averaged_back(published):
    loaded = pretrained(published[2])
    grey, scale = RNG.random((16, 15, 1)), loaded.network.scales[0]
    colour = loaded.enlarge(grey.repeat(3, axis=2), scale)
    np.testing.assert_allclose(loaded.enlarge(grey, scale), colour.mean(2, keepdims=True), rtol=0, atol=1e-12)


def test_pictures_of_any_size(published):
    loaded = pretrained(published[2])
    scale = loaded.network.scales[0]
    assert loaded.enlarge(RNG.random((1, 5, 3)), scale).shape == (scale, 5 * scale, 3)


@pytest.mark.parametrize("name", ["SRGAN", "SRGAN x2", "CARN-M"])
def test_tiles_have_no_seams(name):
    torch.manual_seed(1)
    network = NETWORKS[name]().eval()
    picture = torch.rand(1, 3, 41, 67)
    for scale in network.scales:
        with torch.no_grad():
            tiled, whole = in_tiles(network, picture, scale, side=16), network(picture, scale)
        torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


def test_networks_that_see_everything_take_pictures_whole():
    network = imdn().eval()
    seen = []
    network.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape))
    in_tiles(network, torch.rand(1, 3, 20, 30), 4, side=8)
    assert seen == [(1, 3, 20, 30)]


def without(name: str) -> Callable[[dict[str, Tensor]], object]:
    return lambda state: state.pop(name)


@pytest.mark.parametrize(
    "change",
    [
        without("block1.0.weight"),
        without("block4.0.bias"),
        lambda state: state.update({"block9.extra": torch.zeros(1)}),
        lambda state: state.update({"block2.conv1.weight": torch.zeros(6, 5, 3, 3)}),
    ],
)
def test_tensors_that_do_not_fit(change, tmp_path):
    state = Srgan(6, 2, 2).state_dict()
    change(state)
    with pytest.raises(UserError, match=r"weights\.pth begins like a file of SRGAN.*CARN-M are known") as caught:
        pretrained(saved(state, tmp_path))
    assert len(str(caught.value)) < 700 + len(str(tmp_path))


def test_a_pixel_shuffle_of_no_scale(tmp_path):
    state = imdn().state_dict() | {"upsampler.0.weight": torch.zeros(47, 8, 3, 3)}
    with pytest.raises(UserError, match=r"begins like a file of IMDN.*47 outputs"):
        pretrained(saved(state, tmp_path))


@pytest.mark.parametrize("state", [{}, {"features.0.weight": torch.zeros(2)}])
def test_another_layout(state, tmp_path):
    with pytest.raises(UserError, match=r"weights\.pth holds .*no layout known here.*leftthomas/SRGAN, RFDN, IMDN"):
        pretrained(saved(state, tmp_path))


def test_a_scale_that_the_network_does_not_have(tmp_path):
    loaded = pretrained(saved(Carn(8, 4, (2, 3)).state_dict(), tmp_path))
    with pytest.raises(UserError, match=r"weights\.pth is CARN-M .* for ×2, ×3, not ×4"):
        loaded.enlarge(np.zeros((8, 8, 3)), 4)


def test_alpha_is_refused(tmp_path):
    loaded = pretrained(saved(Srgan(6, 1, 1).state_dict(), tmp_path))
    with pytest.raises(UserError, match="grey or RGB, not 4 channels"):
        loaded.enlarge(np.zeros((8, 8, 4)), 2)
