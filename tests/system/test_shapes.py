"""Shapes from the command line and from Python: trained, resumed bit for bit, judged, written, drawn, refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from siren_pl import Siren, fit, load, shape_cloud, shape_file, shape_fit
from siren_pl.problems.shapes.extraction import extracted
from siren_pl.problems.shapes.measures import MEASURES
from siren_pl.runs.wandb_runs import _pictures
from tests.conftest import Command, small_shapes
from tests.shapes import Sphere, Torus

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def ring() -> Path:
    """A torus as a file, far from the origin and a thousand units long."""
    mesh = extracted(Torus(), 24)
    trimesh.Trimesh(500 * mesh.vertices + 7000, mesh.faces, process=False).export("ring.obj")
    return Path("ring.obj")


def metrics(run: str) -> dict[str, float]:
    return json.loads(Path(run, "metrics.json").read_text())


def test_a_mesh_is_fitted_judged_written_in_its_own_units_and_cut_finer(
    ring: Path, train: Command, evaluate: Command
) -> None:
    given = ("task=shape_fit", f"dataset.path={ring}", "figures=true", "model.hidden_features=32", "seed=1")
    ended = train(*given, "dataset.points=2000", "trainer.max_steps=150", "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    found = metrics("run")
    named = {name for name in MEASURES if name != "cloud_to_surface"}
    assert named <= found.keys()
    assert {f"baseline/imls/{name}" for name in named if not name.startswith("sdf")} <= found.keys()
    assert 0.8 < found["iou"] < 1 and 0.9 < found["baseline/imls/iou"] <= 1
    (mesh,) = trimesh.load_scene("run/predictions/ring.ply", process=False).dump()
    low, high = mesh.bounds
    # Within a twentieth of the ring's own box, 850 units wide.
    np.testing.assert_allclose((low[0], high[0]), (7000 - 425, 7000 + 425), atol=45)
    (panel,) = _pictures([Path("run/predictions/ring.glb")]).items()
    assert panel[0] == "shapes/ring" and type(panel[1]).__name__ == "Object3D"
    for name in ("mesh", "slices"):
        assert Image.open(f"run/figures/{name}.png").convert("L").getextrema()[0] < 100
    field = load("run")
    inside = torch.tensor([[0.6 * 0.9 / 0.85, 0.0, 0.0]])
    assert field(inside).item() < 0 < field(torch.zeros(1, 3)).item()
    assert evaluate("run=run", "resolution=32").code == 0
    finer = metrics("run/evaluate/32")
    assert finer["triangles"] > found["triangles"] and Path("run/evaluate/32/ring.ply").is_file()
    for bad in ("7", "many", "5000"):
        ended = evaluate("run=run", f"resolution={bad}")
        assert ended.code == 1 and f"resolution={bad} must be a whole number from 8 to 1024" in ended.paragraph


def test_a_resumed_fit_is_the_uninterrupted_one(train: Command) -> None:
    given = ("task=shape_fit", "figures=false", "baselines={}", "optimizer.schedule=constant")
    for name, steps in (("whole", 20), ("part", 10)):
        assert train(*given, f"trainer.max_steps={steps}", f"hydra.run.dir={name}").code == 0
    assert train("resume=part", "trainer.max_steps=20").code == 0
    whole, part = (torch.load(f"{name}/checkpoints/last.ckpt", weights_only=True) for name in ("whole", "part"))
    assert whole["global_step"] == part["global_step"] == 20
    for name, weight in whole["state_dict"].items():
        assert torch.equal(weight, part["state_dict"][name]), name


def test_points_alone_are_fitted_and_measured_by_themselves(train: Command) -> None:
    mesh = extracted(Sphere(), 24)
    np.savetxt("ball.xyz", mesh.sampled(1500, np.random.default_rng(0))[0])
    given = ("task=shape_fit", "dataset.path=ball.xyz", "dataset.normals=false", "dataset.points=null")
    assert train(*given, "trainer.max_steps=100", "model.hidden_features=32", "hydra.run.dir=run").code == 0
    found = metrics("run")
    assert found["cloud_to_surface"] < 0.05 and "iou" not in found
    # Estimated normals, turned outward, serve the rival too.
    assert found["baseline/imls/cloud_to_surface"] < 0.05


def test_a_file_without_a_shape_ends_with_one_paragraph(train: Command) -> None:
    Path("broken.obj").write_text("v 0 0\nf 1 2 3\n")
    ended = train("task=shape_fit", "dataset.path=broken.obj")
    assert ended.code == 1 and "broken.obj" in ended.paragraph
    ended = train("task=shape_fit", "dataset=camera", "dataset.size=8", tiny=False)
    assert ended.code == 1 and "choose dataset=shape" in ended.paragraph
    ended = train("task=image_fit", "dataset=shape")
    assert ended.code == 1 and "image_fit takes a SampledSignal, and the dataset gives a Cloud" in ended.paragraph


def test_a_shape_is_fitted_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    small_shapes(monkeypatch)
    problem = shape_fit(shape_cloud(shape_file(None), points=500), resolution=24)
    found = fit(Siren(3, 1, 32, 2, omega_0=15), problem, steps=60, lr=2e-3, batch_size=400, progress=False)
    assert found.metrics["iou"] > 0.3 and found.metrics["point_to_surface"] < 0.1
