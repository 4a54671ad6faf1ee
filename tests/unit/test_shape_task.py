"""What the task of shapes makes of points: signs, normals, distances, losses and penalties, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.derivatives import ForwardDerivatives
from siren_pl.field.networks import Siren
from siren_pl.problems.shapes import pool
from siren_pl.problems.shapes.clouds import Cloud
from siren_pl.problems.shapes.extraction import extracted
from siren_pl.problems.shapes.filling import flooded
from siren_pl.problems.shapes.measures import iou
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.problems.shapes.orientation import oriented_normals
from siren_pl.problems.shapes.penalties import HEAT_DECAY, KINDS, ShapePenalty
from siren_pl.problems.shapes.rivals import imls
from siren_pl.problems.shapes.task import shape_fit, with_normals
from siren_pl.problems.shapes.terms import OffSurface, OnSurface
from siren_pl.training.ask import Ask
from tests.shapes import Sphere, Torus


def cloud_of(known: Sphere | Torus, count: int = 4000) -> Cloud:
    """Points of a surface with their exact normals."""
    points, _ = extracted(known, 48).sampled(count, np.random.default_rng(0))
    normals = known.gradients(points)
    points -= known.values(points)[:, None] * normals  # from the chord onto the surface
    return Cloud(type(known).__name__, points, known.gradients(points), truth=extracted(known, 48))


@pytest.fixture(scope="module")
def torus() -> Cloud:
    return cloud_of(Torus())


def asked(field: torch.nn.Module) -> Ask:
    return Ask({"field": field}, {"field": ForwardDerivatives()})


def test_a_flood_stops_at_the_points_and_tells_inside_from_outside(torus: Cloud) -> None:
    filling = flooded(torus)
    places = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    distance, signs = Torus().values(places), filling.at(places)
    assert not filling.has_leaked
    decided = signs != 0
    assert decided.mean() > 0.5 and (signs[decided] == np.sign(distance[decided])).all()
    assert np.abs(distance[~decided]).max() < filling.reach + 2 / 64 + torus.spacing  # a cell, and between points


def test_a_flood_runs_in_through_a_hole_and_that_is_said(
    torus: Cloud, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PLACES", 2000)
    kept = torus.points[:, 0] < 0.45  # the torus reaches to 0.85
    holed = replace(torus, points=torus.points[kept], normals=None)
    assert flooded(holed).has_leaked
    with caplog.at_level("WARNING"):
        assert with_normals(holed).normals is None
    assert "have holes wider than" in caplog.text and "Points with normals" in caplog.text
    problem = shape_fit(holed)
    # What is left: no normals, distances beyond the convex hull alone, and the heat.
    assert set(problem.terms) == {"on", "around", "heat"} and "normal" not in problem.terms["on"].points()
    outside = problem.terms["around"].points()
    places = outside["coords"].double().numpy()
    # Beyond the hull of the points all is outside, but for what is missing, and for what bulges between neighbours:
    # chords of 0.15 on a tube of radius 0.25 sag by 0.15² / 8 / 0.25 = 0.011.
    assert Torus().values(places[places[:, 0] < 0.45]).min() > -0.015 and outside["distance"].min() > 0


def test_estimated_normals_are_the_gradients_of_the_distance(torus: Cloud) -> None:
    normals = oriented_normals(torus.without_normals(), flooded(torus))
    agreement = (normals * torus.normals).sum(1)
    # Twelve neighbours span 0.05: on a tube of radius 0.25 they see normals that differ by 0.2, an angle of cos 0.98.
    assert (agreement > 0.9).mean() > 0.999


def test_distances_to_a_cloud_are_those_of_the_surface(torus: Cloud) -> None:
    places = pool.places_around(torus, 0)[::50]
    found = pool.signed_distances(torus, places, 0.5 * torus.spacing)
    errors = np.abs(found - Torus().values(places))
    # The nearest point lies within about a spacing s beside the foot of the height d > 3 s: s² / (2 d) < s / 6.
    assert np.quantile(errors, 0.99) < torus.spacing / 6
    assert errors[: len(errors) // 2].mean() < torus.spacing**2 / 0.25  # near: planes on a tube of radius 0.25
    assert np.abs(places).max() <= 1


def test_losses_are_zero_for_the_distance_itself_and_say_how_wrong_another_is(torus: Cloud) -> None:
    class Ball(torch.nn.Module):
        def forward(self, coords: Tensor) -> Tensor:
            return (coords.norm(dim=1, keepdim=True) - 0.7) * 2

    sphere = cloud_of(Sphere(), 500)

    class Strategy(ForwardDerivatives):
        def __call__(self, field, coords, order, groups=None, directions=None):
            from siren_pl.field.derivatives import AutogradDerivatives

            return AutogradDerivatives()(field, coords, order, groups)

    ask = Ask({"field": Ball()}, {"field": Strategy()})
    on = OnSurface(sphere.points, sphere.normals, 1.0, 1.0, 1.0)
    losses = on.evaluate(ask, on.points())
    assert losses["surface"] < 1e-6 and losses["normal"].abs() < 1e-6
    assert losses["eikonal"].item() == pytest.approx(1.0, rel=1e-5)  # a slope of two
    places = np.array([[0.9, 0, 0], [0, 0, 0.5]])
    off = OffSurface(places, Sphere().values(places), 1.0, 1.0)
    losses = off.evaluate(ask, off.points())
    assert losses["distance"].item() == pytest.approx(0.2, rel=1e-5)  # twice a height of 0.2
    assert losses["away"].item() == pytest.approx(np.exp(-40), rel=1e-3)
    bare = OnSurface(sphere.points, None, 1.0, 1.0, 1.0)
    assert set(bare.evaluate(ask, bare.points())) == {"surface", "eikonal"}


def test_penalties_are_those_of_nested_autograd() -> None:
    field = Siren(3, 1, 16, 1, omega_0=3.0).double()
    coords = torch.rand(20, 3, dtype=torch.float64) * 2 - 1

    def scalar(point: Tensor) -> Tensor:
        return field(point[None])[0, 0]

    gradient = torch.func.vmap(torch.func.grad(scalar))(coords)
    hessian = torch.func.vmap(torch.func.hessian(scalar))(coords)
    slope, value = gradient.norm(dim=1), field(coords)[:, 0]
    along = torch.einsum("ni,nij,nj->n", gradient, hessian, gradient) / slope**2
    wanted = {
        "eikonal_around": (slope - 1).abs(),
        "divergence": hessian.diagonal(dim1=1, dim2=2).sum(1).abs(),
        "directional_divergence": along.abs(),
        "singular_hessian": torch.linalg.det(hessian).abs(),
        "heat": torch.exp(-2 * HEAT_DECAY * value.abs()) * (slope**2 + 1) / 2,
    }
    assert wanted.keys() == KINDS.keys()
    for name, expected in wanted.items():
        torch.testing.assert_close(KINDS[name].penalise(asked(field), coords), expected.mean())


@pytest.mark.parametrize("name", ["directional_divergence", "singular_hessian"])
def test_a_distance_costs_nothing_where_its_paper_says_so(name: str) -> None:
    class Ball(torch.nn.Module):
        """|x|² / 2 is no distance; its square root is, by the rules of a jet."""

        def forward(self, coords):
            from siren_pl.field import jet
            from siren_pl.field.jet import Activation

            root = Activation(lambda z: z.sqrt(), lambda z: 0.5 * z**-0.5, lambda z: -0.25 * z**-1.5)
            squares = jet.linear(jet.multiply(coords, coords), torch.ones(1, 3, dtype=torch.float64))
            return jet.elementwise(squares, root)

    coords = torch.rand(20, 3, dtype=torch.float64) + 0.1
    assert KINDS[name].penalise(asked(Ball()), coords) < 1e-10


def test_a_penalty_fades_as_its_paper_says_and_draws_near_places_as_often(torus: Cloud) -> None:
    term = ShapePenalty("divergence", pool.places_around(torus, 0)[::1000], 2.0)
    table, generator = term.points(), torch.Generator()
    fades = [float(term.draw(table, 10, generator, progress)["fade"]) for progress in (0.0, 0.3, 0.4, 0.9)]
    assert fades == pytest.approx([1, 0.5, 0, 0])
    near = table["coords"][:100]
    drawn = term.draw(table, 40, generator, 0.0)["coords"]
    assert sum(bool((near == each).all(1).any()) for each in drawn) == 20
    assert float(ShapePenalty("heat", torus.points, 1.0).draw(table, 10, generator, 0.9)["fade"]) == 1


def test_moving_planes_make_a_mesh_of_a_cloud_with_normals_alone(torus: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siren_pl.problems.shapes.rivals.RESOLUTION", 32)
    mesh = imls(torus)
    assert mesh is not None and mesh.is_watertight and mesh.parts == 1
    assert np.abs(Torus().values(mesh.vertices)).mean() < torus.spacing**2 / 0.25  # planes on a tube of radius 0.25
    assert imls(torus.without_normals()) is None


def test_moving_planes_end_where_their_points_do_and_the_best_width_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siren_pl.problems.shapes.rivals.RESOLUTION", 24)
    monkeypatch.setattr("siren_pl.problems.shapes.measures.CELLS", 24)
    few = cloud_of(Torus(), 60)  # the planes of points this far apart cross in sheets that are no surface
    meshes = {width: imls(few, [width]) for width in (0.5, 2.0)}
    for mesh in meshes.values():
        assert mesh is not None and few.tree.query(mesh.vertices)[0].max() < pool.HEIGHTS_WITHIN * few.spacing
    assert few.truth is not None
    best = max((iou(mesh, few.truth), width) for width, mesh in meshes.items() if mesh is not None)[1]
    kept = imls(few, [0.5, 2.0])
    assert kept is not None and len(kept.faces) == len(meshes[best].faces)
    assert iou(Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64)), few.truth) == 0  # a width without any mesh


def test_points_of_a_plane_without_normals_are_refused() -> None:
    flat = np.random.default_rng(0).uniform(-0.9, 0.9, (500, 3)) * [1, 1, 0]
    with pytest.raises(UserError, match="lie in a plane"):
        shape_fit(Cloud("sheet", flat))


def test_a_penalty_of_another_name_is_refused(torus: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PLACES", 200)
    with pytest.raises(UserError, match="curl is no penalty of shapes: choose among eikonal_around"):
        shape_fit(torus, curl=1.0)


def test_what_is_no_shape_is_refused() -> None:
    with pytest.raises(UserError, match="dataset=shape"):
        shape_fit("a picture")  # type: ignore[arg-type]
