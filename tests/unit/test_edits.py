"""Direct solutions of edits equal those of dense least squares, and solutions that are known in advance."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from siren_pl.errors import UserError
from siren_pl.problems.pictures.editing.clones import CloningEdit
from siren_pl.problems.pictures.editing.edits import Edit, GradientEdit, Material
from siren_pl.problems.pictures.editing.guidance import first, strongest, weighted

SHAPE = (7, 9)
GENERATOR = torch.Generator().manual_seed(0)
TARGET, SOURCE = torch.rand(2, *SHAPE, 2, generator=GENERATOR, dtype=torch.float64)


def disc(top: int = 2) -> torch.Tensor:
    """A mask; with `top` 0 it touches the image's edge."""
    inside = torch.zeros(SHAPE, dtype=torch.bool)
    inside[top : top + 4, 2:7] = True
    inside[top, 2] = False
    return inside


def material(target=TARGET, source=SOURCE, inside=None, weights=(1.0, 1.0)) -> Material:
    return Material(target, source[None], ("target", "source"), disc() if inside is None else inside, weights)


def solved(edit: Edit) -> torch.Tensor:
    return edit.picture(edit.data, SHAPE)


EDITS = {
    "clone": CloningEdit(material(), first),
    "clone at the edge": CloningEdit(material(inside=disc(0)), strongest),
    "gradient": GradientEdit(material(), strongest, "spectral"),
    "sobel": GradientEdit(material(), strongest, "sobel"),
}


@pytest.mark.parametrize("name", EDITS)
def test_the_adjoint_is_the_transpose(name):
    edit = EDITS[name]
    data = torch.rand(edit.data.shape, generator=GENERATOR, dtype=torch.float64)
    left, right = (edit.apply(TARGET) * data).sum(), (TARGET * edit.adjoint(data, SHAPE)).sum()
    assert float(left) == pytest.approx(float(right))


@pytest.mark.parametrize("name", EDITS)
def test_the_solution_is_that_of_dense_least_squares(name):
    edit = EDITS[name]
    units = torch.eye(TARGET[..., 0].numel(), dtype=torch.float64).reshape(-1, *SHAPE, 1)
    matrix = np.stack([edit.apply(unit).numpy().ravel() for unit in units], 1)
    data = edit.data.movedim(-1, 0).numpy().reshape(2, -1).T
    # Values are known exactly: they count a million times as much as slopes.
    slopes = edit.gradients(edit.data).shape[:-1].numel()
    scale = np.where(np.arange(len(matrix)) < slopes, 1.0, 1e6)[:, None]
    expected = np.linalg.lstsq(matrix * scale, data * scale, rcond=None)[0].reshape(*SHAPE, 2)
    found = solved(edit).numpy()
    if edit.rim is None:
        expected -= expected.mean((0, 1))
        np.testing.assert_allclose(found.mean((0, 1)), ((TARGET + SOURCE) / 2).mean((0, 1)).numpy())
        found = found - found.mean((0, 1))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cloning_a_picture_into_itself_changes_nothing():
    for rule in (first, strongest):
        edit = CloningEdit(material(source=TARGET), rule)
        torch.testing.assert_close(solved(edit), TARGET)


def test_a_shifted_source_is_cloned_as_if_it_were_not():
    edit = CloningEdit(material(source=TARGET + 0.7), first)
    torch.testing.assert_close(solved(edit), TARGET)


def test_cloning_a_flat_source_continues_a_harmonic_function():
    y, x = torch.meshgrid(torch.arange(7.0).double(), torch.arange(9.0).double(), indexing="ij")
    harmonic = torch.stack([x * x - y * y, 3 * x - y + x * y], -1) / 50
    edit = CloningEdit(material(harmonic, torch.zeros_like(harmonic)), first)
    torch.testing.assert_close(solved(edit), harmonic)


def test_the_laplacian_inside_is_the_sources():
    found = solved(EDITS["clone"]).numpy()
    for channel in range(2):
        ours, theirs = (ndimage.laplace(a[..., channel]) for a in (found, SOURCE.numpy()))
        np.testing.assert_allclose(ours[disc().numpy()], theirs[disc().numpy()])
    np.testing.assert_array_equal(found[~disc().numpy()], TARGET[~disc()].numpy())


def test_the_rim_are_the_neighbours_outside():
    inside = disc()
    grown = ndimage.binary_dilation(inside.numpy())
    rim = EDITS["clone"].rim
    assert rim is not None
    np.testing.assert_array_equal(rim.numpy(), grown & ~inside.numpy())


@pytest.mark.parametrize("stencil", ["spectral", "central", "sobel"])
def test_fusing_one_picture_alone_gives_it_back(stencil):
    edit = GradientEdit(material(weights=(1.0, 0.0)), weighted([1.0, 0.0]), stencil)
    torch.testing.assert_close(solved(edit), TARGET)


def test_fusing_is_the_weighted_sum_of_pictures():
    edit = GradientEdit(material(weights=(0.25, 0.75)), weighted([0.25, 0.75]), "spectral")
    torch.testing.assert_close(solved(edit), 0.25 * TARGET + 0.75 * SOURCE)


def test_masks_that_leave_no_problem_are_refused():
    with pytest.raises(UserError, match="empty"):
        CloningEdit(material(inside=torch.zeros(SHAPE, dtype=torch.bool)), first)
    with pytest.raises(UserError, match="touches nothing"):
        CloningEdit(material(inside=torch.ones(SHAPE, dtype=torch.bool)), first)
