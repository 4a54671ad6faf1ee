"""Files of shapes: every kind is read as it was written, and every damage is named with its cure."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import trimesh

from siren_pl import shape_cloud, shape_file
from siren_pl.errors import UserError
from siren_pl.problems.shapes.clouds import Frame
from siren_pl.problems.shapes.export import files_of
from siren_pl.problems.shapes.extraction import extracted
from siren_pl.problems.shapes.files import read_shape
from siren_pl.problems.shapes.meshes import Mesh, unit
from tests.shapes import Sphere, cube


def points(count: int = 100) -> np.ndarray:
    spread = np.random.default_rng(0).standard_normal((count, 3))
    return spread / np.linalg.norm(spread, axis=1, keepdims=True)


@pytest.mark.parametrize("suffix", ["obj", "off", "ply", "glb", "stl"])
def test_a_mesh_is_read_from_every_kind_of_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cube.{suffix}"
    trimesh.Trimesh(cube().vertices, cube().faces, process=False).export(path)
    mesh = read_shape(path)
    assert isinstance(mesh, Mesh) and mesh.is_watertight and len(mesh.vertices) == 8
    assert mesh.areas.sum() == pytest.approx(6)


def test_seams_of_a_texture_do_not_open_a_mesh(tmp_path: Path) -> None:
    path = tmp_path / "seam.obj"
    corners = "".join(f"v {x} {y} {z}\n" for x, y, z in cube().vertices)
    textures = "".join(f"vt {i / 36} 0.5\n" for i in range(36))
    faces = "".join(
        "f " + " ".join(f"{v + 1}/{3 * row + i + 1}" for i, v in enumerate(face)) + "\n"
        for row, face in enumerate(cube().faces)
    )
    path.write_text(corners + textures + faces)
    mesh = read_shape(path)
    assert isinstance(mesh, Mesh) and mesh.is_watertight


@pytest.mark.parametrize("suffix", ["xyz", "npy", "ply"])
@pytest.mark.parametrize("oriented", [True, False])
def test_points_are_read_with_their_normals(suffix: str, oriented: bool, tmp_path: Path) -> None:
    path, table = tmp_path / f"cloud.{suffix}", points()
    columns = np.hstack([table, 6.2 * table]) if oriented else table
    if suffix == "npy":
        np.save(path, columns)
    elif suffix == "xyz":
        np.savetxt(path, columns)
    else:
        names = ["x", "y", "z", "nx", "ny", "nz"][: columns.shape[1]]
        head = "".join(f"property double {name}\n" for name in names)
        path.write_text(f"ply\nformat ascii 1.0\nelement vertex {len(table)}\n{head}end_header\n")
        with path.open("a") as file:
            np.savetxt(file, columns)
    found, normals = read_shape(path)
    np.testing.assert_allclose(found, table, atol=1e-6)
    assert (normals is not None) == oriented
    if normals is not None:
        np.testing.assert_allclose(unit(normals), table, atol=1e-6)


def bad_files(folder: Path) -> dict[str, str]:
    """Files that cannot be used, and what must be said of each."""
    said = {}

    def bad(name: str, content: str | bytes, words: str) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        said[name] = words

    bad("empty.obj", "", "is empty")
    bad("cut.glb", b"glTF\x02\x00\x00\x00", "damaged")
    bad("text.ply", "no shape at all", "damaged")
    bad("picture.png", "x", "no kind that is read here")
    bad("nothing.obj", "# only a comment\n", "32")
    bad("flat.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "no triangle with an area")
    bad("far.off", "OFF\n3 1 0\n0 0 nan\n1 0 0\n0 1 0\n3 0 1 2\n", "NaN")
    bad("few.xyz", "0 0 0\n1 1 1\n", "holds 2 points")
    bad("same.xyz", "1 2 3\n" * 40, "holds 1 points, repeated ones counted once")
    bad("four.xyz", "1 2 3 4\n" * 40, "rows of 3 numbers")
    bad("blank.xyz", "# only a comment\n\n", "no data")
    bad("words.xyz", "a b c\n" * 40, "damaged")
    bad("ragged.xyz", "1 2 3\n1 2\n" * 40, "damaged")
    bad("holes.xyz", "".join(f"{i} 0 nan\n" for i in range(40)), "NaN")
    return said


def test_every_bad_file_is_refused_in_a_paragraph_that_names_it(tmp_path: Path) -> None:
    for name, words in bad_files(tmp_path).items():
        with pytest.raises(UserError) as refused:
            read_shape(tmp_path / name)
        assert words in str(refused.value) and name in str(refused.value), name


def test_normals_of_another_count_are_refused(tmp_path: Path) -> None:
    table = [" ".join(map(str, row)) for row in np.hstack([points(), points()]).tolist()]
    table[50] = " ".join(table[50].split()[:3])
    (tmp_path / "uneven.xyz").write_text("\n".join(table))
    with pytest.raises(UserError, match="damaged"):
        read_shape(tmp_path / "uneven.xyz")


def test_points_without_normals_are_asked_for_them_by_name(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "bare.xyz", points())
    source = shape_file(str(tmp_path / "bare.xyz"))
    with pytest.raises(UserError, match=r"dataset\.normals=false"):
        shape_cloud(source)
    cloud = shape_cloud(source, points=40, normals=False)
    assert cloud.points.shape == (40, 3) and cloud.truth is None and cloud.normals is None


@pytest.mark.parametrize(
    ("columns", "words"), [(np.zeros((100, 3)), "zero, NaN"), (np.full((100, 3), 200), "look like colours")]
)
def test_columns_that_cannot_be_normals_are_refused_only_where_normals_are_wanted(
    columns: np.ndarray, words: str, tmp_path: Path
) -> None:
    np.savetxt(tmp_path / "scan.xyz", np.hstack([points(), columns]))
    source = shape_file(str(tmp_path / "scan.xyz"))
    with pytest.raises(UserError, match=words) as refused:
        shape_cloud(source)
    assert "scan" in str(refused.value) and "dataset.normals=false" in str(refused.value)
    assert shape_cloud(source, normals=False).normals is None


def test_points_that_are_repeated_are_taken_once(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "twice.xyz", np.repeat(np.hstack([points(), points()]), 5, axis=0))
    cloud = shape_cloud(shape_file(str(tmp_path / "twice.xyz")))
    assert cloud.points.shape == (100, 3) and cloud.spacing > 0
    np.testing.assert_allclose(cloud.normals, unit(cloud.frame.back(cloud.points)), atol=1e-12)


def test_vertices_of_no_triangle_do_not_set_the_scale(tmp_path: Path) -> None:
    trimesh.Trimesh(cube().vertices, cube().faces, process=False).export(tmp_path / "stray.obj")
    with (tmp_path / "stray.obj").open("a") as file:
        file.write("\nv 1000 0 0\n")
    cloud = shape_cloud(shape_file(str(tmp_path / "stray.obj")), points=100)
    assert cloud.truth is not None and np.abs(cloud.truth.vertices).max() == pytest.approx(0.9)


def test_several_parts_of_a_scene_are_one_mesh_where_they_stand(tmp_path: Path) -> None:
    scene, part = trimesh.Scene(), trimesh.Trimesh(cube().vertices, cube().faces, process=False)
    for x in (0, 3):
        scene.add_geometry(part, transform=trimesh.transformations.translation_matrix((x, 0, 0)))
    scene.export(tmp_path / "two.glb")
    mesh = read_shape(tmp_path / "two.glb")
    assert isinstance(mesh, Mesh) and mesh.is_watertight and mesh.parts == 2
    assert mesh.vertices[:, 0].min() == -0.5 and mesh.vertices[:, 0].max() == 3.5


def test_a_mesh_that_faces_inward_is_turned_around(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trimesh.Trimesh(cube().vertices, cube().faces[:, ::-1], process=False).export(tmp_path / "inward.off")
    cloud = shape_cloud(shape_file(str(tmp_path / "inward.off")), points=100)
    assert "face inward" in caplog.text and cloud.truth is not None
    assert cloud.truth.volume == pytest.approx(1.8**3)
    assert cloud.normals is not None and (cloud.normals * cloud.points).sum(1).min() > 0


def test_triangles_that_face_different_ways_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    faces = cube().faces.copy()
    faces[0] = faces[0, ::-1]
    trimesh.Trimesh(cube().vertices, faces, process=False).export(tmp_path / "mixed.off")
    shape_cloud(shape_file(str(tmp_path / "mixed.off")), points=100)
    assert "face different ways at 3 of its edges" in caplog.text


def test_an_open_mesh_is_fitted_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trimesh.Trimesh(cube().vertices, cube().faces[:-1], process=False).export(tmp_path / "open.off")
    with caplog.at_level(logging.WARNING):
        cloud = shape_cloud(shape_file(str(tmp_path / "open.off")), points=100)
    assert len(cloud.points) == 100 and "3 edges belong to one triangle only" in caplog.text


def test_noise_is_a_fraction_of_the_half_side_and_keeps_the_normals() -> None:
    clean, noisy = (shape_cloud(shape_file(None), points=5000, noise=noise) for noise in (0.0, 0.01))
    assert noisy.points.shape == clean.points.shape and noisy.noise == pytest.approx(0.009)
    np.testing.assert_array_equal(noisy.normals, clean.normals)
    # 15,000 numbers: their deviation is known to 1 / sqrt(30,000), six tenths of a percent.
    assert (noisy.points - clean.points).std() == pytest.approx(0.009, rel=0.03)


@pytest.mark.parametrize("suffix", [".ply", ".glb"])
def test_a_mesh_is_written_in_the_units_of_the_file_with_normals(suffix: str, tmp_path: Path) -> None:
    # A survey: millimetres of a thing of a hundred metres, some thousand kilometres from the origin.
    centre = (5_400_123.25, -20.0, 690_000.5)
    mesh = extracted(Sphere(), 16)
    path = files_of(mesh, "out", Frame(centre, 0.01))[f"out{suffix}"](tmp_path / f"out{suffix}")
    assert isinstance(path, Path)
    (found,) = trimesh.load_scene(path, process=False).dump()
    np.testing.assert_allclose(found.vertices, 100 * mesh.vertices + np.array(centre), rtol=0, atol=1e-4)
    assert (found.vertex_normals * mesh.vertex_normals).sum(1).min() > 0.99  # trimesh weights by angles, we by areas
    said = path.read_bytes()
    assert b"nx" in said if suffix == ".ply" else b"NORMAL" in said
