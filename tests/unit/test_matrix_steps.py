"""SOAP and Muon: the published algorithms, matrix by matrix, for stacked networks as for single ones."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from siren_pl import Siren
from siren_pl.errors import UserError
from siren_pl.field.networks import HashGrid, Tiles
from siren_pl.field.networks.bundle import Bundle
from siren_pl.training.matrix_steps import MatrixOptimizer
from siren_pl.training.muon import Muon, orthogonal
from siren_pl.training.soap import Soap
from tests.fields import kept, merged, module_of, problem_of, run_module, siren, tensors
from tests.unit.test_phases import Wave

SOAP = functools.partial(Soap, lr=3e-3, every=3)
MUON = functools.partial(Muon, lr=3e-3)
DAMPING = 0.01
BOTH = pytest.mark.parametrize("optimizer", [SOAP, MUON], ids=["soap", "muon"])


def quadratic(rows: int = 5, columns: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Kronecker factors A and B of a Hessian of condition 10⁴, and a start: the loss is tr(A W B Wᵀ) / 2."""
    generator = np.random.default_rng(0)
    turns = [np.linalg.qr(generator.normal(size=(n, n)))[0] for n in (rows, columns)]
    a, b = (turn @ np.diag(np.logspace(0, 2, len(turn))) @ turn.T for turn in turns)
    return a, b, generator.normal(size=(rows, columns))


def stepped(make: Callable, start: np.ndarray, gradient: Callable[[Tensor], Tensor], steps: int) -> list[np.ndarray]:
    weight = nn.Parameter(torch.from_numpy(start.copy()))
    optimizer, found = make([weight]), []
    for _ in range(steps):
        weight.grad = gradient(weight.detach())
        optimizer.step()
        found.append(weight.detach().numpy().copy())
    return found


def soap_by_the_paper(w: np.ndarray, gradient: Callable, steps: int, lr: float, beta: float, every: int) -> list:
    """Algorithm 3 of arXiv 2409.11321 with bias correction, from the identity; momentum is turned at every step."""
    left, right = np.zeros((len(w), len(w))), np.zeros((len(w.T), len(w.T)))
    q_left, q_right = np.eye(len(left)), np.eye(len(right))
    mean, square, found = np.zeros_like(w), np.zeros_like(w), []
    for t in range(1, steps + 1):
        g = gradient(w)
        mean = beta * mean + (1 - beta) * g
        square = beta * square + (1 - beta) * (q_left.T @ g @ q_right) ** 2
        turned = q_left.T @ mean @ q_right / (1 - beta**t)
        # The small number is beside the uncorrected root, as in the authors' code.
        w = w - lr * q_left @ (turned / (np.sqrt(square / (1 - beta**t)) + 1e-8 / np.sqrt(1 - beta**t))) @ q_right.T
        left, right = (beta * m + (1 - beta) * p for m, p in ((left, g @ g.T), (right, g.T @ g)))
        if t % every == 0:
            row_order = np.argsort(-np.diag(q_left.T @ left @ q_left))
            column_order = np.argsort(-np.diag(q_right.T @ right @ q_right))
            square = square[row_order][:, column_order]
            damped = [m + DAMPING * np.trace(m) / len(m) * np.eye(len(m)) for m in (left, right)]
            q_left = np.linalg.qr((damped[0] @ q_left)[:, row_order])[0]
            q_right = np.linalg.qr((damped[1] @ q_right)[:, column_order])[0]
        found.append(w)
    return found


def test_soap_takes_the_steps_of_the_paper() -> None:
    a, b, start = quadratic()
    rule = {"lr": 0.02, "every": 3}
    make = functools.partial(Soap, betas=(0.9, 0.9), damping=DAMPING, **rule)
    ours = stepped(make, start, lambda w: torch.from_numpy(a) @ w @ torch.from_numpy(b), 60)
    expected = soap_by_the_paper(start, lambda w: a @ w @ b, 60, beta=0.9, **rule)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11)  # rounding alone


def test_soap_descends_a_kronecker_quadratic_faster_than_adam() -> None:
    a, b, start = quadratic()

    def loss(make: Callable) -> float:
        end = stepped(make, start, lambda w: torch.from_numpy(a) @ w @ torch.from_numpy(b), 300)[-1]
        return float(np.trace(a @ end @ b @ end.T))

    # At a condition of 10⁴, where the axes of the matrix are not those of the Hessian.
    assert loss(functools.partial(Soap, lr=0.02)) < 0.5 * loss(functools.partial(torch.optim.Adam, lr=0.02))


@pytest.mark.parametrize("shape", [(6, 6), (7, 3), (3, 7), (1, 8), (2, 4, 5)])
def test_muon_makes_singular_values_near_one_and_keeps_singular_vectors(shape: tuple[int, ...]) -> None:
    given = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = orthogonal(given)
    sizes = torch.linalg.svdvals(found)
    assert sizes.min() > 0.65 and sizes.max() < 1.25  # the quintic's band, by Jordan et al.
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    turned = left.mT @ found @ right.mT
    torch.testing.assert_close(turned, torch.diag_embed(turned.diagonal(dim1=-2, dim2=-1)), rtol=0, atol=1e-10)


def test_muon_takes_the_steps_of_torch_at_its_rounding() -> None:
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("torch has Muon from 2.9 on")
    theirs = functools.partial(torch.optim.Muon, lr=0.02, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    a, b, start = quadratic()
    found, expected = (
        stepped(make, start, lambda w: torch.from_numpy(a) @ w @ torch.from_numpy(b), 5)
        for make in (functools.partial(Muon, lr=0.02), theirs)
    )
    # It multiplies in bfloat16, whose step is 2⁻⁸, and each of five rounds may magnify that by up to the quintic's
    # slope at zero, 3.4, where singular values are small: a tenth of each step of length 0.02 · 0.2 · √5.
    np.testing.assert_allclose(found, expected, rtol=0, atol=5 * 0.02 * 0.2 * 5**0.5 / 10)


@BOTH
@pytest.mark.parametrize("is_set", [False, True], ids=["one", "set"])
def test_a_resumed_fit_equals_an_uninterrupted_one(optimizer: Callable, is_set: bool, tmp_path: Path) -> None:
    def made(steps: int) -> object:
        count = 2 if is_set else 1
        return module_of(
            merged([siren(seed=i) for i in range(count)], [problem_of({"wave": Wave()})] * count), steps, optimizer
        )

    run_module(made(23), tmp_path / "whole")
    run_module(made(11), tmp_path / "parts")
    run_module(made(23), tmp_path / "parts")
    whole, parts = (kept(tmp_path / name) for name in ("whole", "parts"))
    for key in ("state_dict", "optimizer_states"):
        found, expected = tensors(parts[key]), tensors(whole[key])
        assert len(found) == len(expected) > 0
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@BOTH
def test_a_member_of_a_set_equals_its_single_fit(optimizer: Callable) -> None:
    problem = problem_of({"wave": Wave()})
    together = run_module(module_of(merged([siren(seed=i) for i in (0, 1, 2)], [problem] * 3), 40, optimizer))
    for seed, member in enumerate(together.fields.split()):
        alone = run_module(module_of(merged([siren(seed=seed)], [problem]), 40, optimizer)).fields.bundle
        for found, expected in zip(member.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)  # batched products round differently


@BOTH
def test_each_tile_is_stepped_as_if_alone(optimizer: Callable) -> None:
    network = Tiles(2, 1, hidden_features=6, hidden_layers=1, tiles=2)
    fields = merged([network], [problem_of({"wave": Wave()})])
    # A gradient of its own for each of the four networks, at every step.
    draw = torch.Generator().manual_seed(0)
    gradients = [[torch.randn(w.shape, generator=draw) for w in fields.bundle.parameters()] for _ in range(7)]
    starts = [weight.detach().clone() for weight in fields.bundle.parameters()]

    def moved(weights: list[nn.Parameter], stacks: dict, index: int | None) -> list[Tensor]:
        made = optimizer(weights)
        made.stacks = stacks
        for step in gradients:
            for weight, gradient in zip(weights, step, strict=True):
                weight.grad = gradient if index is None else gradient[index]
            made.step()
        return [weight.detach() for weight in weights]

    together = moved(list(fields.bundle.parameters()), fields.stacks(), None)
    for index in range(4):
        alone = moved([nn.Parameter(start[index].clone()) for start in starts], {}, index)
        for found, expected in zip(together, alone, strict=True):
            torch.testing.assert_close(found[index], expected, rtol=1e-4, atol=1e-6)


def test_a_bundle_knows_which_of_its_weights_are_stacked() -> None:
    small = {"hidden_features": 4, "hidden_layers": 1}
    bundle = Bundle({"tiles": Tiles(2, 1, **small, tiles=2), "plain": Siren(2, 1, **small)}, {"depth": 1.0})
    stacks = bundle.stacks()
    assert {name for name, count in stacks.items() if count} == {n for n in stacks if n.startswith("network.")}
    assert set(stacks.values()) == {0, 1}
    # A table is looked up entry by entry: none of its axes are left for a matrix.
    stacks = Bundle({"grid": HashGrid(2, 1, **small, finest=32.0)}).stacks()
    assert {name: count for name, count in stacks.items() if count} == {"network.encoding.table": 2}


@BOTH
def test_complex_weights_are_refused_in_words(optimizer: Callable) -> None:
    with pytest.raises(UserError, match="optimizer=adam"):
        optimizer([nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))])


@BOTH
def test_a_gradient_that_is_not_finite_is_left_to_the_fit(optimizer: Callable) -> None:
    """It must not end in an error of a decomposition, and other matrices of a stack go on."""
    weight = nn.Parameter(torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0)))
    made: MatrixOptimizer = optimizer([weight])
    for _ in range(7):
        weight.grad = torch.ones_like(weight)
        weight.grad[0] = torch.nan
        made.step()
    assert weight[0].isnan().all() and weight[1].isfinite().all()
