"""What the methods promise, on signals whose answer is known."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from siren_pl import Problem, SampledSignal, Siren, fit, image_fit, poisson_grad, poisson_laplacian
from siren_pl.problems.derivatives.alignment import align_mean
from siren_pl.problems.pictures.rivals.filling import biharmonic, cubic
from siren_pl.problems.pictures.rivals.poisson_solvers import pointwise_gradient_ceiling
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.metrics import psnr
from siren_pl.problems.sampled.observations import RandomFraction


def waves(fastest: int = 3, n: int = 24, **options: object) -> SampledSignal:
    """A band-limited signal: a few cosines of at most `fastest` half periods."""
    y, x = torch.meshgrid(*[(torch.arange(n) + 0.5) * math.pi / n] * 2, indexing="ij")
    slow = 0.4 * torch.cos((fastest - 1) * y) * torch.cos(x) + 0.3 * torch.cos(fastest * x)
    values = slow + 0.2 * torch.cos(y) * torch.cos(fastest * x)
    return SampledSignal(values[..., None], "waves", **options)


def fitted(problem: Problem, **options: object) -> dict[str, float]:
    torch.manual_seed(0)
    network = Siren(2, 1, hidden_features=64, hidden_layers=1, omega_0=8.0)
    return fit(network, problem, progress=False, **options).metrics


def test_gaps_are_filled_better_than_by_interpolation() -> None:
    """Seven pixels of ten are missing: fewer than three samples a period of the fastest wave are left."""
    signal = waves(6, observation=RandomFraction(0.7))
    network = Siren(2, 1, hidden_features=64, hidden_layers=1, omega_0=7.0)
    metrics = fit(network, image_fit(signal), steps=600, lr=4e-3, progress=False).metrics
    unseen = ~signal.observed.numpy()
    target = to_unit(signal.values)[unseen]
    assert metrics["train_psnr"] > metrics["heldout_psnr"]  # nothing that is known is given up for the gaps
    assert metrics["heldout_psnr"] > psnr(to_unit(cubic(signal))[unseen], target) + 4
    assert metrics["heldout_psnr"] > psnr(to_unit(biharmonic(signal))[unseen], target) + 1


def best_from_differences() -> float:
    """What the best of all fields has whose slopes are the image's differences by Sobel, as the paper's targets are."""
    best = pointwise_gradient_ceiling(waves(), "sobel")
    assert best is not None
    return psnr(to_unit(align_mean(best, waves())), to_unit(waves().values))


@pytest.mark.parametrize("task", [poisson_grad, poisson_laplacian], ids=["gradient", "laplacian"])
def test_an_image_is_rebuilt_from_its_derivatives(task: Callable[..., Problem]) -> None:
    metrics = fitted(task(waves(), stencil="spectral"), steps=300, lr=2e-3, batch_size=None)
    assert metrics["psnr_mean_aligned"] > best_from_differences()


def test_the_integrated_loss_beats_the_pointwise_one() -> None:
    """The reason for lattices: at equal steps the paper's loss leaves low frequencies and unseen oscillations wrong."""
    options = {"steps": 150, "lr": 2e-3, "batch_size": None}
    ours = fitted(poisson_laplacian(waves()), **options)["psnr_mean_aligned"]
    papers = fitted(poisson_laplacian(waves(), integrated=False), **options)["psnr_mean_aligned"]
    assert ours > papers + 3


def test_border_values_are_honoured() -> None:
    metrics = fitted(poisson_laplacian(waves(), stencil="spectral", boundary=True), steps=300, lr=2e-3, batch_size=None)
    assert metrics["psnr"] > best_from_differences()  # without alignment: the border fixes the constant


def test_one_dimensional_signals_fit() -> None:
    """Better than a broken line of twenty pieces through the signal, 42 dB."""
    t, knots = np.linspace(-1, 1, 64), np.linspace(-1, 1, 21)
    signal = SampledSignal(torch.from_numpy(np.sin(5 * t)).float()[:, None], "sound")
    network = Siren(1, 1, hidden_features=32, hidden_layers=1, omega_0=10.0)
    found = fit(network, image_fit(signal), steps=300, progress=False).metrics["psnr"]
    assert found > psnr(np.interp(t, knots, np.sin(5 * knots)) / 2 + 0.5, np.sin(5 * t) / 2 + 0.5)
