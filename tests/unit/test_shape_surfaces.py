"""Meshes, their extraction and their measures, against closed forms, libigl and shifts that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.problems.shapes import distances, measures, winding
from siren_pl.problems.shapes.clouds import Cloud, frame_of
from siren_pl.problems.shapes.drawing import rendered
from siren_pl.problems.shapes.extraction import _marched, extracted
from siren_pl.problems.shapes.implicit import FieldDistance, MovingPlanes
from siren_pl.problems.shapes.knot import TUBE, curve, knot_mesh, tube
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.training.ask import Ask
from tests.shapes import KNOWN, Known, RoundedBox, Sphere, Torus, cube, volume


@pytest.fixture
def places() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (400, 3))


@pytest.mark.parametrize("known", KNOWN, ids=lambda each: type(each).__name__)
def test_the_error_of_an_extracted_mesh_falls_with_the_square_of_the_cells(known: Known) -> None:
    coarse, fine = (extracted(known, cells) for cells in (24, 48))
    for mesh in (coarse, fine):
        assert mesh.is_watertight and mesh.parts == 1
        # Newton steps put the vertices on the surface; the rest of the error is that of flat triangles.
        assert np.abs(known.values(mesh.vertices)).max() < 1e-6
    for exact, found in ((known.volume, volume), (known.area, lambda mesh: mesh.areas.sum())):
        errors = [abs(found(mesh) - exact) for mesh in (coarse, fine)]
        # Second order halves twice; the curvature of a rounded box jumps, so its constant differs between lattices.
        assert 3 < errors[0] / errors[1] < 5.5


@pytest.mark.parametrize("known", KNOWN, ids=lambda each: type(each).__name__)
def test_cells_that_are_halved_give_the_mesh_of_the_whole_lattice(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = extracted(known, 48)
    monkeypatch.setattr("siren_pl.problems.shapes.extraction.COARSE", 12)
    monkeypatch.setattr("siren_pl.problems.shapes.extraction.BLOCK", 16)
    halved = extracted(known, 48)
    assert halved.is_watertight and len(halved.faces) == len(whole.faces)
    away, nearest = KDTree(whole.vertices).query(halved.vertices)
    assert away.max() < 1e-5  # marching cubes counts cells in float32
    assert len(np.unique(nearest)) == len(whole.vertices) == len(halved.vertices)


def test_normals_and_curvature_of_an_extracted_mesh_are_those_of_the_surface() -> None:
    for known in (Sphere(), Torus()):
        mesh = extracted(known, 64)
        agreement = (mesh.vertex_normals * known.gradients(mesh.vertices)).sum(1)
        assert agreement.min() > 0.99  # chords over a cell of 1/32 turn by 0.03 / 0.25 at the tube
    points = torch.from_numpy(extracted(Torus(), 32).vertices)
    # The Laplacian of a distance is the sum of the principal curvatures: of tube and ring.
    hessian = torch.func.vmap(torch.func.hessian(lambda p: Torus().distance(p[None])[0]))(points)
    laplacian = hessian.diagonal(dim1=1, dim2=2).sum(1)
    away = points[:, :2].norm(dim=1)
    expected = 1 / Torus.tube + (away - Torus.ring) / (Torus.tube * away)
    torch.testing.assert_close(laplacian, expected, atol=1e-5, rtol=1e-4)


def test_a_surface_through_the_corners_between_blocks_is_cut() -> None:
    class Half(Known):
        def distance(self, points: torch.Tensor) -> torch.Tensor:
            return points[:, 0]

    mesh = extracted(Half(), 128)  # x = 0 is where one block of 64 cells ends and the next begins
    assert mesh.parts == 1 and mesh.areas.sum() == pytest.approx(4) and np.abs(mesh.vertices[:, 0]).max() < 1e-12


def test_vertices_stay_apart_at_the_finest_resolution() -> None:
    # 256 cells ahead, 512 back and 256 up is where whole numbers of 64 bits would begin anew.
    cells = np.array([[100, 800, 100], [356, 288, 356]])
    values = np.where(np.arange(8) == 0, -0.5, 0.5) * np.ones((2, 1))
    assert len(_marched(cells, values, 1024).vertices) == 6


def test_a_function_without_zeros_has_no_mesh() -> None:
    class Nowhere(Sphere):
        radius = -1.0

    mesh = extracted(Nowhere(), 16)
    assert len(mesh.faces) == 0 and mesh.parts == 0 and not mesh.is_watertight


def test_distances_are_those_of_libigl_and_of_a_cube(places: np.ndarray) -> None:
    igl = pytest.importorskip("igl")
    mesh = extracted(RoundedBox(), 16)
    found, _ = distances.searched_distances(mesh, places)
    squares, _, _ = igl.point_mesh_squared_distance(places, mesh.vertices, mesh.faces)
    np.testing.assert_allclose(found, np.sqrt(squares), atol=1e-12)
    beyond = np.abs(places) - 0.5
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(1), 0)
    np.testing.assert_allclose(distances.searched_distances(cube(), places)[0], np.abs(outside), atol=1e-12)


def test_winding_numbers_are_those_of_libigl_for_open_and_closed_meshes(places: np.ndarray) -> None:
    igl = pytest.importorskip("igl")
    mesh = extracted(Torus(), 24)
    opened = Mesh(mesh.vertices, mesh.faces[mesh.corners.mean(1)[:, 0] < 0.5])
    for each in (mesh, opened):
        wanted = igl.winding_number(each.vertices, each.faces, places)
        # Far groups are replaced by one vector each: a few thousandths where a half would change a sign.
        np.testing.assert_allclose(winding.summed_winding_numbers(each, places), wanted, atol=0.02)
    assert opened.open_edges and not opened.is_watertight


def test_iou_is_the_same_with_and_without_libigl(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("igl")
    meshes, found = (extracted(Torus(), 16), extracted(Torus(), 24)), []
    for has in (True, False):
        monkeypatch.setattr(winding, "has_igl", lambda has=has: has)
        one, other = (winding.occupied(mesh, 1.0, 32) for mesh in meshes)
        found.append((one & other).sum() / (one | other).sum())
    assert abs(found[0] - found[1]) < 1e-4


@pytest.mark.parametrize("has", [True, False], ids=["libigl", "ours"])
def test_the_inside_of_an_open_mesh_does_not_run_out_through_its_hole(
    has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    igl = pytest.importorskip("igl")
    monkeypatch.setattr(winding, "has_igl", lambda: has)
    ball, cells = extracted(Sphere(), 24), 24
    cap = Mesh(ball.vertices, ball.faces[ball.corners.mean(1)[:, 2] < 0.2])
    axis = (np.arange(cells) + 0.5) * 2 / cells - 1
    middles = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    wanted = igl.winding_number(cap.vertices, cap.faces, middles) > 0.5
    different = winding.occupied(cap, 1.0, cells).reshape(-1) != wanted
    # The cells of a block count as alike at the hole, whose disc of radius 0.67 crosses 200 cells.
    assert wanted.sum() > 1500 and different.sum() < 200


def test_occupied_cells_are_those_with_a_negative_distance() -> None:
    cells = 40
    axis = (np.arange(cells) + 0.5) * 2 / cells - 1
    middles = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    distance = Torus().values(middles)
    inside = winding.occupied(extracted(Torus(), 64), 1.0, cells).reshape(-1)
    clear = np.abs(distance) > 1e-3  # the chords of the mesh
    np.testing.assert_array_equal(inside[clear], (distance < 0)[clear])


def test_measures_of_a_mesh_that_is_shifted_are_the_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "SAMPLES", 4000)
    monkeypatch.setattr(measures, "CELLS", 64)
    shift, truth = 0.0625, cube()  # two cells
    moved = Mesh(truth.vertices + np.array([shift, 0, 0]), truth.faces)
    found = measures.measured(moved, Cloud("cube", truth.vertices, truth=truth))
    assert found["watertight"] == 1 and found["parts"] == 1
    assert found["iou"] == pytest.approx((1 - shift) / (1 + shift), abs=1e-12)
    assert found["hausdorff"] == pytest.approx(shift, rel=1e-6)
    # The sides ahead and behind move by s, but points ahead and near an edge (2 s² - 4 s³ / 3 of them, weighted by what
    # they save) are nearer to the sides that slide, of which strips as wide as s are off by s / 2: 2 s + 4 s³ / 3.
    assert found["point_to_surface"] == pytest.approx((2 * shift + 4 / 3 * shift**3) / 6, rel=0.05)
    # Of six sides, points within s of an edge ahead, 4 s - 4 s², see a side at a right angle; those of strips that slid
    # over the edge, 4 s, see the edge, and one side or the other. Three deviations of 4,000 points are 0.013.
    ahead, slid = (4 * shift - 4 * shift**2) / 6, 4 * shift / 6
    assert 1 - ahead - slid - 0.013 < found["normal_consistency"] < 1 - ahead + 0.013
    same = measures.compared(truth, truth)
    assert same["iou"] == 1 and same["point_to_surface"] < 1e-12 and same["normal_consistency"] == pytest.approx(1)
    assert same["chamfer_l1"] == pytest.approx(same["chamfer_l1_floor"], rel=0.05)


def test_errors_of_a_distance_are_what_is_added_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Off(Sphere):
        radius = 0.69

    monkeypatch.setattr(measures, "PLACES", 1000)
    errors = measures.distance_errors(Off(), extracted(Sphere(), 64))
    assert errors["sdf_error_near"] == pytest.approx(0.01, abs=5e-4)  # the chords of the mesh
    assert errors["sdf_error_far"] == pytest.approx(0.01, abs=5e-4)


def test_points_are_spread_by_area_and_lie_on_the_triangles() -> None:
    mesh = Mesh(np.array([[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1.0]]), np.array([[0, 1, 2], [0, 2, 3]]))
    points, normals = mesh.sampled(20_000, np.random.default_rng(0))
    flat = points[:, 2] == 0
    assert flat.mean() == pytest.approx(0.75, abs=0.01)  # areas 3/2 and 1/2; five deviations of the mean are 0.015
    np.testing.assert_allclose(points[flat].mean(0), [1, 1 / 3, 0], atol=0.03)  # the middle of the triangle
    np.testing.assert_allclose(normals[flat], np.tile([0, 0, 1.0], (flat.sum(), 1)))


def test_the_knot_is_closed_and_its_normals_are_those_of_its_mesh() -> None:
    mesh, t = knot_mesh(), np.linspace(0, 6, 50)
    assert mesh.is_watertight and mesh.parts == 1
    assert volume(mesh) > 0
    points, normals = tube(t, 2 * t)
    dense, _ = curve(np.linspace(0, 2 * np.pi, 20_001))
    away = np.linalg.norm(points[:, None] - dense[None], axis=2).min(1)
    np.testing.assert_allclose(away, TUBE, atol=1e-6)
    found, faces = distances.searched_distances(mesh, points)
    assert found.max() < 4e-4  # chords of 60 triangles around the tube: 0.2 (1 - cos(π / 60)) = 2.7e-4
    assert (mesh.face_normals[faces] * normals).sum(1).min() > 0.99


def test_moving_planes_through_a_sphere_are_its_distance(places: np.ndarray) -> None:
    points = places / np.linalg.norm(places, axis=1, keepdims=True) * 0.7
    planes = MovingPlanes(Cloud("sphere", points, points / 0.7), 0.05)
    near = points * 1.05
    heights = planes.values(near)
    # A place at 0.735 is R' cos θ - R above the plane of a point at the angle θ, whose mean square under the Gaussian
    # is 2 (0.05 / 0.7)² if points are dense, and less if the nearest has most of the weight.
    assert (heights <= 0.035 + 1e-12).all() and heights.min() > 0.035 - 0.735 * (0.05 / 0.7) ** 2 * 1.3
    agreement = (planes.gradients(near) * points / 0.7).sum(1)
    assert agreement.mean() > 0.95


def test_the_answer_of_a_field_is_its_value_and_gradient(places: np.ndarray) -> None:
    ask = Ask({"field": torch.nn.Linear(3, 1).double()}, {"field": ForwardDerivatives()})
    layer = ask._fields["field"]
    with pytest.raises(TypeError, match="no derivative rule"):
        FieldDistance(ask).gradients(places)
    np.testing.assert_allclose(
        FieldDistance(ask).values(places), (torch.from_numpy(places) @ layer.weight.T + layer.bias)[:, 0].detach()
    )


def test_a_frame_puts_the_longest_side_between_the_same_ends_and_back() -> None:
    points = np.random.default_rng(0).uniform([5, -30, 100], [7, 90, 101], (50, 3))
    frame = frame_of(points)
    inside = frame.into(points)
    assert np.ptp(inside[:, 1]) == pytest.approx(1.8) and np.abs(inside).max() == pytest.approx(0.9)
    np.testing.assert_allclose(frame.back(inside), points, atol=1e-12)


def test_a_drawn_sphere_is_a_round_disc_that_the_lamp_lights() -> None:
    pixels = rendered(extracted(Sphere(), 32), 120)
    disc = (pixels < 1).all(-1)
    radius = np.sqrt(disc.sum() / np.pi)
    assert radius == pytest.approx(120 / 1.06 / 2, rel=0.02)  # the picture is 1.06 as wide as what is seen
    upper, lower = pixels[40, 60].sum(), pixels[100, 60].sum()
    assert upper > lower  # the lamp is above
