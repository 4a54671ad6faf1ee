"""Figures show what a field was built from, each thing once, and all of it lies on the canvas."""

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from siren_pl import SampledSignal, Siren
from siren_pl.problems.derivatives.gradients import poisson_grad
from siren_pl.problems.derivatives.laplacians import poisson_laplacian
from siren_pl.problems.derivatives.sobolev import image_fit
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.rivals.poisson_solvers import gradient_solver
from siren_pl.problems.sampled.observations import RandomFraction
from tests.judged import judged

RNG = np.random.default_rng(0)
# A slope of 1/32 of the range [-1, 1] down and 1/64 across, per pixel, so that central differences are known.
ROWS, COLUMNS = torch.arange(16.0)[:, None, None] / 32, torch.arange(20.0)[:, None] / 64
RAMP = ROWS + COLUMNS - 0.5
FIELD = Siren(2, 1, hidden_features=8, hidden_layers=1, omega_0=5.0)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """Figures as they are when they are written, by the name of their file."""
    found: dict[str, Figure] = {}

    def save(figure: Figure, path: Path) -> Path:
        found[path.name] = figure
        return path

    monkeypatch.setattr(figures, "save", save)
    return found


def drawn(figure: Figure) -> dict[str, list[np.ndarray]]:
    """Pictures and maps of a figure by their titles."""
    panels: dict[str, list[np.ndarray]] = {}
    for axes in figure.axes:
        for image in axes.images:
            panels.setdefault(axes.get_title(), []).append(np.ma.filled(image.get_array(), np.nan))
    return panels


def written(figure: Figure) -> str:
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts).replace("\n", " ")


def solver(signal: SampledSignal) -> torch.Tensor:
    return gradient_solver(signal, "central")


def test_the_gradients_that_a_field_was_given_are_shown(saved, tmp_path):
    signal = SampledSignal(RAMP)
    judgement = judged(FIELD, poisson_grad(signal, "central"), {"poisson_solver": solver})
    judgement.draw(tmp_path)
    panels = drawn(saved["reconstruction.png"])
    down, across = (panels[f"given: slope {axis}"][0] for axis in ("down, ∂/∂y", "across, ∂/∂x"))
    units = signal.pixels_per_unit
    np.testing.assert_allclose(down[1:-1], units[0] / 32, rtol=1e-5)
    np.testing.assert_allclose(across[:, 1:-1], units[1] / 64, rtol=1e-5)
    coords = signal.coords().requires_grad_()
    (slopes,) = torch.autograd.grad(FIELD(coords).sum(), coords)
    for found, wanted in zip(panels["the field's own"], slopes.T, strict=True):
        np.testing.assert_allclose(found, wanted.reshape(16, 20), rtol=1e-3, atol=1e-5)
    text = written(saved["reconstruction.png"])
    assert "never this picture" in text and "the mean open" in text


def test_a_target_is_drawn_once_and_no_error_is_black(saved, tmp_path):
    signal = SampledSignal(RAMP)
    methods = {"poisson_solver": solver, "grey": lambda signal: signal.values * 0}
    judged(FIELD, poisson_grad(signal, "central"), methods).draw(tmp_path)
    panels = drawn(saved["reconstruction.png"])
    truth = RAMP[..., 0].numpy() / 2 + 0.5
    shown = [title for title, images in panels.items() for image in images if np.allclose(image, truth, atol=1e-3)]
    assert shown == ["truth"]
    errors = [image for title, images in panels.items() if title.startswith("absolute error") for image in images]
    assert len(errors) == 2 and all(error.max() > 1 / 255 for error in errors)
    assert any(title.startswith("grey, ") for title in panels)
    assert "Equal to the truth in 8 bits, so not drawn: poisson solver." in written(saved["reconstruction.png"])


def test_the_laplacian_that_a_field_was_given_is_shown(saved, tmp_path):
    bowl = (torch.arange(16.0)[:, None, None] - 8) ** 2 / 128 + torch.zeros(16, 16, 1)
    signal = SampledSignal(bowl)
    judged(FIELD, poisson_laplacian(signal)).draw(tmp_path)
    panels = drawn(saved["reconstruction.png"])
    # The second difference of n² is 2.
    np.testing.assert_allclose(panels["given: Laplacian"][0][1:-1], 2 / 128 * signal.pixels_per_unit[0] ** 2, rtol=1e-4)
    assert not any("∂" in title for title in panels) and len(panels["the field's own"]) == 1


def test_slopes_that_were_not_given_are_marked(saved, tmp_path):
    signal = SampledSignal(RAMP, observation=RandomFraction(0.05))
    judged(FIELD, poisson_grad(signal, "central", integrated=False)).draw(tmp_path)
    down = drawn(saved["reconstruction.png"])["given: slope down, ∂/∂y"][0]
    assert 0.05 < np.isnan(down).mean() < 0.5
    assert "Magenta: nothing was given." in written(saved["reconstruction.png"])


def test_a_fit_of_values_was_given_no_derivative(saved, tmp_path):
    signal = SampledSignal(RAMP)
    judged(FIELD, image_fit(signal)).draw(tmp_path)
    titles = list(drawn(saved["reconstruction.png"]))
    assert titles[0] == "truth" and titles[1].startswith("field, ") and len(titles) == 3
    assert not written(saved["reconstruction.png"])


LONG = "a name as long as files have them, 27.52 dB over all pixels"


@pytest.mark.parametrize("shape", [(43, 64), (100, 20)])
def test_nothing_is_cut_at_the_edge(shape, tmp_path):
    """A margin of white surrounds every figure, whatever the picture's shape and however long a title is."""
    pixels = RNG.random((*shape, 3)) / 2
    box = (30.0, 30.0, 30 + shape[0] / 4, 30 + shape[1] / 4)
    signed = {"gradient": RNG.normal(size=(2, *shape, 3)), "laplacian": RNG.normal(size=(*shape, 3)) * 1e3}
    given = [figures.Given("∂/∂y", *signed["gradient"][..., 0])]
    paths = [
        figures.zooms([figures.Zoom(box, [(LONG, pixels), ("field", pixels)])] * 2, tmp_path / "a.png"),
        figures.derivatives(signed, signed, ("sobel", "laplace"), tmp_path / "b.png"),
        figures.reconstruction(("truth", pixels), [(LONG, pixels / 2)], tmp_path / "c.png", given=given),
        figures.panels([("target", pixels), ("mask", pixels), (LONG, pixels)], tmp_path / "d.png"),
    ]
    for path in paths:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"))
        edges = np.concatenate([grey[:2].ravel(), grey[-2:].ravel(), grey[:, :2].ravel(), grey[:, -2:].ravel()])
        assert edges.min() == 255, path.name
