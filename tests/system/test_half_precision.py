"""What bf16-mixed rounds is wide matrix products alone: not coordinates, phases, targets, losses or outputs."""

from pathlib import Path

import pytest
import torch

from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.field.jet import Jet
from siren_pl.field.networks import CoordinateNetwork
from tests.conftest import Command
from tests.fields import domain
from tests.unit.test_zoo import MODELS, built, configuration

GREY = domain(in_features=2, out_features=1, resolution=64.0)
WIDTH = 64
STEP = 1e-4  # on [-1, 1]; between -1 and 1 bfloat16 tells coordinates apart that are 2^-8 from each other
# Relative errors, in norm, of values and derivatives: measured to 0.015 with 64 channels, where the kinks of a ReLU
# make more of a slope that changes sides (0.1). With rounded coordinates encodings err by up to 0.5.
ERROR, KINKED = 0.03, 0.15
PIECEWISE = ("relu", "relu_pe", "fourier_features", "hash_grid", "sinc_product", "lanczos_product")
# Fields of few gentle waves: bfloat16 rounds what their hidden layers make of two neighbours to the same.
GENTLE = ("relu", "softplus", "tanh", "gaussian", "wire")


def fitted(model: str) -> CoordinateNetwork:
    network = built(configuration(model, f"model.hidden_features={WIDTH}"), GREY)
    if model == "hash_grid":  # features start as next to nothing
        torch.nn.init.uniform_(network.encoding.table, -1, 1, generator=torch.Generator().manual_seed(2))
    return network.requires_grad_(False)


def differ(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a != b).any(-1).float().mean())


@pytest.mark.parametrize("model", MODELS)
def test_neighbouring_points_stay_apart_and_near_float32(model: str) -> None:
    network = fitted(model)
    here = torch.rand(1000, 2, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9

    def jet(coords: torch.Tensor) -> Jet:
        return ForwardDerivatives()(network, coords, network.highest_order)

    exact = jet(here)
    with torch.autocast("cpu", torch.bfloat16):
        found, beside = jet(here), jet(here + torch.tensor([STEP, 0.0]))
    assert differ(found.value, beside.value) > (0.4 if model in GENTLE else 0.95)
    for part, limit in (("value", ERROR), ("gradient", KINKED if model in PIECEWISE else ERROR)):
        here_found, wanted = getattr(found, part), getattr(exact, part)
        assert here_found.dtype == torch.float32
        assert (here_found - wanted).norm() < limit * wanted.norm(), part
    if found.second is not None and exact.second is not None:
        assert (found.second - exact.second).norm() <= KINKED * exact.second.norm()


@pytest.mark.parametrize("task", ["poisson_grad", "poisson_laplacian", "super_resolution", "poisson_edit"])
def test_nothing_but_wide_products_is_rounded(task: str, train: Command) -> None:
    """A network of eight channels has no wide product, so bf16 must end where float32 does, bit for bit."""
    ends = []
    for precision in ("32-true", "bf16-mixed"):
        options = (f"task={task}", "model.hidden_features=8", "trainer.max_steps=3")
        assert train(*options, f"trainer.precision={precision}", f"hydra.run.dir={precision}").code == 0
        ends.append(torch.load(Path(precision, "checkpoints/last.ckpt"), weights_only=True)["state_dict"])
    assert all(torch.equal(ends[1][name], weight) for name, weight in ends[0].items())


def test_the_last_quarter_of_the_steps_rounds_nothing(train: Command) -> None:
    """The first three of four steps are those of bf16; the loss of the fourth is not, whatever it is measured on."""
    losses = {}
    for precision in ("32-true", "bf16-mixed", "bf16-then-32"):
        options = ("task=poisson_grad", "optimizer.schedule=constant", "trainer.max_steps=4")
        assert train(*options, f"trainer.precision={precision}", f"hydra.run.dir={precision}").code == 0
        stored = torch.load(Path(precision, "checkpoints/last.ckpt"), weights_only=True)["siren_pl"]["history"]
        losses[precision] = [row["train/loss"] for row in stored if "train/loss" in row]
    exact, rounded, both = losses.values()
    assert len(both) == 4 and both[:3] == rounded[:3] and both[0] != exact[0]
    assert both[3] != rounded[3]
